"""What an experiment may cost, told before anything is spent: an upper bound, and a forecast from earlier trials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from scrimp.core.budget import Budget
from scrimp.core.money import plain
from scrimp.evaluate.experiment import Plan
from scrimp.evaluate.folder import WHAT, trials_of
from scrimp.evaluate.forecast import forecast
from scrimp.evaluate.inference import power_line
from scrimp.evaluate.trial import UNITS, Trial, read
from scrimp.journal.home import home


def outlook(plan: Plan) -> dict[str, Any]:
    """The document of a dry run: what would run, what it may cost at most, and what earlier trials say of it.

    The forecast is of the whole experiment, trials that an earlier session finished in its folder included.
    """
    experiment = plan.experiment
    runs = {system.name: len(plan.tasks) * experiment.seeds for system in plan.all}
    power = power_line(len(plan.tasks), experiment.margin / 100)
    return {
        "bench": experiment.bench,
        "model": plan.model,
        "n": len(plan.tasks),
        "seeds": experiment.seeds,
        "runs": sum(runs.values()),
        "systems": [{"name": system.name, "runs": runs[system.name], "model": system.model} for system in plan.all],
        "controls": [control.to_json() for control in plan.controls],
        "missing_controls": list(plan.missing),
        "power": power.to_json(),
        "forecast": expected(plan),
        "upper_bound": upper_bound(plan),
    }


def upper_bound(plan: Plan) -> dict[str, Any]:
    """Dollars that the experiment cannot pass, and by which limit; None where nothing limits its money."""
    experiment = plan.experiment
    bounds: list[tuple[Decimal, str]] = []
    whole = (experiment.budget or Budget()).limits
    if "usd" in whole:
        bounds.append((Decimal(whole["usd"]), "the experiment's budget"))
    each = [Budget.of(system.budget).limits.get("usd") for system in plan.all]
    known = [Decimal(limit) for limit in each if limit is not None]
    if len(known) == len(each):
        bounds.append((sum(known, Decimal(0)) * len(plan.tasks) * experiment.seeds, "the runs' own budgets"))
    if not bounds:
        return {"usd": None, "by": "", "says": "nothing limits its money: state --budget usd=X"}
    amount, by = min(bounds)
    return {"usd": plain(amount), "by": by, "says": f"at most ${plain(amount)}, by {by}"}


def expected(plan: Plan) -> dict[str, Any] | None:
    """A forecast of dollars, tokens and seconds with its 90 % interval; None where a System has no history."""
    trials = history(plan)
    if not all(trials.values()):
        return None
    left = {name: len(plan.tasks) * plan.experiment.seeds for name in trials}
    out: dict[str, Any] = {"from": f"{sum(map(len, trials.values()))} earlier trials", "level": 0.9}
    for unit, measure in UNITS.items():
        used = {name: measure(own) for name, own in trials.items()}
        known = {name: by_task(trials[name], values) for name, values in used.items() if values is not None}
        out[unit] = forecast(known, left).to_json() if len(known) == len(used) else None
    return out


def by_task(trials: list[Trial], values: list[float]) -> dict[str, list[float]]:
    """The values of each task's trials."""
    found: dict[str, list[float]] = {}
    for trial, value in zip(trials, values, strict=True):
        found.setdefault(trial.task, []).append(value)
    return found


def history(plan: Plan) -> dict[str, list[Trial]]:
    """Trials of each System on the same benchmark, in this experiment's folder and those under SCRIMP_HOME."""
    roots = [path.parent for path in (home() / "experiments").glob(f"*/{WHAT}")]
    if plan.experiment.out is not None:
        roots.append(plan.experiment.out)
    found: dict[str, list[Trial]] = {system.name: [] for system in plan.all}
    for folder in dict.fromkeys(roots):
        called = _called_there(folder, plan)
        for line in trials_of(folder).values() if called else ():
            for name in called.get(str(line.get("system")), ()):
                found[name].append(read(line)[0])
    return found


def _called_there(folder: Path, plan: Plan) -> dict[str, list[str]]:
    """The Systems of a plan that an experiment's folder holds as well: their names here, by the name there."""
    try:
        facts = json.loads((folder / WHAT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if facts.get("bench", "").partition("?")[0] != plan.experiment.bench.partition("?")[0]:
        return {}
    there = [(str(one.get("name")), _kind(one)) for one in facts.get("ran", ())]
    found: dict[str, list[str]] = {}
    for system in plan.all:
        wanted = _kind(system.to_json())
        name = next((name for name, kind in there if kind == wanted), None)
        if name is not None:
            found.setdefault(name, []).append(system.name)
    return found


def _kind(system: Mapping[str, Any]) -> dict[str, Any]:
    """A System without what does not change what it does."""
    return {key: value for key, value in system.items() if key not in ("name", "prices", "budget")}
