"""What runs came to, where their records say: success, cost-of-pass, the price of failing, and who beats whom.

A few numbers are kept for each run, so that intervals can be clustered by task.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np

from scrimp.audit.measure import Run
from scrimp.audit.stopping import StepFacts, facts_of, stop_rule
from scrimp.core.money import plain
from scrimp.evaluate import statistics
from scrimp.evaluate.resampling import bootstrap

REPEATS = 10
"""Runs of a task from which on its own cost-of-pass is told (EVIDENCE rule 9)."""

GROUPS = 6
"""Groups that are compared in pairs, the largest."""

FEWEST = 20
"""Runs that a group must have to be compared."""

REPETITIONS = ("trial", "epoch")
"""Labels that number repetitions: to compare their values is to compare noise."""

INCLUDES = "every recorded call of the agent, retries and failed runs; no judge and no simulated user"


@dataclass(frozen=True, slots=True)
class Row:
    """One run: `dollars` is None where a price is unknown; `steps` are facts of each step, for the stop rule."""

    task: str
    reward: float | None
    dollars: float | None
    tokens: int
    calls: int
    spread: float
    groups: tuple[str, ...]
    facts: StepFacts


@dataclass(slots=True)
class Outcomes:
    """Rows of many runs; two of them add up."""

    rows: list[Row] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Add a run."""
        trace, amount = run.trace, run.money.amount
        models = sorted({f"model={call.model}" for call in run.calls if call.event.component != "harness"})
        labels = [f"{name}={value}" for name, value in trace.labels.items() if name not in REPETITIONS]
        told = trace.reward is not None
        self.rows.append(
            Row(
                trace.task or trace.id, trace.reward, None if amount is None else float(amount), run.usage.total,
                len(run.calls), run.spread, (*models, *labels) if told else (),
                facts_of(run) if told else StepFacts(),
            )
        )  # fmt: skip

    def __add__(self, other: Outcomes) -> Outcomes:
        self.rows += other.rows
        return self

    def to_json(self, failure_cost: Decimal | None = None) -> dict[str, Any]:
        """The keys of an audit's document that speak of success; None where no record says how its run ended."""
        told = [row for row in self.rows if row.reward is not None]
        if not told:
            return {"successes": None, "success_rate": None, "cost_of_pass": None, "outcomes": None}
        rewards, tasks = [row.reward or 0.0 for row in told], [row.task for row in told]
        successes = sum(reward >= 1 for reward in rewards)
        priced = [row for row in told if row.dollars is not None]
        rate = statistics.success_rate(rewards, tasks).to_json()
        return {
            "successes": successes,
            "success_rate": {**rate, "runs": len(told)},
            "cost_of_pass": _cost_of_pass(told, priced),
            "outcomes": _outcomes(told, priced, failure_cost),
        }


def _cost_of_pass(told: list[Row], priced: list[Row]) -> dict[str, Any]:
    """Dollars for each solved task, by kind; the pooled one at the top."""
    if len(priced) < len(told) or not priced:
        return {"kind": "pooled", "mean": None, "interval": None, "n": len(told), "reason": "a price is unknown",
                "includes": INCLUDES}  # fmt: skip
    costs, rewards, tasks = _columns(priced)
    # Tasks that were run more often than others must not count for more: the unit is the task.
    pooled = statistics.cost_of_pass(costs, rewards, tasks)
    spread = _spread(priced)
    pooled["interval"] = _widened(pooled.get("interval"), spread)
    pooled |= {"includes": INCLUDES, "runs": len(priced), "estimated": spread > 0}
    return {**pooled, "per_task": _per_task(priced)}


def _per_task(priced: list[Row]) -> dict[str, Any]:
    """The mean over tasks of each one's own cost-of-pass; only where every task has ten runs."""
    by = _by_task(priced)
    fewest = min(map(len, by.values()))
    if fewest < REPEATS:
        return {"kind": "per task", "mean": None, "interval": None, "n": len(by),
                "reason": f"a task has {fewest} runs; {REPEATS} are needed for each"}  # fmt: skip
    solved = {task: rows for task, rows in by.items() if any(row.reward for row in rows)}
    each = [
        sum(row.dollars or 0.0 for row in rows) / sum(row.reward or 0.0 for row in rows) for rows in solved.values()
    ]
    found = statistics.mean_cost(each).to_json() if each else {"mean": None, "interval": None, "n": 0}
    return {"kind": "per task", **found, "never_solved": len(by) - len(solved)}


def _outcomes(told: list[Row], priced: list[Row], failure_cost: Decimal | None) -> dict[str, Any]:
    known = len(priced) == len(told)
    failed = [row for row in priced if not row.reward or row.reward < 1]
    spent = sum(row.dollars or 0.0 for row in priced)
    lost = sum(row.dollars or 0.0 for row in failed)
    costs, _, tasks = _columns(priced)
    per_run = statistics.mean_cost(costs, tasks).to_json() if known and priced else None
    if per_run is not None:
        per_run["interval"] = _widened(per_run["interval"], _spread(priced))
    return {
        "runs": len(told),
        "cost_per_run": per_run,
        "cost_of_failures": {"amount": lost if known else None, "share": lost / spent if known and spent else None,
                             "runs": len(failed)},
        "compared": {"succeeded": _means([row for row in told if (row.reward or 0) >= 1]),
                     "failed": _means([row for row in told if (row.reward or 0) < 1])},
        "cheapest_success": _cheapest(priced) if known else None,
        "with_failures": _with_failures(told, priced, failure_cost) if known else None,
        "break_even": _break_even(priced) if known else [],
        "stop_rule": stop_rule([(row.task, row.reward or 0.0, row.facts) for row in priced]) if known else None,
    }  # fmt: skip


