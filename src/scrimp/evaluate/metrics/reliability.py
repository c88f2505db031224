"""Repeats of one task: how surely it is solved, how evenly it costs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

Repeats = Mapping[str, Sequence[float]]
"""Values of each repeat, by task."""


def pass_hat(success: Repeats, k: int) -> float | None:
    """The chance that k repeats of a task all succeed, mean over tasks (pass^k: C(c, k) / C(n, k) for c of n)."""
    return _over_tasks(success, k, lambda n, c: math.comb(c, k) / math.comb(n, k))


def pass_at(success: Repeats, k: int) -> float | None:
    """The chance that at least one of k repeats succeeds, mean over tasks (1 - C(n - c, k) / C(n, k))."""
    return _over_tasks(success, k, lambda n, c: 1 - math.comb(n - c, k) / math.comb(n, k))


def consistency(used: Repeats) -> float | None:
    """How little a resource varies over repeats of a task: 1 / (1 + coefficient of variation), mean over tasks."""
    each = [
        1 / (1 + statistics.stdev(values) / statistics.fmean(values))
        for values in used.values()
        if len(values) > 1 and statistics.fmean(values) > 0
    ]
    return statistics.fmean(each) if each else None


def _over_tasks(success: Repeats, k: int, chance: object) -> float | None:
    each = [chance(len(v), sum(map(bool, v))) for v in success.values() if len(v) >= k]  # type: ignore[operator]
    return statistics.fmean(each) if each else None
