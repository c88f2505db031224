from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from scrimp.core.errors import InputError
from scrimp.evaluate.benchmarks.files import Source, by_id, field, find, one_of, texts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SCRIMP_DATA", raising=False)
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "home"))
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def test_where_files_are_looked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find("set") is None
    with pytest.raises(InputError, match=r"set needs its official data \(--data DIR or SCRIMP_DATA"):
        Source("set")
    kept = folder.parent / "home" / "bench" / "set"
    kept.mkdir(parents=True)
    assert Source("set").folder == kept
    monkeypatch.setenv("SCRIMP_DATA", str(folder.parent))
    assert Source("set").folder == folder
    assert Source("set", folder.parent).folder == folder
    assert Source("set", folder).folder == folder
    monkeypatch.setenv("SCRIMP_DATA", str(folder / "nowhere"))
    with pytest.raises(InputError, match="SCRIMP_DATA: there is no folder"):
        Source("set")
    with pytest.raises(InputError, match="there is no data folder"):
        Source("set", folder / "nowhere")


def test_lines_lists_and_zipped_files_read_alike(folder: Path) -> None:
    rows = [("rows: item 甲", {"id": "甲"}), ("rows: item 2", {"id": 2})]
    for name, text in (
        ("rows.jsonl", '{"id": "甲"}\n\n{"id": 2}\n'),
        ("rows.json", '[{"id": "甲"}, {"id": 2}]'),
        ("rows.json", '[\n {"id": "甲"},\n {"id": 2}\n]\n'),
    ):
        for old in folder.iterdir():
            old.unlink()
        (folder / name).write_text(text, encoding="utf-8")
        assert [(where.replace(name, "rows"), row) for where, row in Source("set", folder).rows("rows")] == rows
        (folder / name).unlink()
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        assert [row for _, row in Source("set", folder).rows("rows")] == [row for _, row in rows]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"id": 1}\n{"id": ', "rows.jsonl: line 2 is no JSON"),
        ('{"id": 1}\n[1]', "rows.jsonl: line 2 is no object with field 'id'"),
        ('{"name": 1}', "rows.jsonl: line 1 is no object with field 'id'"),
        ('[{"id": 1},', "rows.jsonl: line 1 is no JSON"),
    ],
)
def test_bad_rows_are_one_clear_line(folder: Path, text: str, says: str) -> None:
    (folder / "rows.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        list(Source("set", folder).rows("rows"))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_unreadable_files(folder: Path) -> None:
    source = Source("set", folder)
    with pytest.raises(InputError, match=r"there is no file .*one.jsonl.gz"):
        source.file("one", "two")
    (folder / "two.json").write_text("{", encoding="utf-8")
    assert source.file("one", "two").name == "two.json"
    with pytest.raises(InputError, match=r"two\.json: line 1 is no JSON"):
        source.document("two")
    (folder / "three.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"three\.jsonl: unreadable after line 0"):
        list(source.rows("three"))
    with pytest.raises(InputError, match="there is no file"):
        source.text("policy.md")


def test_fields() -> None:
    row = {"text": "a", "list": ["x"], "mixed": [1], "whole": True}
    assert field("here", row, "text", str) == "a"
    assert texts("here", row, "list") == ("x",)
    for name, kind, says in (("gone", str, "is missing"), ("text", list, "is no list"), ("whole", int, "is no whole")):
        with pytest.raises(InputError, match=f"here: field '{name}' {says}"):
            field("here", row, name, kind)
    with pytest.raises(InputError, match="'mixed' is not a list of texts"):
        texts("here", row, "mixed")
    with pytest.raises(InputError, match="is it another version of the set"):
        one_of("here", "text", "a", ("b", "c"))
    with pytest.raises(InputError, match="second: the id 'x' stands there twice"):
        by_id([("x", "first"), ("x", "second")], lambda one: one[0], lambda one: one[1])
