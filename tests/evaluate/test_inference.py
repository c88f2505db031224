"""Tests that agree with the intervals beside them, and their correction."""

from __future__ import annotations

import numpy as np
import pytest

from scrimp.core.errors import InputError
from scrimp.evaluate.inference import cost_p, efficient_p, holm, noninferior_p, power_line, success_p
from scrimp.evaluate.statistics import log_cost_ratio, n_for_margin, non_inferior

stats = pytest.importorskip("scipy.stats")


def outcomes(rng: np.random.Generator, n: int, p: float, change: float) -> tuple[list[float], list[float]]:
    a = (rng.random(n) < p).astype(float)
    b = np.where(rng.random(n) < change, 1 - a, a)
    return list(a), list(b)


def test_mcnemar_is_the_exact_binomial_test() -> None:
    rng = np.random.default_rng(3)
    for n in (5, 30, 200):
        a, b = outcomes(rng, n, 0.6, 0.2)
        wins = sum(y > x for x, y in zip(a, b, strict=True))
        losses = sum(y < x for x, y in zip(a, b, strict=True))
        expected = stats.binomtest(min(wins, losses), wins + losses).pvalue if wins + losses else 1.0
        assert success_p(a, b) == pytest.approx(expected)


def test_seeds_make_fractions_and_are_flipped_together() -> None:
    tasks = [f"t{i // 2}" for i in range(20)]
    a, b = [0.0, 1.0] * 10, [1.0, 1.0] * 10
    assert success_p(a, b, tasks) == pytest.approx(2 / 2**10)


def test_a_cost_p_below_5_percent_is_an_interval_without_1() -> None:
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(60):
        a = np.exp(rng.standard_normal(25))
        b = a * np.exp(0.4 * rng.standard_normal(25) - 0.15)
        found = log_cost_ratio(a, b).ratio.interval
        p = cost_p(a, b)
        assert found is not None
        assert p is not None
        if abs(p - 0.05) > 0.003:  # the quantile and the count of draws may differ by one draw
            assert (p < 0.05) == (not found[0] <= 1 <= found[1])
        seen.add(p < 0.05)
    assert seen == {True, False}


def test_costs_that_are_equal_or_proportional() -> None:
    a = list(np.linspace(1, 2, 12))
    assert cost_p(a, a) == 1
    assert cost_p(a, [0.9 * x for x in a]) == 0
    assert cost_p(a[:5], a[:5]) is None


def test_noninferior_p_is_the_level_at_which_the_bound_holds() -> None:
    a, b = outcomes(np.random.default_rng(8), 400, 0.7, 0.05)
    p = noninferior_p(a, b, margin=0.03)
    assert (non_inferior(a, b, margin=0.03).bound > -0.03) == (p < 0.05)
    assert noninferior_p(a, b, margin=0.10) < p


def test_efficient_needs_both() -> None:
    rng = np.random.default_rng(2)
    a = list(np.exp(rng.standard_normal(900)))
    same, cheap = [1.0] * 450 + [0.0] * 450, [0.7 * x for x in a]
    assert (efficient_p(a, cheap, same, same) or 0) < 0.05
    assert efficient_p(cheap, a, same, same) == 1
    assert (efficient_p(a, cheap, same, [0.0] * 900) or 0) > 0.9
    assert efficient_p(a[:5], cheap[:5], same[:5], same[:5]) is None


def test_holm_as_published() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([None, 0.02]) == [None, 0.02]
    assert holm([]) == []
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_the_power_line_says_what_n_decides() -> None:
    few, enough = power_line(60, 0.03), power_line(700, 0.03)
    assert few.needed == enough.needed == n_for_margin(0.03)
    assert (few.n < few.needed, enough.n >= enough.needed) == (True, True)
    assert "too few" in few.says
    assert "is enough" in enough.says
    assert enough.power == pytest.approx(0.8, abs=0.02)
    assert few.decidable == pytest.approx(2.486 * (0.1 / 60) ** 0.5, rel=0.01)
    with pytest.raises(InputError):
        power_line(0, 0.03)