def _means(rows: list[Row]) -> dict[str, Any] | None:
    """Means of a group of runs."""
    if not rows:
        return None
    dollars = [row.dollars for row in rows if row.dollars is not None]
    return {
        "runs": len(rows),
        "calls": sum(row.calls for row in rows) / len(rows),
        "tokens": sum(row.tokens for row in rows) / len(rows),
        "cost": sum(dollars) / len(dollars) if len(dollars) == len(rows) else None,
    }


def _cheapest(priced: list[Row]) -> dict[str, Any] | None:
    """What the successful runs would have cost, each at the cheapest success of its task: a hindsight bound."""
    by = _by_task([row for row in priced if (row.reward or 0) >= 1])
    spent = sum(row.dollars or 0.0 for rows in by.values() for row in rows)
    if not spent:
        return None
    least = sum(min(row.dollars or 0.0 for row in rows) * len(rows) for rows in by.values())
    return {"tasks": len(by), "runs": sum(map(len, by.values())), "spent": spent, "at_the_cheapest": least,
            "share": 1 - least / spent, "exactness": "hindsight bound"}  # fmt: skip


def _with_failures(told: list[Row], priced: list[Row], failure_cost: Decimal | None) -> dict[str, Any] | None:
    """What a run costs its user with what its failure costs counted."""
    if failure_cost is None:
        return None
    costs, rewards, tasks = _columns(priced)
    whole = [cost + float(failure_cost) * (1 - reward) for cost, reward in zip(costs, rewards, strict=True)]
    return {"failure_cost": plain(failure_cost), "per_run": statistics.mean_cost(whole, tasks).to_json()}


def _break_even(priced: list[Row]) -> list[dict[str, Any]]:
    """For every two models, or values of one label: up to which cost of a failure the cheaper one is the better."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in priced:
        for group in row.groups:
            groups[group].append(row)
    by_name: dict[str, list[str]] = defaultdict(list)
    for group, rows in groups.items():
        if len(rows) >= FEWEST:
            by_name[group.partition("=")[0]].append(group)
    found = []
    for names in by_name.values():
        largest = sorted(names, key=lambda group: (-len(groups[group]), group))[:GROUPS]
        found += [_beats(a, groups[a], b, groups[b]) for a, b in combinations(sorted(largest), 2)]
    return found


def _beats(a: str, rows_a: list[Row], b: str, rows_b: list[Row]) -> dict[str, Any]:
    """The break-even between two groups, b being the cheaper."""
    if _mean(rows_a) < _mean(rows_b):
        a, rows_a, b, rows_b = b, rows_b, a, rows_a
    saved, lost = _mean(rows_a) - _mean(rows_b), _rate(rows_a) - _rate(rows_b)
    data = np.array(
        [(0.0, row.dollars or 0.0, row.reward or 0.0) for row in rows_a]
        + [(1.0, row.dollars or 0.0, row.reward or 0.0) for row in rows_b]
    )
    tasks = [row.task for row in (*rows_a, *rows_b)]

    def difference(column: int) -> Any:
        def value(sample: Any) -> float:
            one, other = sample[sample[:, 0] == 0], sample[sample[:, 0] == 1]
            return float(one[:, column].mean() - other[:, column].mean()) if len(one) and len(other) else 0.0

        return value

    cost = bootstrap(data, difference(1), clusters=tasks, resamples=499)
    loss = bootstrap(data, difference(2), clusters=tasks, resamples=499)
    at = saved / lost if lost > 0 else None
    if cost[0] <= 0:
        says = f"which of {a} and {b} is cheaper: cannot tell"
    elif at is None:
        says = f"{b} costs ${saved:.4g} a run less than {a} and was not seen to fail more often"
    else:
        says = f"{b} beats {a} while a failure costs less than ${at:,.4g}"
    if cost[0] > 0 and loss[0] <= 0 <= loss[1]:
        says += "; whether it fails more often: cannot tell"
    return {"a": a, "b": b, "saved_per_run": saved, "saved_interval": list(cost), "success_lost": lost,
            "success_interval": list(loss), "failure_cost": at, "says": says}  # fmt: skip


def _columns(rows: list[Row]) -> tuple[list[float], list[float], list[str]]:
    return [row.dollars or 0.0 for row in rows], [row.reward or 0.0 for row in rows], [row.task for row in rows]


def _by_task(rows: list[Row]) -> dict[str, list[Row]]:
    by: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by[row.task].append(row)
    return by


def _mean(rows: list[Row]) -> float:
    return sum(row.dollars or 0.0 for row in rows) / len(rows)


def _rate(rows: list[Row]) -> float:
    return sum(row.reward or 0.0 for row in rows) / len(rows)


def _spread(rows: list[Row]) -> float:
    """Relative uncertainty of the dollars of these runs; estimates err the same way, so they do not cancel."""
    spent = sum(row.dollars or 0.0 for row in rows)
    return sum(row.spread * (row.dollars or 0.0) for row in rows) / spent if spent else 0.0


def _widened(interval: Any, spread: float) -> list[float] | None:
    """An interval that also holds what estimated tokens may be off by."""
    return None if interval is None else [interval[0] * (1 - spread), interval[1] * (1 + spread)]
