"""The frontier of cost against effectiveness, and the area under it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scrimp.core.errors import InputError


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
