from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrimp.core.errors import InputError
from scrimp.evaluate.benchmarks import catalog, entries


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of official files, and a benchmark that reads one number out of it."""

    class Reader:
        def __init__(self, data: Path | None = None) -> None:
            if data is None:
                raise InputError("no data", remedy="--data DIR")
            self.text = (data / "items.txt").read_text()

        def check(self) -> dict[str, Any]:
            if not self.text.isdigit():
                raise InputError("items.txt, line 1: no number")
            return {"items": int(self.text), "splits": {"test": int(self.text)}}

    monkeypatch.setattr(catalog, "BFCLReader", Reader, raising=False)
    entry = entries.Entry("bfcl", "t", 3, ("test",), ("success",), "Apache-2.0",
                          "scrimp.evaluate.benchmarks.catalog:BFCLReader", "its site", needs_data=True)  # fmt: skip
    monkeypatch.setattr(entries, "BENCHMARKS", {"bfcl": entry})
    monkeypatch.setattr(catalog, "BENCHMARKS", {"bfcl": entry})
    monkeypatch.delenv("SCRIMP_DATA", raising=False)
    folder = tmp_path / "official"
    folder.mkdir()
    (folder / "items.txt").write_text("3")
    return folder


def test_the_list(scrimp) -> None:
    rows = {row["name"]: row for row in scrimp("bench", "list", "--json").json}
    assert set(rows["toolworld"]) == {"name", "tasks", "splits", "metrics", "licence", "available"}
    assert rows["toolworld"]["available"]
    assert rows["toolworld"]["tasks"] >= 1600
    assert "toolworld" in scrimp("bench", "list").out


def test_show(scrimp) -> None:
    assert scrimp("bench", "show", "toolworld", "--json").json["splits"] == ["test", "dev", "unseen"]
    assert "toolworld?key=value" in scrimp("bench", "show", "toolworld").out


def test_what_is_made_here_needs_no_data(scrimp) -> None:
    assert scrimp("bench", "get", "toolworld").err == "toolworld is made by scrimp: nothing to get\n"
    assert scrimp("bench", "get", "toolworld", "--json").json["folder"] is None
    found = scrimp("bench", "check", "toolworld?tools=16", "--json").json
    assert (found["name"], found["ok"], found["tools"]) == ("toolworld", True, 16)


def test_official_data(scrimp, official: Path, scrimp_home: Path) -> None:
    assert not scrimp("bench", "list", "--json").json[0]["available"]
    said = scrimp("bench", "get", "bfcl")
    assert said.code == 2
    assert said.err == ("scrimp: the data of bfcl are not shipped; their official place: its site "
                        "(scrimp bench get bfcl --data DIR)\n")  # fmt: skip
    assert scrimp("bench", "check", "bfcl").code == 2
    assert scrimp("bench", "check", "bfcl", "--data", "official", "--json").json["items"] == 3

    target = scrimp_home / "bench" / "bfcl"
    assert scrimp("bench", "get", "bfcl", "--data", "official", "--json").json["folder"] == str(target.resolve())
    assert scrimp("bench", "list", "--json").json[0]["available"]
    assert "items" in scrimp("bench", "check", "bfcl").out

    (official / "items.txt").write_text("4")
    (target / "old.txt").write_text("x")
    assert scrimp("bench", "get", "bfcl", "--data", "official").code == 0
    assert sorted(path.name for path in target.parent.iterdir()) == ["bfcl"]
    assert [path.name for path in target.iterdir()] == ["items.txt"]


def test_bad_data_are_not_taken(scrimp, official: Path, scrimp_home: Path) -> None:
    (official / "items.txt").write_text("many")
    for command in (("get",), ("check",)):
        said = scrimp("bench", *command, "bfcl", "--data", "official")
        assert (said.code, said.err) == (2, "scrimp: items.txt, line 1: no number\n")
    assert not (scrimp_home / "bench").exists()


def test_data_under_the_folder_of_all_data(scrimp, official: Path, tmp_path: Path, monkeypatch) -> None:
    official.rename(tmp_path / "bfcl")
    monkeypatch.setenv("SCRIMP_DATA", str(tmp_path))
    assert scrimp("bench", "check", "bfcl", "--json").json["items"] == 3
    assert scrimp("bench", "get", "bfcl", "--data", str(tmp_path)).code == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("show", "toolwrld"), "no benchmark is called 'toolwrld' (did you mean toolworld"),
        (("check", "toolworld?tols=3"), "benchmark toolworld has no option 'tols'"),
        (("check", "toolworld?tools"), "the options of 'toolworld?tools' cannot be read"),
        (("check", "bfcl", "--data", "nowhere"), "--data: there is no folder nowhere"),
        (("get", "bfcl", "--data", "nowhere"), "--data: there is no folder nowhere"),
    ],
)
def test_wrong_words(scrimp, arguments: tuple[str, ...], line: str) -> None:
    said = scrimp("bench", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"scrimp: {line}")
    assert said.err.count("\n") == 1
