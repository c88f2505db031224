"""Tests beside the intervals, corrected for how many comparisons are made; and what a sample can decide at all.

Each p-value agrees with the interval that is printed: it is below 0.05 where, and only where, the 95 % interval leaves
out "no difference". Over several comparisons Holm's method (1979, Scand. J. Statist. 6:65) holds the chance of any
false "more efficient" at 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from scrimp.core.errors import InputError
from scrimp.evaluate.resampling import by_task, sign_flip_test
from scrimp.evaluate.statistics import Tasks, cost_tail, log_cost_ratio, n_for_margin, non_inferior
from scrimp.evaluate.words import PLANNED_DISCORDANCE


def success_p(a: Sequence[float], b: Sequence[float], tasks: Tasks = None) -> float:
    """P-value of equal success, two-sided: McNemar's exact test (1947, Psychometrika 12:153) on tasks that one solved
    and the other did not; the sign-flip test where seeds make outcomes fractions."""
    d = by_task(b, tasks) - by_task(a, tasks)
    if not np.isin(d, (-1.0, 0.0, 1.0)).all():
        return sign_flip_test(list(d))
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    n, less = wins + losses, min(wins, losses)
    if n == 0:
        return 1.0
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2) for k in range(less + 1)]
    return min(1.0, 2 * sum(math.exp(value) for value in logs))


def cost_p(a: Sequence[float], b: Sequence[float], tasks: Tasks = None) -> float | None:
    """P-value of equal mean costs, two-sided, by the studentised bootstrap of `log_cost_ratio`; None where that has no
    interval."""
    found = log_cost_ratio(a, b, tasks).ratio
    if found.interval is None or found.mean is None:
        return None
    if found.interval[0] == found.interval[1]:
        return 1.0 if found.mean == 1 else 0.0
    return cost_tail(by_task(a, tasks), by_task(b, tasks))


def noninferior_p(a: Sequence[float], b: Sequence[float], tasks: Tasks = None, margin: float = 0.03) -> float:
    """P-value of "b is worse than a by the margin or more", one-sided: the smallest level at which `non_inferior`'s
    bound leaves that out (without its rule on how many tasks the margin needs)."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if non_inferior(a, b, tasks, margin=margin, level=1 - middle).bound > -margin:
            high = middle
        else:
            low = middle
    return high


def efficient_p(
    a: Sequence[float], b: Sequence[float], success_a: Sequence[float], success_b: Sequence[float],
    tasks: Tasks = None, margin: float = 0.03,
) -> float | None:  # fmt: skip
    """P-value of "b is not more efficient than a": the larger of the two that must both be small (cost lower, success
    non-inferior), which needs no correction between them (Berger 1982, Technometrics 24:295).

    Args:
        a, b: costs; `success_a`, `success_b`: outcomes.
    """
    cost = cost_p(a, b, tasks)
    if cost is None:
        return None
    cheaper = float(np.sum(b)) < float(np.sum(a))
    return max(cost if cheaper else 1.0, noninferior_p(success_a, success_b, tasks, margin))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """P-values adjusted for being one of so many; None stays None and counts as a comparison that was not made."""
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    out: list[float | None] = [None] * len(values)
    most = 0.0
    for rank, (value, place) in enumerate(known):
        most = max(most, min(1.0, (len(known) - rank) * value))
        out[place] = most
    return out


@dataclass(frozen=True)
class Power:
    """What a number of tasks can decide, at 80 % power where two Systems are equal.

    Attributes:
        needed: tasks that the margin needs.
        power: the chance that n tasks show non-inferiority.
        decidable: the smallest margin (0 to 1) that n tasks can decide.
    """

    n: int
    margin: float
    discordance: float
    needed: int
    power: float
    decidable: float
    says: str

    def to_json(self) -> dict[str, Any]:
        return {
            key: getattr(self, key) for key in ("n", "margin", "discordance", "needed", "power", "decidable", "says")
        }


def power_line(n: int, margin: float, discordance: float = PLANNED_DISCORDANCE, level: float = 0.95) -> Power:
    """Whether n tasks are enough for a margin (0 to 1), told before a run.

    Raises:
        InputError: no tasks, or a margin outside 0 to 1.
    """
    if n < 1 or not 0 < margin < 1:
        raise InputError(f"{n} tasks at a margin of {margin:g}", remedy="1 task or more, a margin between 0 and 1")
    normal, spread = NormalDist(), math.sqrt(discordance / n)
    needed = n_for_margin(margin, discordance, level=level)
    power = normal.cdf(margin / spread - normal.inv_cdf(level))
    decidable = (normal.inv_cdf(level) + normal.inv_cdf(0.8)) * spread
    points = f"{100 * margin:g} points"
    if n >= needed:
        says = f"n={n} is enough for a margin of {points} if Systems differ on {100 * discordance:.0f} % of the tasks."
    else:
        says = (
            f"n={n} is too few for a margin of {points}: about {needed:,} tasks are needed if Systems differ on "
            f"{100 * discordance:.0f} % of them; n={n} decides {100 * decidable:.1f} points at best."
        )
    return Power(n, margin, discordance, needed, power, decidable, says)
