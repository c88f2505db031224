"""How early a failing run could have been told from a succeeding one: a simple stop rule, cross-validated by task.

The rule stops a run at the first step at which one number that is known by then reaches a threshold. It saves what the
run would still have cost, and loses the run where it would have succeeded. Which number and which threshold is chosen
on nine tenths of the tasks and judged on the rest.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrimp.audit.measure import Run
from scrimp.audit.waste.repeated_failures import kind_of
from scrimp.evaluate.statistics import student_t

FEATURES = ("steps", "dollars", "failed calls", "failures in a row", "calls repeated")
FOLDS, SEED = 10, 20261126
FEWEST = 40
"""Runs, of which ten have to fail and ten to succeed, for a rule to be looked for."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What was known after each step of a run, in the order of FEATURES, flat."""

    values: array[float] = field(default_factory=lambda: array("d"))

    @property
    def table(self) -> Floats:
        """One row for each step."""
        return np.asarray(self.values).reshape(-1, len(FEATURES))


def facts_of(run: Run) -> StepFacts:
    """What was known after each step."""
    values = array("d")
    uses: dict[int, list[Any]] = {}
    for use in run.trace.tools:
        uses.setdefault(use.step, []).append(use)
    dollars, failed, row, repeated = 0.0, 0, 0, 0
    seen: set[str] = set()
    last = ""
    for at, call in enumerate(run.calls):
        dollars += float(call.money.least)
        for use in uses.get(at, ()):
            key = f"{use.call.name}\0{use.call.raw or use.call.arguments}"
            repeated += key in seen
            seen.add(key)
            if use.failed:
                kind = kind_of(use.error)
                failed += 1
                row = row + 1 if kind == last else 1
                last = kind
            else:
                row, last = 0, ""
        values.extend((at + 1.0, dollars, float(failed), float(row), float(repeated)))
    return StepFacts(values)


@dataclass(frozen=True, slots=True)
class _Known:
    """Runs as arrays.

    Attributes:
        highest: for each feature its highest value so far after each step, all runs in one row; the second one is
            dollars so far.
        begins: where each run's steps begin; `last` is its last step.
    """

    tasks: list[str]
    rewards: Floats
    highest: Floats
    begins: NDArray[np.int64]
    last: NDArray[np.int64]
    totals: Floats


def _known(runs: list[tuple[str, float, StepFacts]]) -> _Known:
    tables = [np.maximum.accumulate(facts.table, axis=0) for _, _, facts in runs]
    highest = np.ascontiguousarray(np.concatenate(tables).T)
    ends = np.cumsum([len(table) for table in tables])
    begins = np.concatenate([[0], ends[:-1]])
    rewards = np.array([reward for _, reward, _ in runs])
    return _Known([task for task, _, _ in runs], rewards, highest, begins, ends - 1, highest[1, ends - 1])


def stop_rule(runs: list[tuple[str, float, StepFacts]]) -> dict[str, Any]:
    """The best simple rule and what it would have saved and lost, on tasks that it was not chosen by.

    Args:
        runs: task, reward and facts of each run; runs without steps are left out.

    Returns:
        `{"rule", "net", "saved", "lost_runs", "interval", "says", ...}`; dollars over all runs. A lost success is
        charged the cost-of-pass of the runs that the rule was chosen by.
    """
    kept = [run for run in runs if len(run[2].values)]
    rewards = np.array([reward for _, reward, _ in kept])
    if len(kept) < FEWEST or (rewards >= 1).sum() < 10 or (rewards < 1).sum() < 10:
        return {"rule": None, "says": f"too few runs to look for a rule ({len(kept)})", "net": None}
    known = _known(kept)
    nets, saved, lost, stopped = _validate(known)
    whole = _best(known, np.ones(len(kept), dtype=bool))
    by_task = _sums(known.tasks, nets)
    n = len(by_task)
    total = float(nets.sum())
    reach = student_t(0.975, n - 1) * float(by_task.std(ddof=1)) * math.sqrt(n)
    pays = total - reach > 0
    spent = float(known.totals.sum())
    return {
        "rule": None if whole is None else _words(*whole),
        "net": total, "interval": [total - reach, total + reach], "share": total / spent if spent else None,
        "saved": saved, "lost_runs": lost, "stopped_runs": stopped, "runs": len(kept), "tasks": n, "folds": FOLDS,
        "exactness": "behavioural",
        "says": (
            f"stopping a run at {_words(*whole)} would have saved ${total:.4g} net" if pays and whole is not None
            else "no simple stop rule pays beyond noise on tasks that it was not chosen by"
        ),
    }  # fmt: skip


def _validate(known: _Known) -> tuple[Floats, float, int, int]:
    """Net dollars of each run under rules chosen without its task; dollars saved, successes lost and runs stopped."""
    names = sorted(set(known.tasks))
    Random(SEED).shuffle(names)
    fold = {name: at % FOLDS for at, name in enumerate(names)}
    place = np.array([fold[task] for task in known.tasks])
    nets = np.zeros(len(known.tasks))
    saved, lost, stopped = 0.0, 0, 0
    for held in range(min(FOLDS, len(names))):
        chosen = _best(known, place != held)
        if chosen is None:
            continue
        value, rest = _value(known, place != held), _rest(known, *chosen)
        judged = np.flatnonzero((place == held) & ~np.isnan(rest))
        stopped += len(judged)
        saved += float(rest[judged].sum())
        lost += int((known.rewards[judged] >= 1).sum())
        nets[judged] = rest[judged] - value * known.rewards[judged]
    return nets, saved, lost, stopped


def _value(known: _Known, chosen: NDArray[np.bool_]) -> float:
    """What a success costs to get again: cost-of-pass, pooled."""
    solved = float(known.rewards[chosen].sum())
    return float(known.totals[chosen].sum()) / solved if solved else 0.0


def _best(known: _Known, chosen: NDArray[np.bool_]) -> tuple[int, float] | None:
    """Feature and threshold with the largest net on the chosen runs; None where none is above zero."""
    value, best, top = _value(known, chosen), None, 0.0
    for feature in range(len(FEATURES)):
        highest = known.highest[feature, known.last[chosen]]
        for threshold in np.unique(np.quantile(highest, np.linspace(0.3, 1, 15))):
            if threshold <= 0:
                continue
            rest = _rest(known, feature, float(threshold))[chosen]
            net = float(np.nansum(rest - value * known.rewards[chosen]))
            if net > top:
                best, top = (feature, float(threshold)), net
    return best


def _rest(known: _Known, feature: int, threshold: float) -> Floats:
    """Dollars that each run still cost after the rule would have stopped it; NaN where it would not have."""
    below = np.add.reduceat(known.highest[feature] < threshold, known.begins, dtype=np.int64)
    step = known.begins + below
    stops = step < known.last  # else never, or when the run was over anyway
    return np.where(stops, known.totals - known.highest[1, np.minimum(step, known.last)], np.nan)


def _sums(tasks: list[str], values: Floats) -> Floats:
    sums: dict[str, float] = {}
    for task, value in zip(tasks, values, strict=True):
        sums[task] = sums.get(task, 0.0) + float(value)
    return np.array(list(sums.values()))


def _words(feature: int, threshold: float) -> str:
    amount = f"${threshold:.4g}" if FEATURES[feature] == "dollars" else f"{math.ceil(threshold)}"
    return f"{amount} spent" if FEATURES[feature] == "dollars" else f"{amount} {FEATURES[feature]}"
