"""A search on the tool world, from its file to its confirmation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrimp.core.errors import InputError
from scrimp.core.system import System
from scrimp.evaluate.tune.space import Space
from scrimp.evaluate.tune.tune import agreement

SPACE = """
[base]
system = "baseline"

[space]
planner = ["react", "plan-then-execute"]
selector = ["all-tools", "top-k"]
"selector.top-k.k" = [1, 8]
transforms = [[], ["shorten-schemas"]]
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "space.toml"
    file.write_text(SPACE, encoding="utf-8")
    return file


def test_a_parameter_counts_only_where_its_method_is_chosen(space: Path) -> None:
    systems = list(Space.read(space).systems())
    assert len(systems) == 2 * 3 * 2
    assert len({system.name for system in systems}) == len(systems)
    assert "planner=react selector=top-k k=8 transforms=none" in [system.name for system in systems]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[space]\nplaner = ['react']\n", "planner"),
        ("[space]\nplanner = 'react'\n", 'write planner = ["one", "other"]'),
        ("[spce]\nplanner = ['react']\n", "[space]"),
        ("[space]\n", "has no [space]"),
        ("[space]\nplanner = ['reakt']\n", "react"),
        ("[space]\nselector = ['top-k']\n'selector.top-k.kk' = [1]\n", "no parameter 'kk'"),
    ],
)
def test_a_space_that_is_none_is_one_line_before_anything_is_spent(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        Space.read(file).check()
    assert said in str(error.value)


def test_a_search_finds_confirms_and_writes_a_system(scrimp: Any, space: Path, tmp_path: Path) -> None:
    given = ("tune", "--spec", str(space), "--bench", "toolworld?tools=16", "--model", "oracle?error=0.1", "--n", "60",
             "--at-quality", "0.6", "--spend", "usd=2", "--out", str(tmp_path / "out"), "--json")  # fmt: skip
    said = scrimp(*given)
    assert said.code == 0
    best = said.json["best"]
    assert "k=1" not in best["name"]
    assert best["confirmed"]["n"] == 60
    assert best["confirmed"]["agreement"]["verdict"] in ("agree", "differ", "inconclusive")
    assert 0 < said.json["evidence"]["grid_share"] <= 1
    assert float(said.json["spent"]["usd"]["amount"]) <= 2
    assert System.from_toml(best["file"]).with_(name="").to_json() == {**best["system"], "name": ""}
    trials = (tmp_path / "out" / "trials.jsonl").read_bytes()
    again = scrimp(*given).json
    assert again["best"]["name"] == best["name"]
    assert (tmp_path / "out" / "trials.jsonl").read_bytes() == trials  # nothing was run twice


def test_a_quality_that_is_not_to_be_had_is_a_no(scrimp: Any, space: Path) -> None:
    said = scrimp("tune", "--spec", str(space), "--bench", "toolworld?tools=16", "--model", "oracle?error=0.9", "--n",
                  "20", "--at-quality", "0.99", "--spend", "usd=2")  # fmt: skip
    assert said.code == 1
    assert "no System of the space holds 99 %" in said.out


def test_the_budget_of_a_search_is_not_passed(scrimp: Any, space: Path) -> None:
    said = scrimp("tune", "--spec", str(space), "--bench", "toolworld?tools=16", "--model", "oracle?error=0.1", "--n",
                  "60", "--at-quality", "0.6", "--spend", "usd=0.02", "--json")  # fmt: skip
    assert said.code == 3
    assert float(said.json["spent"]["usd"]["amount"]) <= 0.02


@pytest.mark.parametrize("goal", [(), ("--at-quality", "0.5", "--at-cost", "usd=1"), ("--at-cost", "tokens=5")])
def test_one_goal_is_needed(scrimp: Any, space: Path, goal: tuple[str, ...]) -> None:
    said = scrimp("tune", "--spec", str(space), "--bench", "toolworld", "--spend", "usd=1", *goal)
    assert said.code == 2
    assert said.err.count("\n") == 1


def test_optuna_proposes_for_a_race(scrimp: Any, space: Path) -> None:
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    said = scrimp("tune", "--spec", str(space), "--bench", "toolworld?tools=16", "--model", "oracle?error=0.1", "--n",
                  "20", "--at-quality", "0.5", "--spend", "usd=2", "--searcher", "optuna", "--json")  # fmt: skip
    assert said.code == 0
    assert 1 <= said.json["evidence"]["raced"] <= 8


def test_a_system_is_written_as_it_is_read(tmp_path: Path) -> None:
    system = System.from_data({
        "planner": {"name": "react", "max_steps": 3}, "budget": {"usd": "0.1", "tool_calls.x": 2},
        "transforms": ["window"], "temperature": 0.5, "name": 'a "b"',
    })  # fmt: skip
    (tmp_path / "s.toml").write_text(system.to_toml(), encoding="utf-8")
    assert System.from_toml(tmp_path / "s.toml") == system


def test_search_and_confirmation_agree_only_when_that_is_sure() -> None:
    from decimal import Decimal

    from scrimp.evaluate.trial import Trial

    def trials(n: int, rate: float, cost: float) -> list[Trial]:
        return [Trial("s", str(i), 0, i < rate * n, 0.0, "done", "r", Decimal(str(cost + 0.01 * (i % 7))), 1, 1.0, 1, 1)
                for i in range(n)]  # fmt: skip

    assert agreement(trials(2000, 0.8, 1), trials(2000, 0.8, 1))["verdict"] == "agree"
    assert agreement(trials(30, 0.8, 1), trials(30, 0.8, 1))["verdict"] == "inconclusive"
    assert agreement(trials(500, 0.9, 1), trials(500, 0.6, 1))["verdict"] == "differ"
    assert agreement(trials(2000, 0.8, 1), trials(2000, 0.8, 1.5))["verdict"] == "differ"
