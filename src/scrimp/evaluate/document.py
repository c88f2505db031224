"""What an experiment comes to: the JSON of `compare`, computed from its scored trials."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

from scrimp.core.system import System
from scrimp.core.version import VERSION
from scrimp.evaluate import statistics
from scrimp.evaluate import trial as measured
from scrimp.evaluate.controls import Control
from scrimp.evaluate.folder import JOURNAL, Folder
from scrimp.evaluate.pareto import Point, frontier, hypervolume
from scrimp.evaluate.trial import MEASURES, Trial, paired
from scrimp.evaluate.words import CONTROLS_NOT_RUN, says
from scrimp.journal.journal import Journal
from scrimp.outfit import stand_in

if TYPE_CHECKING:
    from scrimp.evaluate.conduct import Tally
    from scrimp.evaluate.experiment import Plan


@dataclass(frozen=True)
class Facts:
    """How an experiment went: everything that its document is computed from."""

    plan: Plan
    tallies: Mapping[str, Tally]
    controls: tuple[Control, ...]
    folder: Folder
    journal: Journal
    stopped: str
    resumed: int
    seconds: float

    @property
    def systems(self) -> list[System]:
        """Those that were compared and their controls, without those that ran again at a budget level."""
        return [*self.plan.systems, *(control.system for control in self.controls)]

    def trials(self, system: str) -> list[Trial]:
        """The trials of a System; none where it did not run."""
        return self.tallies[system].trials if system in self.tallies else []


def document(facts: Facts) -> dict[str, Any]:
    """The document of COMMANDS (`compare --json`), in the shape report/data.py reads."""
    experiment, controls = facts.plan.experiment, {control.system.name: control for control in facts.controls}
    rows = [_row(system, facts.tallies[system.name], controls.get(system.name), facts)
            for system in facts.systems if facts.trials(system.name)]  # fmt: skip
    return {
        "experiment": facts.folder.id,
        "bench": experiment.bench,
        "bench_version": facts.plan.benchmark.version,
        "split": experiment.split or facts.plan.benchmark.default_split,
        "model": experiment.model or ", ".join(sorted({system.model for system in facts.plan.systems})),
        "n": max((row["n"] for row in rows), default=0),
        "systems": rows,
        **_frontier(rows),
        "pairs": list(_pairs(facts)),
        "forecast": None,
        "report": None,
        "prices": "; ".join(sorted({row["cost"]["prices"] for row in rows if row["cost"].get("prices")})),
        "controls": _controls(facts),
        "margin": experiment.margin / 100,
        "seeds": experiment.seeds,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seconds": facts.seconds,
        "folder": str(facts.folder.path),
        "stopped": facts.stopped,
        "resumed": facts.resumed,
        "oracle": _oracle(facts),
        "environment": environment(),
        "journal": {"path": JOURNAL, "hash": facts.journal.fingerprint(facts.folder.id)},
        "command": experiment.command,
        "notes": _notes(facts),
    }


def environment() -> dict[str, Any]:
    """What the figures of speed were taken on."""
    return {
        "scrimp": VERSION, "python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}",
    }  # fmt: skip


def _row(system: System, tally: Tally, control: Control | None, facts: Facts) -> dict[str, Any]:
    trials, money = tally.trials, tally.ledger.total.cost
    tasks, success, costs = measured.tasks(trials), measured.success(trials), measured.dollars(trials)
    row: dict[str, Any] = {
        "name": system.name,
        "role": "control" if control else "system",
        "control": control.to_json() if control else None,
        "n": len(set(tasks)),
        "runs": len(trials),
        "effectiveness": statistics.success_rate(success, tasks).to_json(),
        "cost": money.to_json(),
        "tokens": tally.ledger.total.tokens.to_json(),
        "cost_of_pass": None,
        "latency": statistics.latency([trial.seconds for trial in trials]),
        "statuses": {status: sum(t.status == status for t in trials) for status in ("done", "budget", "error")},
        "ledger": tally.ledger.to_json(),
        "system": system.to_json(),
    }
    row["cost"].update({"mean": None, "interval": None, "reason": "a price is unknown"})
    if costs is not None:
        estimate = statistics.mean_cost(costs, tasks).to_json()
        row["cost"].pop("reason")
        row["cost"].update({key: estimate[key] for key in ("mean", "interval", "reason") if key in estimate})
        row["cost_of_pass"] = statistics.cost_of_pass(costs, success, tasks)
    return row


def _frontier(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mark the rows that are on the frontier, and measure the area under it."""
    points = [Point(row["name"], row["cost"]["mean"], row["effectiveness"]["mean"]) for row in rows]
    on_frontier = {point.name for point in frontier(points)}
    for row in rows:
        row["on_frontier"] = row["name"] in on_frontier
    known = [point.cost for point in points if point.cost is not None]
    area = hypervolume(points, max(known)) if known and max(known) > 0 else None
    return {"hypervolume": None if area is None else area.to_json()}


