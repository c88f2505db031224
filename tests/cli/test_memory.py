"""`scrimp memory`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrimp.cli.main import main


@pytest.fixture
def memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: str, store: str = "m.sqlite", plain: bool = False) -> Any:
        last = [] if plain else ["--json"]
        code = main(["memory", *words, "--store", str(tmp_path / store), *last])
        out, said = capsys.readouterr()
        return (code, json.loads(out)) if code == 0 and not plain else (code, out + said)

    return call


WORDS = ("--embedder", "none")


def test_the_life_of_a_note(memory: Any, tmp_path: Path) -> None:
    code, kept = memory("add", "Ann moved to Bergen", "--owner", "ann", "--source", "t3", "--at", "2026-05-01", *WORDS)
    assert code == 0
    assert (kept["owner"], kept["sources"], kept["valid_from"]) == ("ann", ["t3"], 1777593600.0)
    assert memory("add", "安娜喜欢绿茶", "--owner", "ann", *WORDS)[0] == 0
    found = memory("search", "绿茶", "--owner", "ann", *WORDS)[1]
    assert [row["text"] for row in found] == ["安娜喜欢绿茶"]
    assert memory("search", "Bergen", "--owner", "ben", *WORDS)[1] == []
    assert memory("show", kept["id"], "--owner", "ann")[1][0]["text"] == "Ann moved to Bergen"
    assert memory("stats", "--owner", "ann")[1]["records"] == 2
    assert memory("consolidate", "--owner", "ann")[1] == {"before": 2, "after": 2, "merged": 0}
    file = tmp_path / "notes.jsonl"
    assert memory("export", "--owner", "ann", "--out", str(file), *WORDS, plain=True)[0] == 0
    assert {json.loads(line)["owner"] for line in file.read_text().splitlines()} == {"ann"}
    assert memory("import", str(file), "--owner", "cleo", *WORDS, store="other.sqlite")[1] == {"imported": 2}
    assert memory("forget", kept["id"], "--owner", "ann")[1] == {"forgotten": 1}
    assert memory("forget", "--all", "--owner", "ann")[1] == {"forgotten": 1}
    assert memory("show", "--owner", "ann")[1] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "zzz"), "no note has the id"), (("forget",), "nothing says what to forget"),
        (("add", "x", "--at", "soon"), "is no moment"), (("add", " "), "empty"),
        (("import", "/nowhere.jsonl"), "cannot be read"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_two(memory: Any, words: tuple[str, ...], says: str) -> None:
    code, said = memory(*words)
    assert code == 2
    assert says in said
    assert said.count("\n") == 1


def test_a_folder_or_a_broken_file_is_one_line(memory: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert memory("stats", store="folder")[0] == 2
    (tmp_path / "broken").write_bytes(b"nothing that SQLite would know" * 99)
    code, said = memory("stats", store="broken")
    assert code == 4
    assert "not a database" in said
