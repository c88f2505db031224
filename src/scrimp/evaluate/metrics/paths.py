"""How far the way that was taken lies from the best one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

Path = Sequence[str]


def distance(one: Path, other: Path) -> int:
    """Fewest insertions, deletions and exchanges that turn one path into the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (mine != theirs))
    return row[-1]


def deviation(path: Path, best: Path, success: float) -> float:
    """Distance over the longer path's length, 0 to 1; a failure is 1."""
    longer = max(len(path), len(best))
    return 1.0 if not success else distance(path, best) / longer if longer else 0.0


def mean_deviation(paths: Sequence[Path], best: Sequence[Path], success: Sequence[float]) -> float | None:
    """Mean deviation over runs."""
    each = [deviation(*one) for one in zip(paths, best, success, strict=True)]
    return statistics.fmean(each) if each else None


def exact(paths: Sequence[Path], best: Sequence[Path]) -> float | None:
    """Share of runs that took exactly the best path."""
    return statistics.fmean(tuple(p) == tuple(b) for p, b in zip(paths, best, strict=True)) if paths else None
