"""Methods by name: ours are read without importing, strangers' may break without breaking anything."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrimp.core import registry
from scrimp.core.errors import InputError, UnknownName
from scrimp.core.protocols import FAMILIES
from scrimp.core.registry import METHODS_OF, PROTOCOLS, Card, catalogue, create, find, load, method


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """`load` and the catalogue of ours are kept in the process; a test must not leave its own there."""
    yield
    load.cache_clear()


def test_listing_imports_none_of_the_methods() -> None:
    script = (
        "import sys; from scrimp.core.registry import catalogue; rows = catalogue(strangers=False);"
        "print([m for m in sys.modules if '.methods.' in m or '.select.' in m], len(rows))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded, count = done.stdout.strip().rsplit(" ", 1)
    assert loaded == "[]"
    assert int(count) >= 6


def test_the_catalogue_is_sorted_and_every_row_can_be_loaded() -> None:
    rows = catalogue(strangers=False)
    names = [(entry.card.family, entry.card.name) for entry in rows]
    assert names == sorted(names)
    for entry in rows:
        cls = load(entry.card.family, entry.card.name)
        assert cls.card == entry.card  # type: ignore[attr-defined]
        assert cls.__name__ == entry.attribute


def test_a_row_in_its_outward_form() -> None:
    row = find("planner", "react").to_json()
    assert set(row) == {
        "name", "family", "title", "paper", "needs", "saves", "against", "verdict", "provides", "package"
    }  # fmt: skip
    assert (row["provides"], row["verdict"], row["package"]) == (["Planner"], None, "scrimp")
    assert json.dumps(row)


def test_families_protocols_and_methods_agree() -> None:
    assert set(PROTOCOLS) == set(METHODS_OF)
    assert set(FAMILIES) <= set(PROTOCOLS)
    for family, protocol in FAMILIES.items():
        assert PROTOCOLS[family] == protocol.__name__
        assert all(hasattr(protocol, name) for name in METHODS_OF[family])


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no planner is called 'reakt' \(did you mean react\?\)"):
        find("planner", "reakt")
    with pytest.raises(UnknownName, match="no selector is called 'react'"):
        find("selector", "react")


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("top-k", {"kk": 3}, "has no parameter 'kk' (it has: k, by)"),
        ("top-k", {"k": 0}, "k is 0"),
        ("top-k", {"by": "magic"}, "by is 'magic'"),
        ("top-k", {"k": "five"}, "'top-k':"),
        ("all-tools", {"k": 1}, "it has none"),
    ],
)
def test_a_wrong_parameter_is_one_clear_line(name: str, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        create("selector", name, parameters)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_create_makes_a_new_one_each_time() -> None:
    one, other = create("selector", "top-k", {"k": 3}), create("selector", "top-k")
    assert (one.k, other.k) == (3, 5)
    assert one is not other


def test_a_card_knows_families_and_verdicts() -> None:
    with pytest.raises(InputError, match="no family"):
        Card("a", "planers", "A")
    with pytest.raises(InputError, match="no verdict"):
        Card("a", "planner", "A", verdicts={"oracle": "great"})
    card = Card("a", "planner", "A", verdicts={"oracle": "structure only", "local": "direction"})
    assert card.verdict == "direction"


def test_a_class_that_lacks_a_method_cannot_be_registered() -> None:
    with pytest.raises(InputError, match="Half is no Memory: it lacks manage, read"):

        @method(Card("half", "memory", "Half"))
        class Half:
            async def write(self) -> None: ...


def test_the_cache_is_used_until_a_file_is_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "deep" / "catalogue.json"
    first = catalogue(cache, strangers=False)
    assert cache.is_file()
    monkeypatch.setattr(registry, "_parse", lambda file, root: pytest.fail("parsed again"))
    assert catalogue(cache, strangers=False) == first
    monkeypatch.undo()
    stale = json.loads(cache.read_text(encoding="utf-8"))
    stale["stamp"][0][1] -= 1
    cache.write_text(json.dumps(stale), encoding="utf-8")
    assert catalogue(cache, strangers=False) == first
    cache.write_text("{", encoding="utf-8")
    assert catalogue(cache, strangers=False) == first


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert catalogue(tmp_path / "file" / "cache.json", strangers=False)


# -- strangers -------------------------------------------------------------------------------------


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, **modules: str) -> None:
    """Pretend that packages with entry points are installed."""
    points = []
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        points.append(importlib.metadata.EntryPoint(name, f"{name}:Mine", registry.ENTRY_POINTS))
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)


GOOD = """
from scrimp.core.registry import Card, method
@method(Card("stranger-good", "selector", "Good"))
class Mine:
    async def index(self, tools, ctx): ...
    async def select(self, query, ctx): return []
"""


def test_a_broken_stranger_is_a_row_and_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, tmp_path, stranger_good=GOOD, stranger_raises="1 / 0", stranger_bare="class Mine: ...",
              stranger_exits="raise ImportError('needs torch')")  # fmt: skip
    rows = {entry.card.name: entry for entry in catalogue()}
    assert rows["stranger-good"].error == ""
    assert rows["stranger_raises"].error == "ZeroDivisionError: division by zero"
    assert "needs torch" in rows["stranger_exits"].error
    assert "AttributeError" in rows["stranger_bare"].error
    assert rows["stranger_raises"].to_json()["error"]
    assert "react" in rows
    assert load("selector", "stranger-good").__module__ == "stranger_good"
    with pytest.raises(InputError, match="cannot be loaded: ZeroDivisionError"):
        find("planner", "stranger_raises")


def test_a_stranger_cannot_take_the_name_of_one_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, tmp_path, stranger_thief=GOOD.replace("stranger-good", "top-k"))
    assert find("selector", "top-k").package == "scrimp"


def test_a_method_with_several_faces_is_found_by_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD.replace('"Good")', '"Good", provides=("ToolSelector", "Gate"))')
    installed(monkeypatch, tmp_path, stranger_two=text)
    assert find("gate", "stranger-good").attribute == "Mine"
