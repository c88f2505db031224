"""From seconds to rows: medians, and ratios to the fastest other framework within the same round."""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass
from typing import Any

RESAMPLES = 2000
US = 1_000_000

Samples = dict[str, dict[int, list[list[float]]]]
"""Microseconds per step: by label, by number of steps, by round, one per repetition."""


@dataclass(frozen=True)
class Figure:
    """One cell of the table.

    `ratio` is the median over rounds of (median here / median of the fastest peer, in that round); `interval` its 95 %
    percentile bootstrap over rounds.
    """

    median: float
    low: float
    high: float
    repetitions: int
    ratio: float | None
    interval: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        return {
            "median_us": round(self.median, 1), "min_us": round(self.low, 1), "max_us": round(self.high, 1),
            "repetitions": self.repetitions,
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "ratio_interval": None if self.interval is None else [round(item, 3) for item in self.interval],
        }  # fmt: skip


def figure(samples: Samples, label: str, steps: int, peers: list[str], seed: int) -> Figure:
    """The figures of one variant at one number of steps."""
    rounds = samples[label][steps]
    every = [value for one in rounds for value in one]
    ratios = []
    if peers:
        for number, mine in enumerate(rounds):
            fastest = min(statistics.median(samples[peer][steps][number]) for peer in peers)
            ratios.append(statistics.median(mine) / fastest)
    return Figure(
        statistics.median(every),
        min(every),
        max(every),
        len(every),
        statistics.median(ratios) if ratios else None,
        _interval(ratios, seed) if len(ratios) > 1 else None,
    )


def _interval(values: list[float], seed: int) -> tuple[float, float]:
    draw = random.Random(seed)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES) - 1]
