"""The guard: a rise is caught, noise is not."""

from __future__ import annotations

import numpy as np
import pytest

from scrimp.core.errors import InputError
from scrimp.evaluate.guard import Side, alarms_per_month, guard, swap_p


def runs(seed: int, n: int, success: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.exp(rng.standard_normal(n)), (rng.random(n) < success).astype(float)


def test_ten_percent_more_tokens_on_the_same_answers_is_caught() -> None:
    costs, solved = runs(1, 40)
    found = guard(Side("base", costs, solved), Side("new", 1.1 * costs, solved))
    assert found.passed is False
    assert found.ratio == pytest.approx(1.1)
    assert found.bound == pytest.approx(1.1)
    assert "at least +10.0 %" in found.says


def test_noise_is_not() -> None:
    alarms = 0
    for seed in range(60):
        one, other = runs(seed, 40), runs(seed + 1000, 40)
        alarms += guard(Side("base", *one), Side("new", *other)).passed is False
    assert alarms <= 7  # 3 expected; the chance of more than 7 at 5 % is 1 %


def test_a_rise_through_lost_success_is_caught_as_well() -> None:
    costs, solved = runs(2, 200, 0.9)
    worse = solved.copy()
    worse[: len(worse) // 3] = 0
    assert guard(Side("base", costs, solved), Side("new", costs, worse)).passed is False


def test_cheaper_passes_and_says_what_would_be_caught() -> None:
    costs, solved = runs(3, 60)
    noise = np.exp(0.2 * np.random.default_rng(4).standard_normal(60))
    found = guard(Side("base", costs, solved), Side("new", 0.8 * costs * noise, solved))
    assert found.passed is True
    assert 0 < (found.detectable or 0) < 0.5
    assert "would be caught four times in five" in found.says


@pytest.mark.parametrize(
    ("costs", "solved", "why"),
    [([1.0] * 10, [1.0] * 10, "n too small"), ([1.0] * 30, [0.0] * 30, "nothing was solved"),
     ([0.0] * 30, [1.0] * 30, "nothing was spent")],
)  # fmt: skip
def test_what_cannot_be_told_is_said(costs: list[float], solved: list[float], why: str) -> None:
    found = guard(Side("base", costs, solved), Side("new", costs, solved))
    assert found.passed is None
    assert why in found.says


def test_sides_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InputError, match="differ in length"):
        guard(Side("a", [1.0], [1.0]), Side("b", [1.0, 2.0], [1.0, 1.0]))


def test_swapping_alike_sides_changes_nothing() -> None:
    costs, solved = runs(5, 30)
    assert swap_p((costs, solved, costs, solved)) == 1


def test_alarms_add_up() -> None:
    assert alarms_per_month(20) == pytest.approx(1)
