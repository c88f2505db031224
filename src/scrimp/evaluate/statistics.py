"""Estimates and intervals, each chosen by its measured coverage (docs/results/statistics.md).

Rule 12 of the project's evidence rules asks that coverage is not below nominal less 2 points at 10,
20, 40 and 100 tasks, with success from 0.02 to 0.98 and heavy-tailed costs. The textbook intervals
that miss it (Wilson without correction, mid-P, Tango, delta method, percentile bootstrap) are not
used; `benchmarks/coverage.py` repeats the measurement. Where no interval holds, the estimate
carries none and its `reason` says "n too small".

The unit is the task: where a task was run with several seeds, pass `tasks` (one name per value) and
the seeds of a task are averaged first.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from scrimp.core.errors import InputError
from scrimp.evaluate.resampling import Floats, by_task, draws

Tasks = Sequence[Hashable] | None
Answer = Literal["yes", "no", "cannot tell"]
TOO_SMALL = "n too small"
MIN_TASKS = 10
"""Below this many tasks no interval of costs is printed: none was found that holds."""
MIN_SOLVED = 10
"""Below this many solved tasks, or twice as many tasks, no interval of cost-of-pass is printed."""
TAIL_SHARE = 0.6
"""Share of the nominal tail probability that the cost intervals use, so that skewed costs do not break them."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its two-sided interval, over `n` tasks; `reason` says why one of them is missing."""

    mean: float | None
    interval: tuple[float, float] | None
    n: int
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """`{"mean", "interval", "n"}`, and `reason` where something is missing."""
        out: dict[str, Any] = {
            "mean": self.mean,
            "interval": None if self.interval is None else list(self.interval),
            "n": self.n,
        }
        return out | {"reason": self.reason} if self.reason else out


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """Whether b succeeds as often as a, but for `margin` (0 to 1).

    `bound` is the one-sided lower limit of b less a; `discordant` the share of tasks on which they
    differ (with seeds: the mean squared difference), one win and one loss added; `needed` the tasks
    that the margin needs at that share.
    """

    answer: Answer
    difference: Estimate
    bound: float
    margin: float
    discordant: float
    needed: int

    @property
    def higher(self) -> bool:
        """Whether the two-sided interval lies above zero: b succeeds more often, whatever the margin."""
        return self.difference.interval is not None and self.difference.interval[0] > 0

    @property
    def lower(self) -> bool:
        """Whether the two-sided interval lies below zero."""
        return self.difference.interval is not None and self.difference.interval[1] < 0


@dataclass(frozen=True, slots=True)
class CostRatio:
    """Cost of b over cost of a: of the means (what the bill does) and, beside it, of the typical task.

    `mean` and `interval` belong to the ratio of mean costs. `per_task` is the geometric mean of
    the tasks' own ratios: steadier, but blind to a few dear tasks that dominate a bill.
    """

    ratio: Estimate
    per_task: Estimate

    def to_json(self) -> dict[str, Any]:
        """The ratio of means as `mean` and `interval`; the other under `per_task`."""
        return {**self.ratio.to_json(), "kind": "ratio of mean costs", "per_task": self.per_task.to_json()}


