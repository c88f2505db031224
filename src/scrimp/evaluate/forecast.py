"""What runs will cost, from runs that were made: a mean and a 90 % prediction interval of their sum.

The interval is a studentised predictive bootstrap on the logarithm: it holds what the mean of the history is unsure of
and what the planned runs will add by chance. Its coverage is measured in docs/results/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from scrimp.evaluate.resampling import Floats, draws
from scrimp.evaluate.statistics import TOO_SMALL, student_t

MIN_HISTORY = 20
"""Tasks below which no interval is given."""
RESAMPLES = 1999
MOST_DRAWN = 400
"""Planned runs above which their sum is drawn from a normal distribution instead of one by one."""

History = Mapping[str, Mapping[str, Sequence[float]]]
"""What runs used: by System, by task."""


@dataclass(frozen=True)
class Forecast:
    """The sum that is expected of some runs; `low` and `high` are None where the history is too small."""

    low: float | None
    mean: float
    high: float | None
    level: float
    tasks: int
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        out = {"low": self.low, "mean": self.mean, "high": self.high, "tasks": self.tasks}
        return out | {"reason": self.reason} if self.reason else out


@dataclass(frozen=True)
class _Group:
    """Systems with the same history of tasks and the same runs to make: what each task used of all of them together."""

    used: Floats
    runs: int

    @property
    def mean(self) -> float:
        return float(self.used.mean()) * self.runs

    @property
    def spread(self) -> float:
        """Variance of the sum about what is expected: of the draws, and of the mean that they are drawn about."""
        n = len(self.used)
        return float(self.used.var(ddof=1)) * (self.runs + self.runs**2 / n)


def forecast(history: History, left: Mapping[str, int], level: float = 0.90, seed: int = 0) -> Forecast:
    """Forecast the sum over the runs that are left.

    Args:
        history: at least one run of every System that has runs left.
        left: runs to come, by System; they are taken to be of tasks like those of the history.
        level: of the two-sided interval.
    """
    groups = _groups(history, {name: runs for name, runs in left.items() if runs > 0})
    mean = sum(group.mean for group in groups)
    tasks = min((len(group.used) for group in groups), default=0)
    if not groups or mean == 0:
        return Forecast(0.0, 0.0, 0.0, level, tasks) if not groups else Forecast(None, mean, None, level, tasks, "zero")
    if tasks < MIN_HISTORY:
        return Forecast(None, mean, None, level, tasks, TOO_SMALL)
    rng = np.random.default_rng(seed)
    drawn_mean, drawn_spread, future = (np.zeros(RESAMPLES) for _ in range(3))
    for group in groups:
        n = len(group.used)
        moments = [(drawn.mean(axis=1), drawn.var(axis=1, ddof=1)) for drawn in _drawn(group.used, n, rng)]
        means, variances = np.concatenate(moments, axis=1)
        drawn_mean += means * group.runs
        drawn_spread += variances * (group.runs + group.runs**2 / n)
        future += _sums(group, rng)
    error = np.sqrt(drawn_spread) / drawn_mean
    with np.errstate(divide="ignore", invalid="ignore"):
        pulls = np.where(error > 0, np.log(future / drawn_mean) / error, 0.0)
    low, high = np.quantile(pulls, [(1 - level) / 2, (1 + level) / 2])
    own = math.sqrt(sum(group.spread for group in groups)) / mean
    own *= student_t((1 + level) / 2, tasks - 1) / NormalDist().inv_cdf((1 + level) / 2)  # draws see too little tail
    return Forecast(mean * math.exp(float(low) * own), mean, mean * math.exp(float(high) * own), level, tasks)


def remaining(history: History, left: Mapping[str, int]) -> float | None:
    """What the runs that are left are expected to use; None where a System has no history."""
    if any(runs > 0 and not history.get(name) for name, runs in left.items()):
        return None
    return forecast(history, left).mean


def _groups(history: History, left: Mapping[str, int]) -> list[_Group]:
    alike: dict[tuple[frozenset[str], int], list[str]] = {}
    for name, runs in left.items():
        alike.setdefault((frozenset(history[name]), runs), []).append(name)
    return [
        _Group(
            np.array([
                sum(float(np.mean(history[name][task])) for name in names) for task in history[names[0]]
            ]),
            runs,
        )
        for (_, runs), names in alike.items()
    ]  # fmt: skip


def _sums(group: _Group, rng: np.random.Generator) -> Floats:
    """Sums of as many draws as there are runs."""
    if group.runs <= MOST_DRAWN:
        return np.concatenate([drawn.sum(axis=1) for drawn in _drawn(group.used, group.runs, rng)])
    noise = rng.standard_normal(RESAMPLES) * math.sqrt(group.runs) * float(group.used.std())
    drawn: Floats = np.maximum(group.mean + noise, 1e-12)
    return drawn


def _drawn(values: Floats, count: int, rng: np.random.Generator) -> Iterator[Floats]:
    """So many of these values, drawn again and again."""
    return (values[index] for index in draws(count, RESAMPLES, rng, below=len(values)))
