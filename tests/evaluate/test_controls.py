"""Controls: the next cheaper model, lower effort, self-consistency at as many tokens."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.core.system import Part, System
from scrimp.evaluate.conduct import Tally
from scrimp.evaluate.controls import CHEAPER, CONSISTENCY, EFFORT, beforehand, lower_effort, matched
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.levels import at_cost, at_quality, check_levels, level, solved_within
from scrimp.evaluate.systems import baseline, efficient
from scrimp.evaluate.trial import Trial
from scrimp.models.cheaper import SMALLER, next_cheaper, worth
from scrimp.models.prices import load


def trial(system: str, task: int, success: bool, dollars: str = "0.001", tokens: int = 100) -> Trial:
    return Trial(system, str(task), 0, success, float(success), "done", "r", Decimal(dollars), tokens, 1.0, 1, 1)


def test_the_next_cheaper_model_of_the_same_provider() -> None:
    found = next_cheaper("anthropic:claude-sonnet-5-5", "hosted-2026-11")
    rates = load("hosted-2026-11").models
    assert found.model.startswith("anthropic:")
    assert worth(rates[found.model]) <= Decimal("0.8") * worth(rates["anthropic:claude-sonnet-5-5"])
    between = [
        name for name, other in rates.items()
        if name.startswith("anthropic:") and other.output
        and worth(rates[found.model]) < worth(other) <= Decimal("0.8") * worth(rates["anthropic:claude-sonnet-5-5"])
    ]  # fmt: skip
    assert between == []


def test_packaged_models_and_oracles_have_the_next_smaller_class() -> None:
    assert next_cheaper("local", "hosted-2026-11").model == "small"
    assert next_cheaper("local", "hosted-2026-11").prices == SMALLER
    assert next_cheaper("oracle?error=0.1&seed=3", "hosted-2026-11").model == "oracle?error=0.2&seed=3"
    assert next_cheaper("oracle", "mine.toml").prices == "mine.toml"
    nobody = next_cheaper("http://example.test/v1#x", "hosted-2026-11")
    assert nobody.model == ""
    assert "no price list tells" in nobody.why


def test_effort_goes_one_step_down_where_there_is_one() -> None:
    assert lower_effort(System(model="openai:gpt-5-mini")) == "low"
    assert lower_effort(System(model="openai:gpt-5-mini", effort="low")) == "minimal"
    assert lower_effort(System(model="local")) == ""


def test_the_base_has_its_controls_and_what_is_missing_is_said() -> None:
    made, missing = beforehand([baseline().with_(model="openai:gpt-5-mini"), efficient()])
    assert [control.why for control in made] == [CHEAPER, EFFORT]
    assert all(control.of == "baseline" for control in made)
    assert missing == [f"{CONSISTENCY}: nothing here samples or debates"]
    made, missing = beforehand([baseline().with_(model="oracle?error=0.1")])
    assert [control.why for control in made] == [CHEAPER]
    assert any(EFFORT in one for one in missing)


def test_what_samples_meets_self_consistency_at_its_tokens() -> None:
    sampling = baseline().with_(planner=Part("self-consistency", {"samples": 3}), context="sliding-window", name="mine")
    base = baseline()
    tallies = {"baseline": Tally([trial("baseline", i, True, tokens=100) for i in range(4)]),
               "mine": Tally([trial("mine", i, True, tokens=420) for i in range(4)])}  # fmt: skip
    (control,) = matched([base, sampling], tallies)
    assert control.system.part("planner") == Part("self-consistency", {"samples": 4, "inner": "react"})
    assert control.system.temperature == 0.7
    assert matched([base, efficient()], {**tallies, "efficient": tallies["mine"]}) == []


def test_controls_decide_what_may_be_called_more_efficient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path))

    def said(**more: Any) -> dict[str, Any]:
        systems = (baseline(), efficient())
        given = Experiment(systems, "toolworld?tools=16", model="oracle?error=0.1", n=60, margin=20.0, **more)
        found = anyio.run(run, given)
        return next(pair for pair in found["pairs"] if (pair["a"], pair["b"]) == ("baseline", "efficient"))

    with_controls, without = said(controls=True), said(controls=False)
    assert with_controls["verdict"] == without["verdict"] == "cheaper and non-inferior"
    assert with_controls["says"].startswith("efficient is more efficient than baseline")
    assert "more efficient" not in without["says"]
    assert with_controls["compared"] == 3
    assert with_controls["p_adjusted"] >= with_controls["p"]["efficient"]


# -- levels ----------------------------------------------------------------------------------------


def test_a_trial_that_costs_more_than_the_level_is_a_failure() -> None:
    trials = [trial("a", 0, True, "0.001"), trial("a", 1, True, "0.003"), trial("a", 2, False, "0.001")]
    assert list((solved_within(trials, Budget(usd="0.002")) or {}).values()) == [1.0, 0.0, 0.0]
    assert list((solved_within(trials, Budget(tokens=100)) or {}).values()) == [1.0, 1.0, 0.0]
    unknown = [Trial("a", "0", 0, True, 1.0, "done", "r", None, 1, 1.0, 1, 1)]
    assert solved_within(unknown, Budget(usd="0.002")) is None


def test_a_system_that_ran_again_at_a_level_is_taken_as_it_ran() -> None:
    budget = Budget(usd="0.002")
    trials = {"a": [trial("a", i, True, "0.003") for i in range(30)],
              "b": [trial("b", i, True, "0.003") for i in range(30)],
              "b at usd=0.002": [trial("b at usd=0.002", i, True, "0.002") for i in range(30)]}  # fmt: skip
    found = level(budget, ["a", "b"], trials)
    assert [(row["name"], row["how"], row["effectiveness"]["mean"]) for row in found["systems"]] == [
        ("a", "truncated", 0.0), ("b", "run again", 1.0),
    ]  # fmt: skip
    assert "b solves more tasks than a" in found["says"][0]
    assert at_cost(found)["best"] == "b"


def test_the_cheapest_that_surely_holds_a_quality() -> None:
    def row(name: str, mean: float, interval: list[float], cost: float) -> dict[str, Any]:
        return {"name": name, "effectiveness": {"mean": mean, "interval": interval}, "cost": {"mean": cost}}

    rows = [
        row("sure", 0.9, [0.85, 0.94], 2.0),
        row("maybe", 0.82, [0.75, 0.88], 1.0),
        row("dear", 0.95, [0.9, 0.98], 3.0),
    ]
    found = at_quality(0.8, rows)
    assert found["cheapest"] == "sure"
    assert "not surely: maybe" in found["says"]
    assert at_quality(0.99, rows)["cheapest"] is None


def test_levels_are_in_what_trials_are_measured_in() -> None:
    check_levels([Budget(usd=1), Budget(tokens=5, seconds=3)])
    for wrong in (Budget(steps=3), Budget()):
        with pytest.raises(InputError, match="a budget level"):
            check_levels([wrong])
