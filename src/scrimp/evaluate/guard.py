"""A guard for CI: does cost per success rise beyond noise against a base?

One-sided at 95 %: it fails where the lower bound of the ratio of cost-per-success (both sides pooled, paired by task)
lies above 1, and the swap test agrees: were the two sides alike, so that each task's results could as well have been
the other side's, a rise like this came at most one time in twenty. So noise alone fails it no more often than that,
and a rise fails it as soon as it can be told from noise. False alarms and power: docs/results/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from scrimp.core.errors import InputError
from scrimp.evaluate.resampling import Floats, by_task, draws
from scrimp.evaluate.statistics import MIN_SOLVED, Tasks, student_t

LEVEL = 0.95
MIN_TASKS = 20
RESAMPLES = 1999
POWER = 0.8


@dataclass(frozen=True)
class Guard:
    """What a guard found.

    Attributes:
        passed: False where cost per success rose beyond noise, None where that cannot be told.
        ratio: cost per success over the base's.
        bound: one-sided lower bound of it.
        detectable: the rise (0.1 is 10 %) that would be caught four times in five at this n and noise.
    """

    base: str
    name: str
    passed: bool | None
    ratio: float | None
    bound: float | None
    n: int
    detectable: float | None
    says: str

    def to_json(self) -> dict[str, Any]:
        keys = ("base", "name", "passed", "ratio", "bound", "n", "detectable", "says")
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class Side:
    """What one side of a guard did: costs and outcomes (0 to 1), run by run, in the order of the other side's."""

    name: str
    costs: Sequence[float]
    success: Sequence[float]


def guard(base: Side, other: Side, tasks: Tasks = None, level: float = LEVEL, seed: int = 0) -> Guard:
    """Hold a System against its base.

    Raises:
        InputError: the sides do not pair.
    """
    if len({len(side) for side in (base.costs, base.success, other.costs, other.success)}) != 1:
        raise InputError("the sides of a guard differ in length", remedy="pair them by task and seed")
    ca, sa, cb, sb = (by_task(v, tasks) for v in (base.costs, base.success, other.costs, other.success))
    n = len(ca)
    whole = [float(side.sum()) for side in (ca, sa, cb, sb)]
    if min(whole) <= 0:
        what = "nothing was solved" if min(whole[1], whole[3]) <= 0 else "nothing was spent"
        return _untold(base, other, None, n, what)
    ratio = whole[2] / whole[3] / (whole[0] / whole[1])
    solved = min(int((sa > 0).sum()), int((sb > 0).sum()))
    if n < MIN_TASKS or solved < MIN_SOLVED:
        return _untold(base, other, ratio, n, f"n too small (n={n}, {solved} solved)")
    error = float(_error(ca, sa, cb, sb))
    reach = 0.0
    if error > 1e-9:
        drawn = np.quantile(_studentised((ca, sa, cb, sb), math.log(ratio), seed), level)
        reach = max(float(drawn), student_t(level, n - 1)) * error
    bound = ratio * math.exp(-reach)
    passed = bound <= 1 + 1e-9 or swap_p((ca, sa, cb, sb), seed) > 1 - level
    detectable = math.exp(reach + NormalDist().inv_cdf(POWER) * error) - 1
    return Guard(
        base.name,
        other.name,
        passed,
        ratio,
        bound,
        n,
        detectable,
        _words(base, other, passed, ratio, bound, detectable),
    )


def alarms_per_month(comparisons: float, level: float = LEVEL) -> float:
    """False alarms to be expected in a month of so many comparisons in which nothing changed."""
    return comparisons * (1 - level)


def swap_p(sides: tuple[Floats, Floats, Floats, Floats], seed: int = 0) -> float:
    """How often a ratio as high as the one seen comes of swapping the two sides on tasks drawn at random."""
    ca, sa, cb, sb = sides
    change = np.stack([cb - ca, sb - sa], axis=1)
    flips = draws(len(ca), RESAMPLES, np.random.default_rng(seed), below=2)
    costs, solved = np.concatenate([flip.astype(np.float64) @ change for flip in flips]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = _log_ratio(ca.sum() + costs, sa.sum() + solved, cb.sum() - costs, sb.sum() - solved)
    seen = _log_ratio(ca.sum(), sa.sum(), cb.sum(), sb.sum())
    higher = ~(drawn < seen - 1e-12)  # a draw without success counts as high
    return float((1 + higher.sum()) / (1 + RESAMPLES))


def _log_ratio(ca: Any, sa: Any, cb: Any, sb: Any) -> Any:
    return np.log(cb) - np.log(sb) - np.log(ca) + np.log(sa)


def _error(ca: Floats, sa: Floats, cb: Floats, sb: Floats) -> Floats:
    """Standard error of the log ratio, from what each task pulls; the tasks are the last axis."""
    n = ca.shape[-1]
    pull = sum(sign * x / x.mean(axis=-1, keepdims=True) for sign, x in ((-1, ca), (1, sa), (1, cb), (-1, sb)))
    error: Floats = np.sqrt((np.asarray(pull) ** 2).sum(axis=-1) / (n - 1) / n)
    return error


def _studentised(sides: tuple[Floats, Floats, Floats, Floats], centre: float, seed: int) -> Floats:
    """Studentised deviations of the bootstrapped log ratio; infinite where a draw has no spread or no success."""
    parts: list[Floats] = []
    for index in draws(len(sides[0]), RESAMPLES, np.random.default_rng(seed)):
        drawn = [side[index] for side in sides]
        with np.errstate(divide="ignore", invalid="ignore"):
            away = _log_ratio(*(values.mean(axis=1) for values in drawn)) - centre
            t = np.where(np.abs(away) < 1e-12, 0.0, away / _error(*drawn))
        parts.append(np.where(np.isfinite(t), t, np.inf))
    return np.concatenate(parts)


def _words(base: Side, other: Side, passed: bool, ratio: float, bound: float, detectable: float) -> str:
    change = f"{abs(ratio - 1):.1%} {'more' if ratio > 1 else 'less'}".replace("%", " %")
    least = f"{bound - 1:+.1%}".replace("%", " %")
    if not passed:
        return f"guard: {other.name} costs {change} per success than {base.name}, at least {least} (one-sided 95 %)."
    catch = f"{detectable:.0%}".replace("%", " %")
    noise = f" (one-sided 95 % from {least}), which may be noise" if ratio > 1 else ""
    return (
        f"guard: {other.name} costs {change} per success than {base.name}{noise}; a rise of {catch} would be caught "
        "four times in five."
    )


def _untold(base: Side, other: Side, ratio: float | None, n: int, why: str) -> Guard:
    return Guard(
        base.name,
        other.name,
        None,
        ratio,
        None,
        n,
        None,
        f"guard: {other.name} against {base.name}: cannot tell ({why}).",
    )
