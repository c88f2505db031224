"""Effectiveness at a budget: which share of the tasks is solved at a cost of at most B, for every B.

A run that was stopped at B counts as a failure, so a System that does not plan by its budget is read off its trials
(EVIDENCE rule 5). The area under the curve on a logarithmic axis of cost, between bounds fixed for all Systems, says it
in one figure (0 to 1): the mean share solved over budgets drawn evenly on that axis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scrimp.evaluate.resampling import Floats, by_task
from scrimp.evaluate.statistics import MIN_TASKS, TOO_SMALL, Estimate, Tasks, student_t, success_interval

POINTS = 60


@dataclass(frozen=True)
class Curve:
    """The share of tasks solved at each budget, with pointwise 95 % intervals, and the area under it."""

    name: str
    budgets: tuple[float, ...]
    effectiveness: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    area: Estimate

    def to_json(self) -> dict[str, Any]:
        rows = zip(self.budgets, self.effectiveness, self.low, self.high, strict=True)
        keys = ("budget", "effectiveness", "low", "high")
        return {"name": self.name, "points": [dict(zip(keys, row, strict=True)) for row in rows],
                "area": self.area.to_json()}  # fmt: skip

    def budget_at(self, quality: float) -> float | None:
        """The smallest budget shown at which the share solved reaches `quality`; None where none does."""
        return next((b for b, p in zip(self.budgets, self.effectiveness, strict=True) if p >= quality), None)


def bounds(costs: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Bounds for all Systems of a comparison: a decade below the median cost of all runs to a decade above it; None
    where nothing costs anything. They are of the order of magnitude, so that small changes do not move them."""
    positive = [cost for own in costs for cost in own if cost > 0]
    if not positive:
        return None
    middle = 10 ** (round(2 * math.log10(float(np.median(positive)))) / 2)
    return middle / 10, middle * 10


def curve(
    name: str, costs: Sequence[float], success: Sequence[float], tasks: Tasks, between: tuple[float, float],
    points: int = POINTS,
) -> Curve:  # fmt: skip
    """The curve of one System.

    Args:
        costs, success: of each run.
        tasks: which task each run is of; seeds of a task are averaged.
        between: the budgets at which the curve begins and ends, both positive.
    """
    used, solved = np.asarray(costs, dtype=np.float64), np.asarray(success, dtype=np.float64)
    grid = np.geomspace(*between, points)
    within = [by_task(solved * (used <= budget * (1 + 1e-12)), tasks) for budget in grid]
    n = len(within[0])
    spans = [success_interval(min(float(row.sum()), n), n) for row in within]
    return Curve(
        name, tuple(map(float, grid)), tuple(float(row.mean()) for row in within),
        tuple(low for low, _ in spans), tuple(high for _, high in spans), area(used, solved, tasks, between),
    )  # fmt: skip


def area(costs: Floats, success: Floats, tasks: Tasks, between: tuple[float, float]) -> Estimate:
    """The area under the curve, exactly: each success counts for the share of the axis above its cost.

    Its interval is Student's t over tasks after one task of area 0 and one of area 1 were added, cut to 0 and 1.
    """
    low, high = between
    with np.errstate(divide="ignore"):
        place = (math.log(high) - np.log(np.asarray(costs))) / (math.log(high) - math.log(low))
    each = by_task(np.clip(place, 0.0, 1.0) * np.asarray(success), tasks)
    n, mean = len(each), float(each.mean())
    if n < MIN_TASKS:
        return Estimate(mean, None, n, TOO_SMALL)
    padded = np.concatenate([each, [0.0, 1.0]])
    reach = student_t(0.975, n - 1) * float(padded.std()) / math.sqrt(n + 2)
    middle = float(padded.mean())
    return Estimate(mean, (max(0.0, middle - reach), min(1.0, middle + reach)), n)


def curves(units: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float], Tasks]]]) -> dict[str, Any]:
    """All curves, unit by unit, between the same bounds; a unit in which nothing was used is left out.

    Args:
        units: by unit, by System: costs, success and tasks of its runs.
    """
    found = {}
    for unit, systems in units.items():
        between = bounds([costs for costs, _, _ in systems.values()])
        if between is not None:
            rows = [curve(name, *own, between).to_json() for name, own in systems.items()]
            found[unit] = {"unit": unit, "bounds": list(between), "systems": rows}
    return found
