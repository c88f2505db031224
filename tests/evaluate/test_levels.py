"""Budget levels: a planner that minds its budget runs again at each, any other is cut off there."""

from __future__ import annotations

from pathlib import Path

import anyio

from scrimp.core.budget import Budget
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.levels import at_levels, name_at
from scrimp.evaluate.systems import baseline, named

LEVEL = Budget(tokens=30_000)


def test_only_what_minds_its_budget_runs_again() -> None:
    limited = named("bats").with_(budget={"tool_calls": 3})
    (again,) = at_levels((baseline(), limited), (LEVEL,))
    assert again.name == name_at("bats", LEVEL)
    assert Budget.of(again.budget) == Budget(tool_calls=3, tokens=30_000)


def test_a_comparison_runs_bats_again_at_its_level(tmp_path: Path) -> None:
    asked = Experiment(
        (baseline(), named("bats")), "toolworld?tools=16", model="oracle", n=3, levels=(LEVEL,), out=tmp_path / "out"
    )
    document = anyio.run(run, asked)
    (found,) = document["levels"]
    assert [(row["name"], row["how"], row["n"]) for row in found["systems"]] == [
        ("baseline", "truncated", 3), ("bats", "run again", 3),
    ]  # fmt: skip
    assert [side["name"] for side in document["systems"]] == ["baseline", "bats"], "no rival of its own"
    lines = (tmp_path / "out" / "trials.jsonl").read_text(encoding="utf-8")
    assert lines.count(f'"system": "{name_at("bats", LEVEL)}"') == 3
