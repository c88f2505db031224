"""The two questions of efficiency: how good at a fixed cost, how cheap at a fixed quality (EVIDENCE rule 5).

At a fixed cost a System that plans by its budget is run again with that budget; any other is cut off there: its
trials that cost more count as failures. Dollars, tokens and seconds are matched in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.core.money import plain
from scrimp.core.system import System
from scrimp.evaluate import statistics
from scrimp.evaluate.controls import has
from scrimp.evaluate.statistics import Estimate
from scrimp.evaluate.trial import UNITS, Trial

AGAIN, CUT = "run again", "truncated"
Trials = Mapping[str, Sequence[Trial]]


def check_levels(levels: Sequence[Budget]) -> None:
    """Refuse a level in a unit that trials are not measured in.

    Raises:
        InputError: no limit, or one by another key.
    """
    for level in levels:
        wrong = [key for key in level.limits if key not in UNITS]
        if wrong or not level.limits:
            what = f"limits {wrong[0]}" if wrong else "limits nothing"
            raise InputError(f"a budget level {what}", remedy=f"levels are matched in {', '.join(UNITS)}")


def at_levels(systems: Sequence[System], levels: Sequence[Budget]) -> tuple[System, ...]:
    """The Systems that run again, one per level, with it as their budget."""
    return tuple(
        system.with_(
            budget=Budget({**Budget.of(system.budget).limits, **level.limits}), name=name_at(system.name, level)
        )
        for system in systems
        if has(system, "budget_aware")
        for level in levels
    )


def name_at(system: str, level: Budget) -> str:
    """The name of a System that runs again at a level."""
    return f"{system} at {words(level)}"


def words(level: Budget) -> str:
    """`usd=0.001,tokens=2000`."""
    return ",".join(f"{key}={value if isinstance(value, int) else plain(value)}" for key, value in level.limits.items())


def level(budget: Budget, names: Sequence[str], trials: Trials) -> dict[str, Any]:
    """How good each System is at one budget, and what may be said of each against the first.

    Args:
        names: Systems and controls.
        trials: of these, and of those that ran again at this level under `name_at`.
    """
    rows, outcomes = [], {}
    for name in names:
        again = trials.get(name_at(name, budget))
        solved = solved_within(again or trials[name], budget)
        if solved is None:
            continue
        outcomes[name] = solved
        tasks = [task for task, _ in solved]
        found = statistics.success_rate(list(solved.values()), tasks)
        rows.append({
            "name": name, "n": found.n, "effectiveness": found.to_json(), "how": AGAIN if again else CUT,
        })  # fmt: skip
    return {"budget": budget.to_json(), "systems": rows, "says": _says(budget, outcomes)}


def solved_within(trials: Sequence[Trial], budget: Budget) -> dict[tuple[str, int], float] | None:
    """1.0 by task and seed where a trial succeeded within a budget, else 0.0; None where its cost is not known."""
    solved = {trial.unit: float(trial.success) for trial in trials}
    for key, limit in budget.limits.items():
        used = UNITS[key](trials)
        if used is None:
            return None
        for trial, amount in zip(trials, used, strict=True):
            if amount > float(limit) * (1 + 1e-12):
                solved[trial.unit] = 0.0
    return solved


def _says(budget: Budget, outcomes: Mapping[str, Mapping[tuple[str, int], float]]) -> list[str]:
    lines = []
    names = list(outcomes)
    for name in names[1:]:
        base, other = outcomes[names[0]], outcomes[name]
        units = sorted(base.keys() & other.keys())
        found = statistics.paired_difference(
            [base[unit] for unit in units], [other[unit] for unit in units], [task for task, _ in units]
        )
        lines.append(f"at {words(budget)} per task, {name} {_difference(found, names[0])}")
    return lines


def _difference(found: Estimate, base: str) -> str:
    low, high = found.interval or (-1.0, 1.0)
    span = f"{100 * low:+.1f} to {100 * high:+.1f} points"
    if low > 0 or high < 0:
        return f"solves {'more' if low > 0 else 'fewer'} tasks than {base} ({span})"
    return f"against {base}: cannot tell which solves more ({span})"


def at_cost(found: Mapping[str, Any]) -> dict[str, Any]:
    """Which System is the best at a budget, of what `level` found: the highest success, if that is beyond noise."""
    rows = sorted(found["systems"], key=lambda row: -row["effectiveness"]["mean"])
    budget = words(Budget(found["budget"]))
    if not rows:
        return {"budget": found["budget"], "best": None, "says": f"at {budget} per task: no cost is known"}
    best, interval = rows[0], rows[0]["effectiveness"]["interval"]
    text = f"at {budget} per task, {best['name']} solves the most: {_rate(best)}"
    rivals = [row["name"] for row in rows[1:] if row["effectiveness"]["mean"] >= interval[0]]
    if rivals:
        text += f"; not surely more than {' and '.join(rivals)}"
    return {"budget": found["budget"], "best": best["name"], "says": f"{text}."}


def at_quality(quality: float, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Which System is the cheapest that holds a quality: one whose success interval lies above it.

    Args:
        quality: 0 to 1.
        rows: Systems of the document.
    """
    priced = [row for row in rows if row["cost"].get("mean") is not None]
    surely = [row for row in priced if (row["effectiveness"]["interval"] or [0])[0] >= quality]
    maybe = [row for row in priced if row["effectiveness"]["mean"] >= quality and row not in surely]
    by_cost = sorted(surely, key=lambda row: row["cost"]["mean"])
    shown = f"{100 * quality:g} %"
    open_ = f"; above it, but not surely: {', '.join(row['name'] for row in maybe)}" if maybe else ""
    if not by_cost:
        return {"quality": quality, "cheapest": None, "says": f"no System surely holds {shown} here{open_}."}
    best = by_cost[0]
    cost = plain(Decimal(f"{best['cost']['mean']:.3g}"))
    says = f"the cheapest that surely holds {shown} is {best['name']}: {_rate(best)} at ${cost} a run{open_}."
    return {"quality": quality, "cheapest": best["name"], "says": says}


def _rate(row: Mapping[str, Any]) -> str:
    low, high = row["effectiveness"]["interval"]
    return f"{100 * row['effectiveness']['mean']:.1f} % ({100 * low:.1f} to {100 * high:.1f} %)"
