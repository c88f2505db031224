"""Sums over groups of runs, from which the error of a draw is told without keeping the runs.

Runs of one task are never independent of each other: a task falls into one of a fixed number of groups, whole. Groups
are drawn like tasks, so the intervals over tasks whose coverage is measured (docs/results/statistics.md) hold for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from scrimp.audit.trace import Trace
from scrimp.evaluate.resampling import Floats
from scrimp.evaluate.statistics import MIN_TASKS, TAIL_SHARE, log_cost_ratio, student_t

GROUPS = 256
"""Most groups: enough for an interval, few enough to keep for every remedy."""

MIXED = 40
"""Groups below which no interval is printed of sums that are positive in some groups and negative in others."""

RESAMPLES = 999


def group_of(trace: Trace) -> int:
    """The group of a run: that of its task, or of the run itself where it names none."""
    return crc32(f"{trace.source}\0{trace.task or trace.path + trace.id}".encode("utf-8", "replace")) % GROUPS


@dataclass(slots=True)
class Groups:
    """How many runs each group has, and what they cost."""

    sums: dict[int, tuple[int, float]] = field(default_factory=dict)

    def add(self, group: int, cost: float, runs: int = 1) -> None:
        """Add runs of a group."""
        before = self.sums.get(group, (0, 0.0))
        self.sums[group] = (before[0] + runs, before[1] + cost)

    def merge(self, other: Groups) -> None:
        """Add the sums of other runs."""
        for group, (runs, cost) in other.sums.items():
            self.add(group, cost, runs)

    def interval(self, saved: Mapping[int, float], *, by_cost: bool) -> tuple[float, float] | None:
        """The 95 % interval of a sum over these runs, were they drawn again; None where there are too few groups.

        Args:
            saved: dollars by group; nothing in groups that it leaves out.
            by_cost: whether the dollars of all runs are known, so that only the saved share of them is uncertain;
                otherwise only the number of runs is.
        """
        groups = sorted(self.sums)
        base = np.array([self.sums[group][1 if by_cost else 0] for group in groups], dtype=np.float64)
        sums = np.array([saved.get(group, 0.0) for group in groups], dtype=np.float64)
        if len(groups) < MIN_TASKS or not base.sum():
            return None
        if not sums.any():
            return 0.0, 0.0
        if (sums >= 0).all() or (sums <= 0).all():
            sign = 1.0 if sums.sum() > 0 else -1.0
            found = log_cost_ratio(list(base), list(np.abs(sums))).ratio.interval
            return None if found is None else _ordered(sign * base.sum() * found[0], sign * base.sum() * found[1])
        return _mixed(base, sums) if len(groups) >= MIXED else None


def _ordered(one: float, other: float) -> tuple[float, float]:
    return min(one, other), max(one, other)


def _mixed(base: Floats, sums: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """A sum of both signs, as a ratio to the base: the symmetric studentised bootstrap, with the jackknife's error."""
    n, whole = len(base), float(base.sum())
    ratio = float(sums.sum()) / whole
    without = (sums.sum() - sums) / np.where(whole - base > 0, whole - base, np.nan)
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    index = np.random.default_rng(0).integers(0, n, (RESAMPLES, n))
    drawn_base, drawn = base[index], sums[index]
    totals = drawn_base.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = drawn.sum(axis=1) / totals
        spread = ((drawn - ratios[:, None] * drawn_base) ** 2).sum(axis=1)
        away = np.abs(ratios - ratio) / (np.sqrt(n / (n - 1) * spread) / totals)
    tail = (1 - level) * TAIL_SHARE
    reached = float(np.sort(np.where(np.isnan(away), np.inf, away))[math.ceil((1 - tail) * RESAMPLES) - 1])
    reach = max(reached, student_t(1 - tail / 2, n - 1)) * error * whole
    return (ratio * whole - reach, ratio * whole + reach) if math.isfinite(reach) else None
