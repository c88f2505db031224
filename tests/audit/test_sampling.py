"""Runs are drawn by their names, and from few files so that every run is as likely."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from scrimp.audit.sampling import FILES, drawn, from_files
from scrimp.audit.trace import Trace


def test_the_same_runs_are_drawn_again_and_about_as_many_as_asked_for() -> None:
    traces = [Trace(str(at), "x", "file.jsonl") for at in range(2000)]
    found = [trace.id for trace in traces if drawn(trace, 0.1)]
    assert found == [trace.id for trace in traces if drawn(trace, 0.1)]
    assert 150 < len(found) < 250
    assert set(found) < {trace.id for trace in traces if drawn(trace, 0.5)}
    assert all(drawn(trace, 1.0) for trace in traces)


def test_all_runs_where_there_are_no_more_than_wanted() -> None:
    assert from_files([3, 0, 5], 8) == {0: 1.0, 2: 1.0}
    assert from_files([], 8) == {}
    assert from_files([0, 0], 8) == {}


def test_few_files_of_many_and_large_ones_as_often_as_they_have_runs() -> None:
    assert len(from_files([10] * 500, 200)) == FILES
    assert set(from_files([10] * 500, 200).values()) == {1.0}
    assert from_files([10_000, 5], 200) == {0: pytest.approx(0.02)}
    shares = from_files([900, *([1] * 100)], 100)
    assert shares[0] == pytest.approx(0.1)
    assert len(shares) == 3  # two draws of twenty fall on the hundred small files


def test_every_run_is_as_likely_as_every_other() -> None:
    likely, order = Counter[int](), [40, 80, 160, 320, 20, 60] * 10
    draws = Random(1)
    for _ in range(400):
        draws.shuffle(order)
        for place, share in from_files(order, 100).items():
            likely[order[place]] += share
    expected = 400 * 10 * 100 / sum(order)
    assert all(value == pytest.approx(expected, rel=0.2) for value in likely.values())
