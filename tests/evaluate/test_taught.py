"""Methods that learn: rows of the dev part, a System that names what came of them, and a check that trains first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.registry import catalogue
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.check import check
from scrimp.evaluate.systems import named
from scrimp.evaluate.taught import learns, rows, taught
from scrimp.outfit import Parts
from scrimp.testing import ScriptedModel

CARDS = {entry.card.name: entry.card for entry in catalogue(strangers=False)}


def test_rows_are_of_the_dev_part_and_say_which_tools_are_needed() -> None:
    bench = open_benchmark("toolworld?tools=16")
    data = rows(bench)
    asked = {task.text for task in bench.tasks("test")}
    assert 350 < len(data.rows) <= 400
    assert not asked & {row["query"] for row in data.rows}
    kinds = {task.text: task.labels["kind"] for task in bench.tasks("dev")}
    assert all(bool(row["tools"]) is (kinds[row["query"]] not in ("none", "unsolvable")) for row in data.rows)
    with pytest.raises(InputError, match="no split 'dev'"):
        rows(open_benchmark("metatool?data=sample"))


def test_who_learns() -> None:
    assert [learns(CARDS[name]) for name in ("toolrag", "bm25", "react")] == [True, False, False]


def test_a_system_names_what_the_training_left_behind(tmp_path: Path, scrimp_home: Path) -> None:
    bench = open_benchmark("toolworld?tools=16")
    system = named("toolrag").with_(embedder="hashing")
    made, artifact, ledger = anyio.run(
        taught, system, "selector", rows(bench), tmp_path / "a.npz", Parts({"main": ScriptedModel([])})
    )
    part = made.part("selector")
    assert part is not None
    assert dict(part.parameters) == {"artifact": str(tmp_path / "a.npz"), "hash": artifact.hash}
    assert made.hash({}) != system.hash({})
    assert artifact.facts["rows"] == len(rows(bench).rows)
    assert ledger.total.tokens.input > 1000

    with pytest.raises(InputError, match="names no gate"):
        anyio.run(taught, system, "gate", rows(bench), tmp_path / "b.npz")


def test_a_check_trains_first(monkeypatch: pytest.MonkeyPatch, scrimp_home: Path) -> None:
    def hashed(name: str) -> Any:
        return named(name).with_(embedder="hashing")

    monkeypatch.setattr("scrimp.evaluate.check.named", hashed)
    found = anyio.run(lambda: check(CARDS["toolrag"], n=10))
    assert found.cost["ratio"] < 0.9
    assert list((scrimp_home / "trained").iterdir())
