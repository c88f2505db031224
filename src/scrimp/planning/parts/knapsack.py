"""A bounded knapsack by dynamic programme: how often each thing is taken so that the value is largest within a budget.

f[i][j] = max(f[i-1][j], f[i-1][j - c_i] + v_i), with i over the copies of all things and j over the budget's units; of
equal values the cheapest. Exact in units; money becomes units without loss where MOST_UNITS bear it, else costs are
rounded up, so that no plan is ever over its budget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

MOST_UNITS = 10_000
_EQUAL = 1e-9


def take(costs: Sequence[int], values: Sequence[float], copies: Sequence[int], budget: int) -> list[int]:
    """How often each thing is taken, from 0 to its copies.

    Args:
        costs: units of one copy, 0 or more.
        values: of one copy, 0 or more.
        budget: units.
    """
    import numpy as np

    things = [thing for thing, cost in enumerate(costs) for _ in range(_useful(copies[thing], cost, budget))]
    best = np.zeros(budget + 1)
    taken = np.zeros((len(things), budget + 1), dtype=bool)
    for row, thing in enumerate(things):
        with_it = best[: budget + 1 - costs[thing]] + values[thing]
        taken[row, costs[thing] :] = with_it > best[costs[thing] :] + _EQUAL
        best[costs[thing] :] = np.maximum(best[costs[thing] :], with_it)
    counts, left = [0] * len(costs), int(np.argmax(best >= best[-1] - _EQUAL))
    for row in reversed(range(len(things))):
        if taken[row, left]:
            counts[things[row]] += 1
            left -= costs[things[row]]
    return counts


def in_units(prices: Sequence[Decimal], budget: Decimal, most: int = MOST_UNITS) -> tuple[list[int], int]:
    """Prices and a budget as whole numbers of one unit; prices rounded up where `most` units do not tell them apart."""
    places = max([0, *(-int(price.normalize().as_tuple().exponent) for price in (*prices, budget))])
    whole = [int(price.scaleb(places)) for price in (*prices, budget)]
    unit = math.gcd(*whole) or 1
    if whole[-1] // unit <= most:
        return [price // unit for price in whole[:-1]], whole[-1] // unit
    return [math.ceil(price * most / budget) for price in prices], most


def _useful(copies: int, cost: int, budget: int) -> int:
    """Copies that could ever be taken."""
    return min(copies, budget // cost) if cost else copies
