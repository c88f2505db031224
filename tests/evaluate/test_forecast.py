"""Forecasts of a bill from runs that were made."""

from __future__ import annotations

import numpy as np
import pytest

from scrimp.evaluate.forecast import forecast, remaining


def history(costs: np.ndarray, name: str = "s") -> dict[str, dict[str, list[float]]]:
    return {name: {f"t{i}": [float(cost)] for i, cost in enumerate(costs)}}


def test_the_mean_is_that_of_the_history() -> None:
    costs = np.random.default_rng(1).gamma(2, 1, 40)
    found = forecast(history(costs), {"s": 100})
    assert found.mean == pytest.approx(100 * costs.mean())
    assert (found.low or 0) < found.mean < (found.high or 0)
    assert found.tasks == 40


def test_intervals_hold_what_comes() -> None:
    rng, hits = np.random.default_rng(2), 0
    for seed in range(150):
        found = forecast(history(rng.gamma(2, 1, 40)), {"s": 60}, seed=seed)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= rng.gamma(2, 1, 60).sum() <= found.high
    assert 0.83 <= hits / 150 <= 0.96  # 0.90 by benchmarks/coverage_compare.py, here three errors wide


def test_longer_histories_give_narrower_intervals() -> None:
    rng = np.random.default_rng(3)
    widths = [
        (found.high or 0) / (found.low or 1)
        for n in (20, 100, 400)
        if (found := forecast(history(rng.gamma(2, 1, n)), {"s": 200}))
    ]
    assert widths == sorted(widths, reverse=True)


def test_systems_on_the_same_tasks_are_not_independent() -> None:
    costs = np.random.default_rng(4).gamma(2, 1, 40)
    both = {**history(costs, "a"), **history(costs, "b")}
    one, two = forecast(history(costs, "a"), {"a": 50}), forecast(both, {"a": 50, "b": 50})
    assert two.mean == pytest.approx(2 * one.mean)
    assert (two.high or 0) / (two.low or 1) == pytest.approx((one.high or 0) / (one.low or 1), rel=1e-6)


def test_systems_with_other_histories_are_added_up() -> None:
    rng = np.random.default_rng(5)
    mixed = {**history(rng.gamma(2, 1, 40), "a"), "b": {f"u{i}": [1.0] for i in range(30)}}
    found = forecast(mixed, {"a": 10, "b": 7})
    assert found.mean == pytest.approx(forecast(mixed, {"a": 10}).mean + 7)
    assert found.tasks == 30


def test_a_short_history_has_no_interval() -> None:
    found = forecast(history(np.ones(19)), {"s": 5})
    assert (found.low, found.mean, found.high) == (None, 5, None)
    assert found.to_json()["reason"] == "n too small"


def test_nothing_left_costs_nothing() -> None:
    assert forecast({}, {"s": 0}).mean == 0
    assert remaining({}, {"s": 3}) is None
    assert remaining(history(np.full(3, 2.0)), {"s": 3}) == pytest.approx(6)
