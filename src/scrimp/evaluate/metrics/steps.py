"""How many steps it took, and how many it could have taken."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def of_solved(steps: Sequence[int], success: Sequence[float]) -> float | None:
    """Mean steps of the runs that succeeded."""
    solved = [count for count, done in zip(steps, success, strict=True) if done]
    return statistics.fmean(solved) if solved else None


def of_all(steps: Sequence[int], success: Sequence[float], limit: int | None = None) -> float | None:
    """Mean steps of all runs, a failure counted at the step limit, or at the most steps of any run."""
    most = max(steps, default=0) if limit is None else limit
    return statistics.fmean(c if done else most for c, done in zip(steps, success, strict=True)) if steps else None


def to_optimum(steps: Sequence[int], success: Sequence[float], optimum: Sequence[int | None]) -> float | None:
    """Mean of steps over the fewest that do, over solved runs whose optimum is known and is not zero."""
    ratios = [count / best for count, done, best in zip(steps, success, optimum, strict=True) if done and best]
    return statistics.fmean(ratios) if ratios else None


def spl(steps: Sequence[int], success: Sequence[float], optimum: Sequence[int | None]) -> float | None:
    """Success weighted by path length (Anderson et al. 2018, arXiv 1807.06757): mean of s t* / max(t, t*)."""
    known = [(c, done, best) for c, done, best in zip(steps, success, optimum, strict=True) if best]
    return statistics.fmean(done * best / max(count, best) for count, done, best in known) if known else None
