"""The critical path is what decided when a run ended."""

from __future__ import annotations

from dataclasses import replace

from recorded import call, trace

from scrimp.audit.latency import Latency, critical_path
from scrimp.audit.measure import Book, measure
from scrimp.models.prices import load


def test_calls_side_by_side_cost_the_longest_of_them() -> None:
    spans = [(0.0, 2.0, "model"), (2.0, 7.0, "tools"), (2.0, 3.0, "tools"), (2.0, 6.5, "tools"), (7.0, 8.0, "model")]
    assert critical_path(spans) == {"model": 3.0, "tools": 5.0}


def test_gaps_are_neither_model_nor_tools() -> None:
    recorded = trace("hi", [call("get", "a")], {"a": "1"}, ("Done.",), gap=10.0, seconds=2.0)
    recorded.tools[0] = replace(recorded.tools[0], started=1_000_002.0, seconds=3.0)
    latency = Latency()
    latency.add(measure(recorded, Book(load())))
    found = latency.to_json()
    assert found["wall"]["mean"] == 12.0
    assert found["critical_path"] == {"model": 4.0, "tools": 3.0, "between": 5.0}
    assert found["by_step"][1] == {"step": 2, "calls": 1, "seconds": 2.0}


def test_a_record_without_times_says_so() -> None:
    latency = Latency()
    latency.add(measure(trace("hi", ("Done.",)), Book(load())))
    assert latency.to_json()["runs_with_times"] == 0
    assert latency.to_json()["wall"] is None


def test_two_halves_merge_to_the_whole() -> None:
    runs = [measure(trace("hi", ("Done.",), gap=1.0, seconds=float(at)), Book(load())) for at in range(1, 6)]
    whole, left, right = Latency(), Latency(), Latency()
    for at, item in enumerate(runs):
        whole.add(item)
        (left if at < 2 else right).add(item)
    left.merge(right)
    assert left.to_json() == whole.to_json()
