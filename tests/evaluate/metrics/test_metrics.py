"""Each metric against figures worked out by hand, and the page against the table."""

from __future__ import annotations

import math

import pytest

from scrimp.core.events import Event, Key
from scrimp.evaluate.metrics import calls, money, paths, relative, reliability, steps
from scrimp.evaluate.metrics.facts import Call, RunFacts, counted
from scrimp.evaluate.metrics.table import METRICS, markdown, measure
from scrimp.evaluate.pareto import Point


def run(task: str = "t", success: float = 1.0, cost: float | None = 2.0, **more: object) -> RunFacts:
    return RunFacts(task, success, cost, tokens=100, seconds=1.0, steps=3, **more)  # type: ignore[arg-type]


def test_money_per_correct_answer() -> None:
    assert money.pooled([1, 2, 3], [1, 0, 1]) == 3
    assert money.pooled([1], [0]) is None
    ten = {"a": [(1.0, 1.0)] * 5 + [(1.0, 0.0)] * 5, "b": [(3.0, 0.0)] * 10, "c": [(2.0, 1.0)] * 10}
    assert money.per_task(ten) == (2.0, 1, "")
    assert money.per_task({"a": [(1.0, 1.0)] * 9})[2] == "needs 10 repeats of each task"


def test_the_frontier_of_cost_of_pass_and_who_lowers_it() -> None:
    cheap = {"a": [(1.0, 1.0)], "b": [(1.0, 0.0)]}
    strong = {"a": [(4.0, 1.0)], "b": [(4.0, 1.0)]}
    assert money.frontier({"cheap": cheap, "strong": strong}) == {"a": 1.0, "b": 4.0}
    assert money.frontier({"cheap": cheap}, expert=9.0) == {"a": 1.0, "b": 9.0}
    assert money.gain({"cheap": cheap, "strong": strong}, "strong", expert=9.0) == pytest.approx((9 - 4) / 2)
    assert money.gain({"cheap": cheap, "strong": strong}, "cheap", expert=9.0) == pytest.approx((4 - 1) / 2)


def test_gaps_and_shares_of_cost() -> None:
    assert money.cost_gap([3.0, 2.0], [2.0, 2.0]) == pytest.approx(0.25)
    assert money.cost_score(3.0, greedy=5.0, best=1.0) == pytest.approx(0.5)
    assert money.amortised(100.0, 50, 0.5, 1.0) == pytest.approx(3.5)


def test_steps_by_both_conventions() -> None:
    taken, success = [2, 4, 9], [1.0, 1.0, 0.0]
    assert steps.of_solved(taken, success) == 3
    assert steps.of_all(taken, success) == pytest.approx((2 + 4 + 9) / 3)
    assert steps.of_all(taken, success, limit=12) == 6
    assert steps.to_optimum(taken, success, [2, 2, 2]) == pytest.approx(1.5)
    assert steps.spl(taken, success, [2, 2, 2]) == pytest.approx((1 + 0.5 + 0) / 3)
    assert steps.of_solved([1], [0.0]) is None


def test_paths() -> None:
    assert paths.distance("kitten", "sitting") == 3
    assert paths.deviation(["a", "b"], ["a", "c", "b"], 1.0) == pytest.approx(1 / 3)
    assert paths.deviation(["a"], ["a"], 0.0) == 1
    assert paths.exact([["a"], ["b"]], [["a"], ["a"]]) == 0.5
    assert paths.mean_deviation([], [], []) is None


def test_calls_at_once_and_in_vain() -> None:
    asked = (Call("f", "1", True), Call("f", "1", True), Call("g", "2", False), Call("f", "3", True))
    runs = [run(calls=asked, rounds=2), run()]
    assert calls.parallelism(runs) == 2
    assert calls.invalid(runs) == 0.25
    assert calls.redundancy(runs) == 0.25
    assert calls.invalid([run()]) is None


def test_repeats() -> None:
    repeats = {"a": [1, 1, 0, 0], "b": [1, 1, 1, 1]}
    assert reliability.pass_hat(repeats, 2) == pytest.approx((1 / 6 + 1) / 2)
    assert reliability.pass_at(repeats, 2) == pytest.approx((5 / 6 + 1) / 2)
    assert reliability.pass_hat(repeats, 5) is None
    assert reliability.consistency({"a": [2.0, 2.0], "b": [1.0, 3.0]}) == pytest.approx((1 + 1 / (1 + 2**0.5 / 2)) / 2)


def test_figures_within_one_comparison() -> None:
    assert relative.resource_efficiency({"a": 10, "b": 30, "c": 20}) == {"a": 1, "b": 0, "c": 0.5}
    points = [Point("a", 1, 0.2), Point("b", 2, 0.3), Point("c", 3, 0.8)]
    assert [point.name for point in relative.hull(points)] == ["a", "c"]
    parts = relative.contribution(points, 4)
    assert parts["c"] == pytest.approx(0.5)
    assert parts["b"] == pytest.approx(0.1)


def event(kind: str, **more: object) -> Event:
    given = {"id": "e", "key": Key("r", "/", "d", 1), "kind": kind, "component": "planning", **more}
    return Event(**given)  # type: ignore[arg-type]


def test_counters_of_events_leave_judges_out() -> None:
    events = [
        event("model"), event("tool", name="f", request_hash="x", round=1),
        event("tool", name="g", status="error", round=1),
        event("tool", name="f", request_hash="x", round=2), event("memory_read", busy_us=500_000),
        event("model", component="harness"),
    ]  # fmt: skip
    found = counted(events)
    assert found["model_calls"] == 1
    assert found["rounds"] == 2
    assert [call.ok for call in found["calls"]] == [True, False, True]  # type: ignore[attr-defined]
    assert found["reads"] == (0.5,)
    assert "steps" not in found
    assert counted([event("environment")])["steps"] == 1


def test_what_runs_allow_is_measured_and_says_its_kind() -> None:
    runs = [run(f"t{i}", success=float(i % 3 > 0), optimum=1, best_path=("f",),
                calls=(Call("f", "1", True),), rounds=1) for i in range(30)]  # fmt: skip
    found = measure(runs)
    assert found["cost_of_pass"]["kind"] == "pooled"
    assert found["cost_of_pass"]["value"] == pytest.approx(3)
    assert found["cost_of_pass"]["never_solved"] == 10
    assert found["exact_path"]["value"] == 1
    assert "cost_of_pass_per_task" not in found
    assert "pass^2" not in found
    twice = measure([run("t0"), run("t0", success=0.0), run("t1")])
    assert twice["cost_of_pass_per_task"]["reason"] == "needs 10 repeats of each task"
    assert twice["pass^2"]["value"] == 0
    unknown = measure([run(cost=None)])
    assert "mean_cost" not in unknown
    assert all(math.isfinite(one["value"]) for one in found.values())
    assert measure([]) == {}


def test_every_metric_says_where_it_is_had() -> None:
    assert all(one.of or one.where for one in METRICS)
    assert len({one.name for one in METRICS}) == len(METRICS)


def test_the_page_holds_the_table() -> None:
    from source_tree import ROOT

    assert markdown() in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