def success_interval(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval with continuity correction for `successes` of `n` independent tasks.

    Source: Newcombe 1998, Statistics in Medicine 17:857, method 4. Without the correction its
    coverage falls to 0.894 at n = 10. `successes` may be a sum of scores or of means over seeds: as a score
    between 0 and 1 varies no more than a 0/1 outcome, the interval then errs on the wide side.

    Raises:
        InputError: `successes` outside 0 to `n`, or no tasks.
    """
    if n < 1 or not 0 <= successes <= n:
        raise InputError(f"{successes} successes of {n} tasks", remedy="successes lie between 0 and n")
    z, p = NormalDist().inv_cdf((1 + level) / 2), successes / n
    below, above = (z * z - 1 / n + 4 * n * p * (1 - p) + sign * (4 * p - 2) for sign in (1, -1))
    scale = 2 * (n + z * z)
    low = 0.0 if successes == 0 else (2 * n * p + z * z - 1 - z * math.sqrt(max(below, 0.0))) / scale
    high = 1.0 if successes == n else (2 * n * p + z * z + 1 + z * math.sqrt(max(above, 0.0))) / scale
    return max(0.0, low), min(1.0, high)


def success_rate(outcomes: Sequence[float], tasks: Tasks = None, level: float = 0.95) -> Estimate:
    """The mean of outcomes between 0 and 1, its interval counted over tasks, never over runs."""
    means = by_task(outcomes, tasks)
    n = len(means)
    return Estimate(float(means.mean()), success_interval(float(means.sum()), n, level), n)


def paired_difference(a: Sequence[float], b: Sequence[float], tasks: Tasks = None, level: float = 0.95) -> Estimate:
    """Success of b less success of a on the same tasks (and seeds), with its interval.

    One task won and one task lost are added, then Student's t: Bonett and Price 2012 (J. Educ.
    Behav. Stat. 37:479) for 0/1 outcomes; it carries over to means over seeds as it stands.
    """
    d = _differences(a, b, tasks)
    mean, se = _adjusted(d)
    reach = student_t((1 + level) / 2, max(1, len(d) - 1)) * se
    return Estimate(float(d.mean()), (max(-1.0, mean - reach), min(1.0, mean + reach)), len(d))


def non_inferior(
    a: Sequence[float], b: Sequence[float], tasks: Tasks = None, *, margin: float = 0.03, level: float = 0.95
) -> NonInferiority:
    """Whether b's success is at most `margin` below a's, one-sided at `level`, clustered by task.

    "yes" needs the lower bound above -margin and as many tasks as the margin needs at the share of
    discordant tasks seen; fewer do where b's two-sided interval lies above zero. "no" means that b
    was shown to be worse by more than the margin. The bound carries a continuity correction of three
    quarters of a task, without which its coverage falls to 0.90.

    Raises:
        InputError: a margin outside 0 to 1, or samples that do not pair.
    """
    if not 0 < margin < 1:
        raise InputError(f"margin {margin} is not between 0 and 1", remedy="3 points are margin=0.03")
    d = _differences(a, b, tasks)
    n = len(d)
    mean, se = _adjusted(d)
    reach = student_t(level, max(1, n - 1)) * se + 0.75 / n
    discordant = float(((d * d).sum() + 2) / (n + 2))
    needed = n_for_margin(margin, discordant, level=level)
    difference = paired_difference(a, b, tasks)
    interval = difference.interval or (-1.0, 1.0)
    answer: Answer = "cannot tell"
    if mean + reach < -margin:
        answer = "no"
    elif mean - reach > -margin and (n >= needed or interval[0] > 0):
        answer = "yes"
    return NonInferiority(answer, difference, max(-1.0, mean - reach), margin, discordant, needed)


def n_for_margin(margin: float, discordant: float = 0.10, power: float = 0.8, level: float = 0.95) -> int:
    """Tasks needed to show non-inferiority by `margin` when two systems are equal and differ on `discordant` of them.

    The usual normal approximation for paired proportions (Liu et al. 2002, Stat. Med. 21:231), one-sided.
    """
    normal = NormalDist()
    return math.ceil((normal.inv_cdf(level) + normal.inv_cdf(power)) ** 2 * discordant / margin**2)


def mean_cost(costs: Sequence[float], tasks: Tasks = None, level: float = 0.95, seed: int = 0) -> Estimate:
    """Mean cost per task, failures included, with an interval that holds for heavy tails."""
    c = by_task(_not_negative(costs), tasks)
    if not c.sum():
        return Estimate(0.0, None, len(c), "every cost is zero")
    return _ratio_of_means(np.ones(len(c)), c, level, seed)


def log_cost_ratio(
    a: Sequence[float], b: Sequence[float], tasks: Tasks = None, level: float = 0.95, seed: int = 0
) -> CostRatio:
    """Cost of b over cost of a on the same tasks (and seeds); intervals are made on the logarithm.

    The ratio of means decides, since it is what a bill shows: a system that is cheaper on most
    tasks and ruinous on a few is not cheaper. Its interval is a symmetric studentised bootstrap
    (Hall 1988, Ann. Statist. 16:927) with the jackknife's standard error, never narrower than
    Student's t. No interval from the data alone covers a dear event that did not happen in it: one rarer than
    3/n of the tasks may have stayed unseen.

    Raises:
        InputError: negative or non-finite costs, or samples that do not pair.
    """
    if len(a) != len(b):
        raise InputError(f"{len(a)} costs against {len(b)}", remedy="pair them by task and seed")
    ca, cb = by_task(_not_negative(a), tasks), by_task(_not_negative(b), tasks)
    n = len(ca)
    free = [name for name, c in (("a", ca), ("b", cb)) if not c.sum()]
    if free:
        why = f"{' and '.join(free)} cost nothing"
        zero = 0.0 if free == ["b"] else None
        return CostRatio(Estimate(zero, None, n, why), Estimate(None, None, n, why))
    return CostRatio(_ratio_of_means(ca, cb, level, seed), _per_task_ratio(ca, cb, level))


def cost_of_pass(
    costs: Sequence[float], successes: Sequence[float], tasks: Tasks = None, level: float = 0.95, seed: int = 0
) -> dict[str, Any]:
    """Money per solved task: total cost over successes, failures' cost included (Erol et al. 2025, arXiv 2504.13359).

    Returns:
        `{"kind": "pooled", "mean", "interval", "n", "never_solved"}`; `mean` is None where nothing was
        solved, `interval` None (and `reason` given) under ten solved tasks or twenty in all.
        `never_solved` counts tasks.
    """
    if len(costs) != len(successes):
        raise InputError(f"{len(costs)} costs against {len(successes)} outcomes", remedy="pair them by task and seed")
    c, s = by_task(_not_negative(costs), tasks), by_task(successes, tasks)
    solved = int((s > 0).sum())
    if not s.sum():
        found = Estimate(None, None, len(c), "nothing was solved")
    elif not c.sum():
        found = Estimate(0.0, None, len(c), "every cost is zero")
    else:
        found = _ratio_of_means(s, c, level, seed)
        if solved < MIN_SOLVED or len(c) < 2 * MIN_SOLVED:
            found = Estimate(found.mean, None, found.n, TOO_SMALL)
    return {"kind": "pooled", **found.to_json(), "never_solved": len(c) - solved}


def latency(seconds: Sequence[float]) -> dict[str, float | int]:
    """`{"mean", "p50", "p95", "n"}` of wall seconds per run (linear interpolation between order statistics)."""
    values = by_task(seconds)
    p50, p95 = np.quantile(values, [0.5, 0.95])
    return {"mean": float(values.mean()), "p50": float(p50), "p95": float(p95), "n": len(values)}


def _differences(a: Sequence[float], b: Sequence[float], tasks: Tasks) -> Floats:
    if len(a) != len(b):
        raise InputError(f"{len(a)} outcomes against {len(b)}", remedy="pair them by task and seed")
    both = np.array([by_task(a, tasks), by_task(b, tasks)])
    if both.min() < 0 or both.max() > 1:
        raise InputError("an outcome lies outside 0 to 1", remedy="scale scores to 0 to 1")
    difference: Floats = both[1] - both[0]
    return difference


def _adjusted(d: Floats) -> tuple[float, float]:
    """Mean and standard error after one win and one loss were added."""
    n = len(d) + 2
    mean = float(d.sum()) / n
    return mean, math.sqrt(max(0.0, (float((d * d).sum()) + 2) / n - mean * mean) / n)


def _not_negative(costs: Sequence[float]) -> Floats:
    values = np.asarray([float(c) for c in costs], dtype=np.float64)
    if (values < 0).any():
        raise InputError("a cost is negative", remedy="costs are zero or more")
    return values


def _per_task_ratio(a: Floats, b: Floats, level: float) -> Estimate:
    n, zero = len(a), int(((a == 0) | (b == 0)).sum())
    if zero:
        return Estimate(None, None, n, f"{zero} of {n} tasks cost nothing on one side")
    logs = np.log(b / a)
    mean = float(logs.mean())
    if n < MIN_TASKS:
        return Estimate(math.exp(mean), None, n, TOO_SMALL)
    reach = student_t((1 + level) / 2, n - 1) * float(logs.std(ddof=1)) / math.sqrt(n)
    return Estimate(math.exp(mean), (math.exp(mean - reach), math.exp(mean + reach)), n)


def _ratio_of_means(a: Floats, b: Floats, level: float, seed: int, resamples: int = 1999) -> Estimate:
    """Mean of b over mean of a, both positive, with the interval that `log_cost_ratio` describes."""
    n, ratio = len(a), float(b.sum() / a.sum())
    if n < MIN_TASKS:
        return Estimate(ratio, None, n, TOO_SMALL)
    rest_a, rest_b = a.sum() - a, b.sum() - b
    if min(rest_a.min() / a.sum(), rest_b.min() / b.sum()) < 1e-12:
        return Estimate(ratio, None, n, TOO_SMALL)  # one task is the whole cost: its weight cannot be judged
    se = _log_ratio_error(a, b)
    if se < 1e-9:
        return Estimate(ratio, (ratio, ratio), n)
    tail = (1 - level) * TAIL_SHARE
    drawn = float(np.sort(_studentised(a, b, resamples, seed))[math.ceil((1 - tail) * resamples) - 1])
    reach = max(drawn, student_t(1 - tail / 2, n - 1)) * se
    if not math.isfinite(reach) or reach > 20:  # a factor of e^20 says nothing
        return Estimate(ratio, None, n, TOO_SMALL)
    return Estimate(ratio, (ratio * math.exp(-reach), ratio * math.exp(reach)), n)


def cost_tail(a: Floats, b: Floats, seed: int = 0, resamples: int = 1999) -> float:
    """The two-sided p-value that belongs to the interval of `log_cost_ratio` on costs by task, both positive."""
    se = _log_ratio_error(a, b)
    seen = abs(math.log(b.sum() / a.sum())) / se
    drawn = float((1 + (_studentised(a, b, resamples, seed) >= seen).sum()) / (1 + resamples))
    student = 2 * (1 - _t_cdf(seen, len(a) - 1))
    return min(1.0, max(drawn, student) / TAIL_SHARE)


def _log_ratio_error(a: Floats, b: Floats) -> float:
    """The jackknife's standard error of the log ratio of means."""
    n = len(a)
    without = np.log((b.sum() - b) / (a.sum() - a))
    return math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))