def _pairs(facts: Facts) -> Iterator[dict[str, Any]]:
    """Every two Systems, and each System against the controls; never two controls."""
    controls = {control.system.name for control in facts.controls}
    names = [system.name for system in facts.systems if facts.trials(system.name)]
    complete = _controls_complete(facts)
    for a, b in combinations(names, 2):
        if a not in controls or b not in controls:
            yield _pair(facts.trials(a), facts.trials(b), facts.plan.experiment.margin, complete)


def _pair(a: Sequence[Trial], b: Sequence[Trial], margin: float, controls_run: bool) -> dict[str, Any]:
    """`b` against `a`, on the trials that both have."""
    names = {"a": a[0].system, "b": b[0].system}
    a, b = paired(a, b)
    if not a:
        return {**names, "success_difference": None, "cost_ratio": None, "says": "no trial in common"}
    tasks = measured.tasks(a)
    success = statistics.non_inferior(measured.success(a), measured.success(b), tasks, margin=margin / 100)
    ratios = {}
    for name, measure in MEASURES.items():
        one, other = measure(a), measure(b)
        if one is not None and other is not None:
            ratios[name] = statistics.log_cost_ratio(one, other, tasks)
    # Physical units decide where a price is unknown.
    decisive = ratios.get("cost") or ratios["tokens"]
    saying = says(names["a"], names["b"], success, decisive, controls_run=controls_run)
    return {
        **names,
        "n": len(set(tasks)),
        "success_difference": success.difference.to_json(),
        "non_inferior": success.answer,
        "margin": margin / 100,
        "n_needed": success.needed,
        "discordant": success.discordant,
        "cost_ratio": ratios["cost"].to_json() if "cost" in ratios else None,
        **{f"{name}_ratio": ratios[name].to_json() for name in ("tokens", "seconds", "calls")},
        "verdict": saying.verdict,
        "says": saying.text,
    }


def _controls_complete(facts: Facts) -> bool:
    """Whether every control that there is ran on every task."""
    experiment = facts.plan.experiment
    return experiment.controls and not facts.stopped


def _controls(facts: Facts) -> str:
    if not facts.plan.experiment.controls:
        return "not run"
    if facts.stopped:
        return "not run"  # not on every task, which is as good as not
    ran = [f"{control.system.name} ({control.why})" for control in facts.controls]
    return "; ".join([*ran, *(f"none for {missing}" for missing in facts.plan.missing)]) or "none there are"


def _oracle(facts: Facts) -> dict[str, Any] | None:
    """What a report must state of an oracle."""
    from scrimp.evaluate.executors.local import parts_of

    for system in facts.plan.systems:
        if stand_in(system.model).startswith("oracle"):
            oracle: Any = parts_of(system, facts.plan.benchmark).models["main"]
            return dict(oracle.facts)
    return None


def _notes(facts: Facts) -> list[str]:
    notes = []
    if not _controls_complete(facts):
        notes.append(CONTROLS_NOT_RUN)
    if facts.stopped:
        notes.append(f"stopped by the experiment's budget: {facts.stopped}")
    oracle = _oracle(facts)
    if oracle is not None:
        notes.append("the model is an oracle: what this shows is structure only")
        notes.append(f"oracle: {', '.join(f'{key}={value}' for key, value in oracle.items())}")
    for control in facts.controls:
        notes.append(f"control {control.system.name}: {control.why}{f' ({control.how})' if control.how else ''}")
    notes += [f"no control for {missing}" for missing in facts.plan.missing]
    if any(system.model in ("local", "small") for system in facts.systems):
        notes.append("tokens of a local model are priced at the reference list")
    return notes
