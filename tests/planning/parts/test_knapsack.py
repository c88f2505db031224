"""The knapsack against brute force, on random instances."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import product

import pytest

from scrimp.planning.parts.knapsack import in_units, take


def brute_force(prices: list[Decimal], values: list[float], copies: list[int], budget: Decimal) -> float:
    """The largest value within the budget, of every way there is."""
    ways = product(*(range(count + 1) for count in copies))
    return max(_of(way, values) for way in ways if _of(way, prices) <= budget)


def _of(way: tuple[int, ...], each: list) -> object:  # type: ignore[type-arg]
    return sum((count * one for count, one in zip(way, each, strict=True)), start=type(each[0])(0))


@pytest.mark.parametrize("fine", [3, 5])
@pytest.mark.parametrize("seed", range(60))
def test_it_is_within_a_hundredth_of_brute_force_and_never_over(seed: int, fine: int) -> None:
    """In steps of 0.001 it is exact; in steps of 0.00001 of a budget of dollars, prices are rounded up."""
    draw = random.Random(seed)
    size = draw.randint(1, 6)
    prices = [Decimal(draw.randint(0, 10**fine)).scaleb(-fine) for _ in range(size)]
    values = [draw.random() for _ in range(size)]
    copies = [draw.randint(0, 3) for _ in range(size)]
    budget = Decimal(draw.randint(1, 3 * 10**fine)).scaleb(-fine)
    costs, units = in_units(prices, budget)
    found = tuple(take(costs, values, copies, units))
    assert all(0 <= count <= most for count, most in zip(found, copies, strict=True))
    assert _of(found, prices) <= budget, "never over"
    best = brute_force(prices, values, copies, budget)
    assert _of(found, values) >= 0.99 * best
    if fine == 3:
        assert _of(found, values) == pytest.approx(best)


def test_of_equal_values_the_cheapest() -> None:
    assert take([3, 2], [1.0, 1.0], [1, 1], 4) == [0, 1]
    assert take([1], [0.0], [5], 10) == [0], "what is worth nothing is not taken"
    assert take([0, 5], [0.5, 1.0], [2, 1], 4) == [2, 0]
    assert take([], [], [], 3) == []


def test_money_becomes_units_without_loss_where_they_are_enough() -> None:
    assert in_units([Decimal("0.001"), Decimal("0.0005"), Decimal(0)], Decimal("0.02")) == ([2, 1, 0], 40)
    assert in_units([Decimal("1E+1"), Decimal(5)], Decimal(20)) == ([2, 1], 4)
    costs, units = in_units([Decimal("0.000001"), Decimal("0.3333333")], Decimal(1))
    assert (costs, units) == ([1, 3334], 10_000), "rounded up"
    assert in_units([Decimal("0.5")], Decimal(0)) == ([1], 0)
