"""What runs came to, by hand; break-even; and a stop rule that is judged on tasks it was not chosen by."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from recorded import call, run, trace, with_usage

from scrimp.audit.audit import Options, audit_paths
from scrimp.audit.measure import Book, Run, measure
from scrimp.audit.outcomes import Outcomes
from scrimp.audit.stopping import StepFacts, facts_of, stop_rule
from scrimp.core.usage import Usage
from scrimp.models.prices import load

BOOK = Book(load())


def costing(dollars: float, reward: float | None, task: str = "", **fields: object) -> Run:
    """A run of one call that costs so much (gpt-4o: 10 dollars per million written)."""
    recorded = with_usage(
        trace("hi", ("Hello.",), reward=reward, task=task, **fields), Usage(output=round(dollars * 1e5))
    )
    return measure(recorded, BOOK)


def collected(*runs: Run) -> Outcomes:
    outcomes = Outcomes()
    for item in runs:
        outcomes.add(item)
    return outcomes


def test_success_cost_and_cost_of_pass() -> None:
    runs = [costing(1.0 + at % 2, float(at % 4 != 0), f"task {at}") for at in range(40)]
    document = collected(*runs).to_json(Decimal(3))
    assert (document["successes"], document["success_rate"]["mean"]) == (30, 0.75)
    assert document["cost_of_pass"]["kind"] == "pooled"
    assert document["cost_of_pass"]["mean"] == pytest.approx(60 / 30)
    assert document["cost_of_pass"]["never_solved"] == 10
    low, high = document["cost_of_pass"]["interval"]
    assert low < 2 < high
    assert document["cost_of_pass"]["per_task"]["mean"] is None
    outcomes = document["outcomes"]
    assert outcomes["cost_per_run"]["mean"] == pytest.approx(1.5)
    assert (outcomes["cost_of_failures"]["amount"], outcomes["cost_of_failures"]["runs"]) == (pytest.approx(10), 10)
    assert outcomes["with_failures"]["per_run"]["mean"] == pytest.approx(1.5 + 3 * 0.25)
    assert outcomes["compared"]["failed"]["cost"] == pytest.approx(1.0)


def test_per_task_needs_ten_repeats_and_leaves_out_what_was_never_solved() -> None:
    runs = [costing(2.0, float(at < 5), task) for task in ("a", "b") for at in range(10)]
    runs += [costing(2.0, 0.0, "never") for _ in range(10)]
    per_task = collected(*runs).to_json()["cost_of_pass"]["per_task"]
    assert per_task["mean"] == pytest.approx(4.0)
    assert per_task["never_solved"] == 1


def test_the_cheapest_success_of_each_task_is_a_hindsight_bound() -> None:
    runs = [costing(1.0, 1.0, "a"), costing(3.0, 1.0, "a"), costing(0.5, 0.0, "a"), costing(2.0, 1.0, "b")]
    found = collected(*runs).to_json()["outcomes"]["cheapest_success"]
    assert (found["spent"], found["at_the_cheapest"]) == (pytest.approx(6.0), pytest.approx(4.0))
    assert found["exactness"] == "hindsight bound"


def test_who_beats_whom_while_a_failure_costs_less() -> None:
    random = Random(1)
    runs = []
    for task in range(60):
        for name, dollars, chance in (("large", 4.0, 0.9), ("small", 1.0, 0.6)):
            noise = random.random()
            runs.append(
                costing(dollars + noise / 10, float(random.random() < chance), f"t{task}", labels={"kind": name})
            )
    (pair,) = collected(*runs).to_json()["outcomes"]["break_even"]
    assert (pair["a"], pair["b"]) == ("kind=large", "kind=small")
    assert pair["saved_per_run"] == pytest.approx(3.0, abs=0.1)
    assert pair["failure_cost"] == pytest.approx(pair["saved_per_run"] / pair["success_lost"])
    assert pair["says"].startswith("kind=small beats kind=large while a failure costs less than $")


def test_repetitions_are_not_compared() -> None:
    runs = [costing(1.0, float(at % 3 == 0), f"t{at % 30}", labels={"trial": str(at // 30)}) for at in range(60)]
    assert collected(*runs).to_json()["outcomes"]["break_even"] == []


def test_what_is_unknown_is_said_and_not_zero() -> None:
    document = collected(run("x", ("y",), model="acme:one", reward=1.0)).to_json()
    assert document["cost_of_pass"]["mean"] is None
    assert document["cost_of_pass"]["reason"] == "a price is unknown"
    assert document["outcomes"]["cost_per_run"] is None
    assert collected(run("x", ("y",))).to_json()["success_rate"] is None


def test_facts_grow_step_by_step() -> None:
    recorded = trace("x", [call("a", "1")], {"1": "Error: no"}, [call("a", "2")], {"2": "Error: no"},
                     [call("b", "3")], {"3": "ok"}, ("y",))  # fmt: skip
    for use in recorded.tools:
        use.failed = use.result != "ok"
        use.error = use.result if use.failed and use.result else ""
    table = facts_of(measure(recorded, BOOK)).table
    assert table[:, 0].tolist() == [1, 2, 3, 4]
    assert table[:, 2].tolist() == [1, 2, 2, 2]
    assert table[:, 3].tolist() == [1, 2, 0, 0]
    assert table[:, 4].tolist() == [0, 1, 1, 1]


def made(steps: int, reward: float, task: int) -> tuple[str, float, StepFacts]:
    facts = StepFacts()
    for at in range(steps):
        facts.values.extend((at + 1.0, (at + 1) * 0.1, 0.0, 0.0, 0.0))
    return f"task {task}", reward, facts


def test_a_rule_is_found_where_long_runs_fail() -> None:
    random = Random(2)
    runs = [made(random.randint(3, 6), 1.0, at) for at in range(40)]
    runs += [made(random.randint(20, 30), 0.0, at) for at in range(40)]
    found = stop_rule(runs)
    assert found["net"] > 0
    assert found["interval"][0] > 0
    assert found["lost_runs"] <= 2
    assert "would have saved" in found["says"]


def test_no_rule_is_claimed_where_length_says_nothing() -> None:
    random = Random(3)
    runs = [made(random.randint(3, 20), float(random.random() < 0.5), at % 40) for at in range(160)]
    assert "no simple stop rule pays" in stop_rule(runs)["says"]
    assert stop_rule(runs[:20])["rule"] is None


@pytest.mark.skipif("SCRIMP_DATA" not in os.environ, reason="SCRIMP_DATA is not set")
def test_all_three_families_at_once() -> None:
    folder = Path(os.environ["SCRIMP_DATA"]) / "agent_traces"
    document = audit_paths([folder], Options(workers=1)).to_json()
    json.dumps(document, allow_nan=False)
    assert document["runs"] == 177
    tau = document["by_source"]["openai-chat"]
    assert (tau["runs"], tau["success_rate"]["mean"]) == (160, 0.4125)
    assert tau["cost_of_pass"]["interval"][0] < tau["cost_of_pass"]["mean"] < tau["cost_of_pass"]["interval"][1]
    assert len(document["remedies"]) >= 10
    assert {"openai-chat", "inspect", "swe-agent"} == set(document["by_source"])
    for part in (document, *document["by_source"].values()):
        total = Decimal(part["cost"]["amount"])
        for partition in ("components", "terms", "causes"):
            assert sum(Decimal(cell["cost"]["amount"]) for cell in part[partition].values()) == total
            for kind, count in part["tokens"].items():
                assert sum(cell["tokens"][kind] for cell in part[partition].values()) == count
