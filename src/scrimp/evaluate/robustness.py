"""At which prices a System stays on the frontier (EVIDENCE rule 1).

Tokens are facts, prices are not: the same tokens are priced again at the rates of every model on the shipped lists, and
over ranges of the two ratios that decide most rankings, output to input and cached to fresh input. Only Systems on one
model are compared so; a control on another model has other prices by its nature.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scrimp.core.money import Rates
from scrimp.evaluate.pareto import Point, frontier

OUTPUT_RATIOS = tuple(float(ratio) for ratio in np.geomspace(0.5, 16, 31))
CACHED_RATIOS = tuple(float(ratio) for ratio in np.linspace(0, 1, 21))


@dataclass(frozen=True)
class Use:
    """What a System used per run: tokens by kind, dollars that no token rate changes (tools), and its success."""

    fresh: float
    cached: float
    written: float
    output: float
    other: float
    success: float

    def cost(self, fresh: float, cached: float, written: float, output: float) -> float:
        """Dollars per run at rates per million tokens."""
        tokens = self.fresh * fresh + self.cached * cached + self.written * written + self.output * output
        return self.other + tokens / 1e6


def robustness(uses: Mapping[str, Use], lists: Iterable[Rates], reference: Rates) -> dict[str, dict[str, Any]]:
    """For each System: on how many of the rates it is on the frontier, and over which ranges of the two ratios.

    Args:
        lists: rates of the models on the shipped lists.
        reference: rates that hold while one ratio is varied.
    """
    at = [_on(uses, float(r.input), float(r.cached_input), float(r.cache_write), float(r.output)) for r in lists]
    fresh, share = float(reference.input), float(reference.cached_input / reference.input)
    ratio = float(reference.output / reference.input)
    by_output = [_on(uses, fresh, fresh * share, fresh, fresh * one) for one in OUTPUT_RATIOS]
    by_cached = [_on(uses, fresh, fresh * one, fresh, fresh * ratio) for one in CACHED_RATIOS]
    return {
        name: {
            "lists": {"share": sum(name in on for on in at) / len(at) if at else None, "of": len(at)},
            "output_over_input": _ranges(OUTPUT_RATIOS, [name in on for on in by_output]),
            "cached_over_input": _ranges(CACHED_RATIOS, [name in on for on in by_cached]),
        }
        for name in uses
    }


def _on(uses: Mapping[str, Use], *rates: float) -> set[str]:
    """Who is on the frontier at these rates."""
    return {point.name for point in frontier(Point(name, use.cost(*rates), use.success) for name, use in uses.items())}


def _ranges(grid: Sequence[float], holds: Sequence[bool]) -> list[list[float]]:
    """The stretches of a grid over which something holds."""
    out: list[list[float]] = []
    before = False
    for value, now in zip(grid, holds, strict=True):
        if now and before:
            out[-1][1] = round(value, 4)
        elif now:
            out.append([round(value, 4), round(value, 4)])
        before = now
    return out
