"""Figures that stand only within one comparison."""

from __future__ import annotations

from collections.abc import Mapping

from scrimp.evaluate.pareto import Point, frontier, hypervolume


def resource_efficiency(tokens: Mapping[str, float]) -> dict[str, float | None]:
    """1 for the System that used the fewest tokens, 0 for the one that used the most; None where all used alike."""
    least, most = min(tokens.values(), default=0.0), max(tokens.values(), default=0.0)
    return {name: (most - used) / (most - least) if most > least else None for name, used in tokens.items()}


def hull(points: list[Point]) -> list[Point]:
    """The corners of what mixing Systems at random can reach, cheapest first: the upper convex hull of the frontier."""
    kept: list[Point] = []
    for point in frontier(points):
        while len(kept) > 1 and _below(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return kept


def contribution(points: list[Point], reference: float) -> dict[str, float]:
    """The hypervolume that would be lost without each System."""
    whole = hypervolume(points, reference).value
    return {
        one.name: whole - hypervolume([p for p in points if p.name != one.name], reference).value for one in points
    }  # fmt: skip


def _below(a: Point, b: Point, c: Point) -> bool:
    """Whether b lies on or under the line from a to c."""
    (ax, ay), (bx, by), (cx, cy) = (((p.cost or 0.0), (p.effectiveness or 0.0)) for p in (a, b, c))
    return (by - ay) * (cx - ax) <= (cy - ay) * (bx - ax)
