"""Bootstrap and permutation on clustered data, in numpy and seeded.

The unit that is drawn is the task: all seeds of a task are drawn together, since they are not
independent of each other. Both methods are checked against scipy in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scrimp.core.errors import InputError

Floats = NDArray[np.float64]
Statistic = Callable[[NDArray[Any]], float]
EXACT_UP_TO = 14
CHUNK = 200_000
"""Numbers drawn at once, whatever n: arrays that a processor's cache holds. It changes no draw."""


def bootstrap(
    data: Any,
    statistic: Statistic,
    *,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    method: Literal["percentile", "bca"] = "bca",
    resamples: int = 1999,
    seed: int = 0,
) -> tuple[float, float]:
    """An interval of `statistic(data)` by drawing whole clusters with replacement.

    Args:
        data: array whose first axis is the observations.
        statistic: maps such an array to one number; it sees arrays of other lengths when clusters differ in size.
        clusters: one label per observation; None where each observation stands alone.
        level: two-sided level, 0 to 1.
        method: `percentile`, or `bca` (bias-corrected and accelerated: Efron 1987, JASA 82:171).
        resamples: how many draws.
        seed: of the draws; the same seed gives the same interval.

    Returns:
        Lower and upper limit. Both equal the statistic where every draw gives the same value.

    Raises:
        InputError: no data, or labels that do not match it.
    """
    values = np.asarray(data)
    groups = _groups(len(values), clusters)
    rng = np.random.default_rng(seed)
    draws = np.empty(resamples)
    for i in range(resamples):
        chosen = rng.integers(0, len(groups), len(groups))
        draws[i] = statistic(values[np.concatenate([groups[j] for j in chosen])])
    low, high = (1 - level) / 2, (1 + level) / 2
    if method == "bca" and len(groups) > 1:
        low, high = _bca_levels(values, statistic, groups, draws, (low, high))
    limits = np.quantile(draws, [low, high])
    return float(limits[0]), float(limits[1])


def _bca_levels(
    values: NDArray[Any],
    statistic: Statistic,
    groups: list[NDArray[np.intp]],
    draws: Floats,
    levels: tuple[float, float],
) -> tuple[float, float]:
    """The two percentiles that Efron's bias and acceleration ask for."""
    normal, point = NormalDist(), statistic(values)
    share = float(((draws < point).mean() + (draws <= point).mean()) / 2)
    if not 0 < share < 1:
        return levels
    bias = normal.inv_cdf(share)
    ordered = values[np.concatenate(groups)]
    ends = np.cumsum([len(group) for group in groups])
    without = np.array([
        statistic(np.concatenate([ordered[: end - len(group)], ordered[end:]]))
        for group, end in zip(groups, ends, strict=True)
    ])  # fmt: skip
    pull = without.mean() - without
    spread = float((pull**2).sum())
    acceleration = float((pull**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0

    def adjusted(level: float) -> float:
        reach = bias + normal.inv_cdf(level)
        return normal.cdf(bias + reach / (1 - acceleration * reach))

    return adjusted(levels[0]), adjusted(levels[1])


def sign_flip_test(
    differences: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    alternative: Literal["two-sided", "greater", "less"] = "two-sided",
    resamples: int = 9999,
    seed: int = 0,
) -> float:
    """P-value of the paired sign-flip permutation test of "no difference".

    All seeds of a task flip together. Every pattern is enumerated up to 14 clusters; above that,
    `resamples` random patterns are drawn and the pattern seen counts as one of them (Phipson and Smyth 2010), so that
    the value is never 0.

    Raises:
        InputError: no differences, or labels that do not match them.
    """
    values = np.asarray(differences, dtype=np.float64)
    sums = np.array([values[g].sum() for g in _groups(len(values), clusters)])
    seen, n = float(sums.sum()), len(sums)
    slack = 1e-9 * max(float(np.abs(sums).sum()), 1e-300)
    rng = np.random.default_rng(seed)
    exact = n <= EXACT_UP_TO
    total = 2**n if exact else resamples
    extreme, step = 0, max(1, CHUNK // n)
    for start in range(0, total, step):
        size = min(step, total - start)
        if exact:
            codes = np.arange(start, start + size)[:, None] >> np.arange(n)[None, :]
            bits = codes & 1
        else:
            bits = rng.integers(0, 2, (size, n))
        flipped = (1 - 2 * bits) @ sums
        extreme += int(_at_least_as_extreme(flipped, seen, slack, alternative).sum())
    return extreme / total if exact else (extreme + 1) / (total + 1)


def _at_least_as_extreme(flipped: Floats, seen: float, slack: float, alternative: str) -> NDArray[np.bool_]:
    if alternative == "greater":
        return flipped >= seen - slack
    if alternative == "less":
        return flipped <= seen + slack
    return np.abs(flipped) >= abs(seen) - slack


def draws(n: int, resamples: int, rng: np.random.Generator, below: int | None = None) -> Iterator[NDArray[np.int64]]:
    """n whole numbers below n (or `below`), drawn with replacement `resamples` times: arrays of shape (draws, n) of
    about CHUNK numbers."""
    step = max(1, CHUNK // n)
    for start in range(0, resamples, step):
        yield rng.integers(0, below or n, (min(step, resamples - start), n))


def by_task(values: Sequence[float] | Floats, tasks: Sequence[Hashable] | None = None) -> Floats:
    """The mean of each task, in order of first appearance; the values themselves where `tasks` is None.

    Raises:
        InputError: no values, labels that do not match, or a value that is not a finite number.
    """
    array = np.asarray(values, dtype=np.float64)
    _check(len(array), tasks)
    if not np.isfinite(array).all():
        raise InputError(
            "a value is not a finite number", remedy="leave out what is unknown before asking for an interval"
        )
    if tasks is None:
        return array
    places: dict[Hashable, int] = {}
    codes = [places.setdefault(name, len(places)) for name in tasks]
    means: Floats = np.bincount(codes, weights=array) / np.bincount(codes)
    return means


def _groups(n: int, clusters: Sequence[Hashable] | None) -> list[NDArray[np.intp]]:
    """The positions of each cluster, in order of first appearance."""
    _check(n, clusters)
    if clusters is None:
        return list(np.arange(n, dtype=np.intp)[:, None])
    places: dict[Hashable, list[int]] = {}
    for i, name in enumerate(clusters):
        places.setdefault(name, []).append(i)
    return [np.array(p, dtype=np.intp) for p in places.values()]


def _check(n: int, clusters: Sequence[Hashable] | None) -> None:
    if n == 0:
        raise InputError("there is nothing to compute a statistic of", remedy="run at least one task")
    if clusters is not None and len(clusters) != n:
        raise InputError(f"{n} values but {len(clusters)} task names", remedy="give one task name per value")
