"""The frontier of cost against effectiveness, and the area under it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from scrimp.core.errors import InputError
from scrimp.evaluate.resampling import Floats, draws
from scrimp.evaluate.statistics import student_t


@dataclass(frozen=True, slots=True)
class Point:
    """One system: mean cost per task (less is better) and effectiveness (more is better).

    Either is None where it is unknown; such a point is on no frontier and adds no area, since
    unknown is neither cheap nor dear.
    """

    name: str
    cost: float | None
    effectiveness: float | None

    @property
    def known(self) -> bool:
        """Whether both coordinates are numbers."""
        return all(v is not None and math.isfinite(v) for v in (self.cost, self.effectiveness))


@dataclass(frozen=True, slots=True)
class Hypervolume:
    """Area that the frontier dominates, linear in cost, up to the reference point it was measured from.

    Two areas compare only with the same reference.
    """

    value: float
    reference_cost: float
    reference_effectiveness: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """`{"value", "reference": {"cost", "effectiveness"}, "cost_scale"}`."""
        reference = {"cost": self.reference_cost, "effectiveness": self.reference_effectiveness}
        return {"value": self.value, "reference": reference, "cost_scale": "linear"}


def frontier(points: Iterable[Point]) -> list[Point]:
    """The points that no other dominates, cheapest first.

    One point dominates another if it costs no more and is at least as effective, one of the two
    strictly. Equal points do not dominate each other: all of them stay, in the order given. Points
    with an unknown coordinate are left out. Dominance is of the means; it says nothing about noise.
    """
    known = sorted((p for p in points if p.known), key=lambda p: (p.cost, -(p.effectiveness or 0.0)))
    kept: list[Point] = []
    for p in known:
        best = kept[-1] if kept else None
        equal = best is not None and (best.cost, best.effectiveness) == (p.cost, p.effectiveness)
        if best is None or equal or (p.effectiveness or 0.0) > (best.effectiveness or 0.0):
            kept.append(p)
    return kept


def hypervolume(points: Iterable[Point], reference_cost: float, reference_effectiveness: float = 0.0) -> Hypervolume:
    """The area between the frontier and the reference point, which is worse than anything of interest.

    What lies beyond the reference adds nothing.

    Raises:
        InputError: a reference cost that is not a positive, finite number.
    """
    if not (math.isfinite(reference_cost) and reference_cost > 0):
        raise InputError(
            f"reference cost {reference_cost} is not a positive number", remedy="state the highest cost of interest"
        )
    area, reached = 0.0, reference_effectiveness
    for p in frontier(points):
        cost, effectiveness = p.cost or 0.0, p.effectiveness or 0.0
        if cost < reference_cost and effectiveness > reached:
            area += (reference_cost - cost) * (effectiveness - reached)
            reached = effectiveness
    return Hypervolume(area, reference_cost, reference_effectiveness)


MIN_AREA = 20
"""Tasks below which the area has no interval: none was found that holds."""
Sample = Mapping[str, tuple[Floats, Floats]]
"""Costs and successes of each System, task by task, in the same order of tasks for all."""


@dataclass(frozen=True)
class Uncertain:
    """How sure a frontier is.

    Attributes:
        probability: share of the resamples in which a System is on the frontier, by name.
        area: interval of the hypervolume with the same reference point; None where tasks are too few.
    """

    probability: Mapping[str, float]
    area: tuple[float, float] | None


def uncertain(
    sample: Sample, reference_cost: float, resamples: int = 999, seed: int = 0, level: float = 0.95
) -> Uncertain:
    """Draw the tasks again and again, for all Systems alike, and see who is on the frontier.

    The interval of the area is a bias-corrected bootstrap: the frontier takes the best of what chance made better, so
    its area is overestimated, and the draws tell by how much.
    """
    names, rng = list(sample), np.random.default_rng(seed)
    n = len(next(iter(sample.values()))[0])
    means = [[[values[index].mean(axis=1) for values in sample[name]] for name in names]
             for index in draws(n, resamples, rng)]  # fmt: skip
    costs, success = np.moveaxis(np.concatenate(means, axis=2), 0, 2)  # each of shape (resamples, Systems)
    cheaper, better = costs[:, None, :] <= costs[:, :, None], success[:, None, :] >= success[:, :, None]
    strictly = (costs[:, None, :] < costs[:, :, None]) | (success[:, None, :] > success[:, :, None])
    on = ~(cheaper & better & strictly).any(axis=2)
    probability = {name: float(share) for name, share in zip(names, on.mean(axis=0), strict=True)}
    if n < MIN_AREA:
        return Uncertain(probability, None)
    areas = np.array([_area(c, s, reference_cost) for c, s in zip(costs, success, strict=True)])
    seen = _area(
        np.array([sample[name][0].mean() for name in names]), np.array([sample[name][1].mean() for name in names]),
        reference_cost,
    )  # fmt: skip
    low, high = np.quantile(areas, [(1 - level) / 2, (1 + level) / 2])
    bias = float(areas.mean()) - seen
    stretch = math.sqrt(n / (n - 1)) * student_t((1 + level) / 2, n - 1) / NormalDist().inv_cdf((1 + level) / 2)
    middle = seen - bias
    return Uncertain(
        probability,
        (max(0.0, middle - stretch * (seen + bias - float(low))), middle + stretch * (float(high) - seen - bias)),
    )


def _area(costs: Floats, success: Floats, reference_cost: float) -> float:
    points = [Point("", float(cost), float(rate)) for cost, rate in zip(costs, success, strict=True)]
    return hypervolume(points, reference_cost).value
