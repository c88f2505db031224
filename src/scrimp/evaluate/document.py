"""What an experiment comes to: the JSON of `compare`, computed from its scored trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any

from scrimp.core.ledger import Ledger
from scrimp.core.money import total
from scrimp.core.protocols import Benchmark
from scrimp.core.system import System
from scrimp.evaluate import statistics
from scrimp.evaluate.pareto import Point, frontier, hypervolume
from scrimp.evaluate.words import CONTROLS_NOT_RUN, says

if TYPE_CHECKING:
    from scrimp.evaluate.experiment import Experiment, Trial


def document(
    experiment: Experiment,
    systems: Sequence[System],
    benchmark: Benchmark,
    trials: Sequence[Trial],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The document of COMMANDS (`compare --json`), in the shape report/data.py reads."""
    by_system = {system.name: [trial for trial in trials if trial.system == system.name] for system in systems}
    rows = [_row(name, own) for name, own in by_system.items() if own]
    points = [Point(row["name"], row["cost"]["mean"], row["effectiveness"]["mean"]) for row in rows]
    on_frontier = {point.name for point in frontier(points)}
    for row in rows:
        row["on_frontier"] = row["name"] in on_frontier
    known = [point.cost for point in points if point.cost is not None]
    area = hypervolume(points, max(known)) if known and max(known) > 0 else None
    return {
        "experiment": facts["experiment"],
        "bench": experiment.bench,
        "bench_version": benchmark.version,
        "split": experiment.split or benchmark.default_split,
        "model": experiment.model or ", ".join(sorted({system.model for system in systems})),
        "n": max((row["n"] for row in rows), default=0),
        "systems": rows,
        "pairs": [_pair(by_system[a], by_system[b], experiment.margin) for a, b in combinations(by_system, 2)],
        "hypervolume": None if area is None else area.to_json(),
        "forecast": None,
        "report": None,
        "prices": _prices(rows),
        "controls": "not run",
        "margin": experiment.margin / 100,
        "seeds": experiment.seeds,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seconds": facts["seconds"],
        "folder": facts["folder"],
        "stopped": facts["stopped"],
        "oracle": facts["oracle"],
        "command": experiment.command,
        "notes": _notes(facts, systems),
    }


def _row(name: str, trials: Sequence[Trial]) -> dict[str, Any]:
    tasks = [trial.task for trial in trials]
    success = [float(trial.score.success) for trial in trials]
    ledger = sum((trial.result.ledger for trial in trials), start=Ledger.of([]))
    money = total(trial.result.ledger.total.cost for trial in trials)
    costs = dollars(trials)
    row: dict[str, Any] = {
        "name": name,
        "n": len(set(tasks)),
        "runs": len(trials),
        "effectiveness": statistics.success_rate(success, tasks).to_json(),
        "cost": money.to_json(),
        "tokens": ledger.total.tokens.to_json(),
        "cost_of_pass": None,
        "latency": statistics.latency([trial.result.ledger.wall_seconds for trial in trials]),
        "statuses": {status: sum(t.result.status == status for t in trials) for status in ("done", "budget", "error")},
        "ledger": ledger.to_json(),
    }
    row["cost"].update({"mean": None, "interval": None, "reason": "a price is unknown"})
    if costs is not None:
        estimate = statistics.mean_cost(costs, tasks).to_json()
        row["cost"].pop("reason")
        row["cost"].update({key: estimate[key] for key in ("mean", "interval", "reason") if key in estimate})
        row["cost_of_pass"] = statistics.cost_of_pass(costs, success, tasks)
    return row


def _pair(a: Sequence[Trial], b: Sequence[Trial], margin: float) -> dict[str, Any]:
    """`b` against `a`, on the trials that both have."""
    common = {(t.task, t.seed) for t in a} & {(t.task, t.seed) for t in b}
    a, b = _matched(a, common), _matched(b, common)
    tasks = [trial.task for trial in a]
    names = {"a": a[0].system if a else "", "b": b[0].system if b else ""}
    if not a:
        return {**names, "success_difference": None, "cost_ratio": None, "says": "no trial in common"}
    success = statistics.non_inferior(_success(a), _success(b), tasks, margin=margin / 100)
    ratios = {}
    for name, measure in (("cost", dollars), ("tokens", tokens), ("seconds", seconds), ("calls", calls)):
        one, other = measure(a), measure(b)
        if one is not None and other is not None:
            ratios[name] = statistics.log_cost_ratio(one, other, tasks)
    # Physical units decide where a price is unknown.
    decisive = ratios.get("cost") or ratios["tokens"]
    saying = says(names["a"], names["b"], success, decisive, controls_run=False)
    return {
        **names,
        "n": len(set(tasks)),
        "success_difference": success.difference.to_json(),
        "non_inferior": success.answer,
        "margin": margin / 100,
        "n_needed": success.needed,
        "discordant": success.discordant,
        "cost_ratio": ratios["cost"].to_json() if "cost" in ratios else None,
        "tokens_ratio": ratios["tokens"].to_json(),
        "seconds_ratio": ratios["seconds"].to_json(),
        "calls_ratio": ratios["calls"].to_json(),
        "verdict": saying.verdict,
        "says": saying.text,
    }


def _matched(trials: Sequence[Trial], common: set[tuple[str, int]]) -> list[Trial]:
    return sorted((t for t in trials if (t.task, t.seed) in common), key=lambda trial: (trial.task, trial.seed))


def _success(trials: Sequence[Trial]) -> list[float]:
    return [float(trial.score.success) for trial in trials]


def dollars(trials: Sequence[Trial]) -> list[float] | None:
    """Dollars per run; None where any price is unknown."""
    amounts = [trial.result.ledger.total.cost.amount for trial in trials]
    known = [amount for amount in amounts if isinstance(amount, Decimal)]
    return [float(amount) for amount in known] if len(known) == len(amounts) else None


def tokens(trials: Sequence[Trial]) -> list[float] | None:
    """Tokens per run, sent and received."""
    return [float(trial.result.ledger.total.tokens.total) for trial in trials]


def seconds(trials: Sequence[Trial]) -> list[float] | None:
    """Wall seconds per run."""
    return [trial.result.ledger.wall_seconds for trial in trials]


def calls(trials: Sequence[Trial]) -> list[float] | None:
    """Calls through doors per run: models, tools, embedders, memories."""
    return [float(trial.result.ledger.total.calls) for trial in trials]


def _prices(rows: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(sorted({row["cost"]["prices"] for row in rows if row["cost"].get("prices")}))


def _notes(facts: Mapping[str, Any], systems: Sequence[System]) -> list[str]:
    notes = [CONTROLS_NOT_RUN]
    if facts["stopped"]:
        notes.append(f"stopped by the experiment's budget: {facts['stopped']}")
    if facts["oracle"] is not None:
        notes.append("the model is an oracle: what this shows is structure only")
        notes.append(f"oracle: {', '.join(f'{key}={value}' for key, value in facts['oracle'].items())}")
    if any(system.model in ("local", "small") for system in systems):
        notes.append("tokens of a local model are priced at the reference list")
    return notes
