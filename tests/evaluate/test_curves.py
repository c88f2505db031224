"""Effectiveness at a budget, and the area under it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scrimp.evaluate.curves import area, bounds, curve, curves

COSTS, SUCCESS = [1.0, 2.0, 4.0, 8.0] * 5, [1.0, 1.0, 0.0, 1.0] * 5


def test_a_run_that_costs_more_than_the_budget_is_a_failure() -> None:
    found = curve("s", COSTS, SUCCESS, None, (0.5, 16.0), points=6)
    assert found.budgets == pytest.approx([0.5, 1, 2, 4, 8, 16])
    assert found.effectiveness == pytest.approx([0, 0.25, 0.5, 0.5, 0.75, 0.75])
    assert all(low <= p <= high for low, p, high in zip(found.low, found.effectiveness, found.high, strict=True))
    assert found.budget_at(0.5) == pytest.approx(2)
    assert found.budget_at(0.9) is None


def test_the_area_is_the_mean_height_of_the_curve_on_the_logarithm() -> None:
    exact = area(np.array(COSTS), np.array(SUCCESS), None, (0.5, 16.0))
    fine = curve("s", COSTS, SUCCESS, None, (0.5, 16.0), points=20_001)
    assert exact.mean == pytest.approx(np.mean(fine.effectiveness), abs=1e-3)
    assert exact.interval is not None
    assert exact.interval[0] < (exact.mean or 0) < exact.interval[1]
    assert area(np.array(COSTS[:9]), np.array(SUCCESS[:9]), None, (0.5, 16.0)).interval is None


def test_what_is_free_counts_whole_and_what_fails_not_at_all() -> None:
    free = area(np.zeros(12), np.ones(12), None, (1.0, 10.0))
    assert free.mean == 1
    assert area(np.zeros(12), np.zeros(12), None, (1.0, 10.0)).mean == 0


def test_seeds_of_a_task_are_one() -> None:
    found = curve("s", [1, 1, 9, 9], [1, 0, 1, 1], ["a", "a", "b", "b"], (2, 20), points=2)
    assert found.effectiveness == pytest.approx([0.25, 0.75])


def test_bounds_hold_still_while_costs_change_a_little() -> None:
    assert bounds([[0.001, 0.0012], [0.0009]]) == bounds([[0.00105, 0.0012], [0.00085]])
    low, high = bounds([[1.0]]) or (0, 0)
    assert (low, high) == pytest.approx((0.1, 10))
    assert bounds([[0.0], []]) is None


def test_units_share_bounds_and_an_unused_one_is_left_out() -> None:
    own = (COSTS, SUCCESS, [str(i) for i in range(20)])
    nothing = ([0.0] * 20, SUCCESS, own[2])
    found = curves({"usd": {"a": own, "b": own}, "seconds": {"a": nothing}})
    assert list(found) == ["usd"]
    assert [row["name"] for row in found["usd"]["systems"]] == ["a", "b"]
    assert math.isclose(found["usd"]["systems"][0]["points"][0]["budget"], found["usd"]["bounds"][0])