def _studentised(a: Floats, b: Floats, resamples: int, seed: int) -> Floats:
    """Absolute studentised deviations of the bootstrapped log ratio; infinite where a draw has no spread."""
    n, centre, rng = len(a), math.log(b.sum() / a.sum()), np.random.default_rng(seed)
    parts: list[Floats] = []
    for index in draws(n, resamples, rng):
        xa, xb = a[index], b[index]
        ma, mb = xa.mean(axis=1), xb.mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = xb / mb[:, None] - xa / ma[:, None]
            se = np.sqrt((pull**2).sum(axis=1) / (n - 1) / n)
            away = np.abs(np.log(mb / ma) - centre)
            t = np.where(away < 1e-12, 0.0, away / se)
        parts.append(np.where(np.isnan(t), np.inf, t))
    return np.concatenate(parts)


@lru_cache(maxsize=256)
def student_t(level: float, freedom: int) -> float:
    """The quantile of Student's t with whole degrees of freedom (finite series, Abramowitz and Stegun 26.7.3-4)."""
    if level < 0.5:
        return -student_t(1 - level, freedom)
    if level == 0.5:
        return 0.0
    low, high = 0.0, 1.0
    while _t_cdf(high, freedom) < level:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, freedom) < level else (low, middle)
    return (low + high) / 2


def _t_cdf(t: float, freedom: int) -> float:
    """P(T <= t) for t >= 0; normal beyond 2,000 degrees, where the two agree to four digits."""
    if freedom > 2000:
        return NormalDist().cdf(t * (1 - 1 / (4 * freedom)) / math.sqrt(1 + t * t / (2 * freedom)))
    angle = math.atan(t / math.sqrt(freedom))
    cos2 = math.cos(angle) ** 2
    odd = freedom % 2
    term = total = math.cos(angle) if odd else 1.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cos2 * (k - 1) / k
        total += term
    if freedom == 1:
        inner = 2 * angle / math.pi
    elif odd:
        inner = 2 / math.pi * (angle + math.sin(angle) * total)
    else:
        inner = math.sin(angle) * total
    return (1 + inner) / 2
