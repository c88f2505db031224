"""Racing: Systems run on the same tasks, block by block, and one is dropped as soon as it is surely not the answer.

The race knows no models: it is handed a runner that says what Systems cost and solved on given tasks, so that it can be
tested where the truth is known. Its decisions spread an error of 10 % over all Systems and looks (Bonferroni), so that
with a chance of 90 % and more the true answer is never dropped.

Asked for the cheapest at a quality, a System is dropped when it is surely below the quality, or surely dearer than one
that surely holds it. Asked for the best at a cost, when it surely costs more, or surely solves less than one that
surely costs no more.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from scrimp.evaluate.resampling import Floats
from scrimp.evaluate.statistics import student_t, success_interval

Runner = Callable[[Sequence[str], int, int], Awaitable[Mapping[str, tuple[Sequence[float], Sequence[float]]] | None]]
"""Costs and successes of Systems on tasks from one number up to another; None where the budget does not bear it."""
ERROR = 0.10
FIRST, GROWTH = 20, 1.6
"""Tasks of the first block, and how much the tasks grow from look to look."""


@dataclass(frozen=True)
class Goal:
    """What is searched for: the cheapest with at least this success, or the best at no more than this mean cost."""

    kind: Literal["quality", "cost"]
    value: float


@dataclass
class Racer:
    """One System in the race."""

    name: str
    costs: Floats = field(default_factory=lambda: np.zeros(0))
    success: Floats = field(default_factory=lambda: np.zeros(0))
    looks: int = 0
    dropped: str = ""

    def add(self, costs: Sequence[float], success: Sequence[float]) -> None:
        """What it cost and solved on more tasks."""
        self.costs = np.concatenate([self.costs, np.asarray(costs, dtype=np.float64)])
        self.success = np.concatenate([self.success, np.asarray(success, dtype=np.float64)])
        self.looks += 1

    @property
    def cost(self) -> float:
        """Mean cost so far."""
        return float(self.costs.mean())

    @property
    def rate(self) -> float:
        """Success so far."""
        return float(self.success.mean())


@dataclass(frozen=True)
class Race:
    """How it ended.

    Attributes:
        best: the System found; None where none is left that may hold what was asked.
        stopped: whether the budget ended it.
    """

    best: str | None
    racers: Mapping[str, Racer]
    looks: int
    tasks: int
    stopped: bool

    @property
    def trials(self) -> int:
        """Trials that were run."""
        return sum(len(racer.costs) for racer in self.racers.values())


async def race(names: Sequence[str], most: int, goal: Goal, runner: Runner) -> Race:
    """Race Systems on at most so many tasks.

    Args:
        most: tasks at hand.
        runner: runs Systems on tasks.
    """
    racers = {name: Racer(name) for name in names}
    level = 1 - ERROR / (len(names) * max(1, len(blocks(most))))
    done, looks, stopped = 0, 0, False
    for end in blocks(most):
        running = [racer for racer in racers.values() if not racer.dropped]
        if len(running) <= 1 and looks:
            break
        found = await runner([racer.name for racer in running], done, end)
        if found is None:
            stopped = True
            break
        for racer in running:
            racer.add(*found[racer.name])
        done, looks = end, looks + 1
        _drop(running, goal, level)
    return Race(_best(racers.values(), goal), racers, looks, done, stopped)


def blocks(most: int) -> list[int]:
    """After how many tasks each look is taken."""
    ends: list[int] = []
    end = float(FIRST)
    while end < most:
        ends.append(int(end))
        end *= GROWTH
    return [*ends, most]


def _drop(running: Sequence[Racer], goal: Goal, level: float) -> None:
    for racer in running:
        if goal.kind == "quality" and _rate(racer, level)[1] < goal.value:
            racer.dropped = f"surely below {100 * goal.value:g} %"
        elif goal.kind == "cost" and _mean(racer, level)[0] > goal.value:
            racer.dropped = f"surely costs more than {goal.value:g}"
    left = [racer for racer in running if not racer.dropped]
    for racer in left:
        rival = next((other for other in left if other is not racer and _beats(other, racer, goal, level)), None)
        if rival is not None:
            racer.dropped = f"surely {'dearer than' if goal.kind == 'quality' else 'solves less than'} {rival.name}"


def _beats(other: Racer, racer: Racer, goal: Goal, level: float) -> bool:
    """Whether another System surely holds what was asked, and is surely better than this one in what is searched."""
    if goal.kind == "quality":
        return _rate(other, level)[0] >= goal.value and _less(other.costs, racer.costs, level)
    return _mean(other, level)[1] <= goal.value and _less(racer.success, other.success, level)


def _less(a: Floats, b: Floats, level: float) -> bool:
    """Whether a's mean is surely below b's, task by task: by the ratio, or by the difference where there are zeros."""
    n = len(a)
    if a.min() > 0 and b.min() > 0:
        pull = a / a.mean() - b / b.mean()
        centre, spread = math.log(a.mean() / b.mean()), float(pull.std(ddof=1)) / math.sqrt(n)
    else:
        d = np.concatenate([a - b, [-1.0, 1.0]])  # one win and one loss are added
        centre, spread = float((a - b).mean()), float(d.std(ddof=1)) / math.sqrt(n + 2)
    return centre + student_t(level, n - 1) * spread < 0


def _rate(racer: Racer, level: float) -> tuple[float, float]:
    """One-sided limits of success, each at the level."""
    return success_interval(float(racer.success.sum()), len(racer.success), 2 * level - 1)


def _mean(racer: Racer, level: float) -> tuple[float, float]:
    n, mean = len(racer.costs), racer.cost
    reach = student_t(level, n - 1) * float(racer.costs.std(ddof=1)) / math.sqrt(n) if n > 1 else mean
    return mean - reach, mean + reach


def _best(racers: Any, goal: Goal) -> str | None:
    """The best by what was seen, among those that were not dropped and, as far as was seen, hold what was asked."""
    left = [racer for racer in racers if not racer.dropped and len(racer.costs)]
    if goal.kind == "quality":
        able = [racer for racer in left if racer.rate >= goal.value]
        return min(able, key=lambda racer: racer.cost).name if able else None
    able = [racer for racer in left if racer.cost <= goal.value]
    return max(able, key=lambda racer: (racer.rate, -racer.cost)).name if able else None
