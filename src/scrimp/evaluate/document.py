"""What an experiment comes to: the JSON of `compare`, computed from its scored trials."""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrimp.core.ledger import Ledger
from scrimp.core.system import System
from scrimp.core.version import VERSION
from scrimp.evaluate import levels, statistics
from scrimp.evaluate import trial as measured
from scrimp.evaluate.controls import Control
from scrimp.evaluate.curves import curves
from scrimp.evaluate.folder import JOURNAL, Folder, trials_of
from scrimp.evaluate.guard import Guard, Side, guard
from scrimp.evaluate.inference import power_line
from scrimp.evaluate.metrics.facts import RunFacts, counted
from scrimp.evaluate.metrics.table import measure
from scrimp.evaluate.pairs import pairs
from scrimp.evaluate.pareto import Point, frontier, hypervolume, uncertain
from scrimp.evaluate.resampling import Floats, by_task
from scrimp.evaluate.robustness import Use, robustness
from scrimp.evaluate.trial import UNITS, Trial, paired, read
from scrimp.evaluate.words import CONTROLS_NOT_RUN
from scrimp.journal.journal import Journal
from scrimp.models import prices
from scrimp.outfit import stand_in

if TYPE_CHECKING:
    from scrimp.evaluate.conduct import Tally
    from scrimp.evaluate.experiment import Plan


OF_SUCCESS = frozenset({
    "success_rate", "cost_of_pass", "cost_of_pass_per_task", "tokens_per_correct_answer", "steps_solved", "steps_all",
    "spl", "path_deviation", "pass^2", "pass@2",
})  # fmt: skip
"""Metrics that hang on success."""
SCRIPTED = "no success figure: the user is scripted, so this is a test of the harness (EVIDENCE rule 17)"


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
    judging: Ledger

    @property
    def systems(self) -> list[System]:
        """Those that were compared and their controls, without those that ran again at a budget level."""
        return [*self.plan.systems, *(control.system for control in self.controls)]

    @property
    def names(self) -> list[str]:
        """Systems and controls that have trials."""
        return [system.name for system in self.systems if self.trials(system.name)]

    def trials(self, system: str) -> list[Trial]:
        """The trials of a System; none where it did not run."""
        return self.tallies[system].trials if system in self.tallies else []


def document(facts: Facts) -> dict[str, Any]:
    """The document of COMMANDS (`compare --json`), in the shape report/data.py reads."""
    experiment, controls = facts.plan.experiment, {control.system.name: control for control in facts.controls}
    rows = [_row(system, facts.tallies[system.name], controls.get(system.name), facts)
            for system in facts.systems if system.name in facts.names]  # fmt: skip
    oracle = _oracle(facts)
    area = _frontier(rows, facts)
    _robust(rows, facts)
    found = {
        "experiment": facts.folder.id,
        "bench": experiment.bench,
        "bench_version": facts.plan.benchmark.version,
        "split": facts.plan.split,
        "model": facts.plan.model,
        "n": max((row["n"] for row in rows), default=0),
        "systems": rows,
        "hypervolume": area,
        "pairs": pairs(
            {name: facts.trials(name) for name in facts.names},
            frozenset(controls),
            experiment.margin / 100,
            _controls_complete(facts),
            oracle=oracle is not None,
        ),
        **_questions(facts, rows),
        "guard": _guard(facts),
        "power": power_line(len(facts.plan.tasks), experiment.margin / 100).to_json(),
        "forecast": None,
        "report": None,
        "prices": "; ".join(_lists(rows)),
        "controls": _controls(facts),
        "margin": experiment.margin / 100,
        "seeds": experiment.seeds,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seconds": facts.seconds,
        "judges": _judges(facts),
        "stream": _stream(facts),
        "folder": str(facts.folder.path),
        "stopped": facts.stopped,
        "resumed": facts.resumed,
        "oracle": oracle,
        "environment": environment(),
        "journal": {"path": JOURNAL, "hash": facts.journal.fingerprint(facts.folder.id)},
        "command": experiment.command,
        "notes": _notes(facts, oracle),
    }
    return found if getattr(facts.plan.benchmark, "figures", True) else _without_success(found)


def _without_success(found: dict[str, Any]) -> dict[str, Any]:
    """The document of an experiment whose user is scripted: it shows costs, and no figure of success (rule 17)."""
    for row in found["systems"]:
        row["effectiveness"] = {"mean": None, "interval": None, "n": row["n"], "reason": SCRIPTED}
        row["score"] = row["effectiveness"]
        row.update(on_frontier=None, frontier_probability=None, cost_of_pass=None)
        row["metrics"] = {name: one for name, one in row["metrics"].items() if name not in OF_SUCCESS}
        row.pop("prices_robustness", None)
    empty: dict[str, Any] = {"hypervolume": None, "pairs": [], "levels": [], "at_cost": None, "at_quality": None,
                             "curves": {}, "guard": None, "stream": None}  # fmt: skip
    return {**found, **empty, "notes": [SCRIPTED, *found["notes"]]}


def _judges(facts: Facts) -> dict[str, Any] | None:
    """What judges cost in this session; None where the rule of scoring is exact."""
    cell = facts.judging.harness
    return {"models": dict(facts.plan.benchmark.roles), **cell.to_json()} if cell.calls else None  # type: ignore[attr-defined]


def _stream(facts: Facts) -> dict[str, list[dict[str, Any]]] | None:
    """In a stream: success, tokens, steps and dollars of each System in the first, second and last third of it."""
    if not getattr(facts.plan.benchmark, "stream", False):
        return None
    place = {task.id: number for number, task in enumerate(facts.plan.tasks)}
    thirds = max(1, math.ceil(len(place) / 3))
    found: dict[str, list[dict[str, Any]]] = {}
    for name in facts.names:
        for third in range(3):
            own = [trial for trial in facts.trials(name) if place[trial.task] // thirds == third]
            costs = measured.dollars(own)
            if own:
                found.setdefault(name, []).append({
                    "tasks": [third * thirds + 1, min(len(place), (third + 1) * thirds)], "n": len(own),
                    "success": sum(trial.success for trial in own) / len(own),
                    "tokens": sum(trial.tokens for trial in own) / len(own),
                    "steps": sum(trial.steps for trial in own) / len(own),
                    "dollars": None if costs is None else sum(costs) / len(costs),
                })  # fmt: skip
    return found


def _lists(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The price lists that any amount was priced at."""
    labels = [label for row in rows for label in (row["cost"].get("prices") or "").split("; ")]
    return sorted({label for label in labels if label})


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
        "score": statistics.success_rate([trial.value for trial in trials], tasks).to_json(),
        "cost": money.to_json(),
        "tokens": tally.ledger.total.tokens.to_json(),
        "cost_of_pass": None,
        "latency": statistics.latency([trial.seconds for trial in trials]),
        "statuses": {status: sum(t.status == status for t in trials) for status in ("done", "budget", "error")},
        "ledger": tally.ledger.to_json(),
        "metrics": _metrics(system, trials, facts),
        "system": system.to_json(),
    }
    row["cost"].update({"mean": None, "interval": None, "reason": "a price is unknown"})
    if costs is not None:
        estimate = statistics.mean_cost(costs, tasks).to_json()
        row["cost"].pop("reason")
        row["cost"].update({key: estimate[key] for key in ("mean", "interval", "reason") if key in estimate})
        row["cost_of_pass"] = statistics.cost_of_pass(costs, success, tasks)
    return row


def _frontier(rows: Sequence[dict[str, Any]], facts: Facts) -> dict[str, Any] | None:
    """Mark the rows that are on the frontier, and how surely; the area under it, where prices are known."""
    points = [Point(row["name"], row["cost"]["mean"], row["effectiveness"]["mean"]) for row in rows]
    on_frontier = {point.name for point in frontier(points)}
    sample = _sample(facts)
    reference = _reference(sample)
    sure = uncertain(sample, reference) if reference else None
    for row in rows:
        row["on_frontier"] = row["name"] in on_frontier
        row["frontier_probability"] = sure.probability.get(row["name"]) if sure else None
    if sure is None:
        return None
    area = hypervolume(points, reference).to_json()
    return {**area, "interval": None if sure.area is None else list(sure.area)}


def _robust(rows: Sequence[dict[str, Any]], facts: Facts) -> None:
    """Mark at which prices each System stays on the frontier, among those on the base's model."""
    base = facts.plan.systems[0]
    listed = prices.load(base.prices)
    known = [rates for rates in listed.models.values() if rates.output]
    uses = {}
    for row in rows:
        if row["system"]["model"] == base.model and row["effectiveness"]["mean"] is not None:
            tokens = {kind: count / row["runs"] for kind, count in row["tokens"].items()}
            other = float(row["ledger"]["components"]["tools"]["cost"]["amount"] or 0) / row["runs"]
            uses[row["name"]] = Use(tokens["input"], tokens["cached_input"], tokens["cache_write"], tokens["output"],
                                    other, row["effectiveness"]["mean"])  # fmt: skip
    reference = listed.rates(base.model) or listed.reference
    if len(uses) < 2 or reference is None or not known:
        return
    found = robustness(uses, known, reference)
    for row in rows:
        if row["name"] in found:
            row["prices_robustness"] = found[row["name"]]


def _metrics(system: System, trials: Sequence[Trial], facts: Facts) -> dict[str, dict[str, Any]]:
    """What the runs of a System come to by every metric that they allow."""
    gold = getattr(facts.plan.benchmark, "gold", None)
    acting = {tool.name for task in facts.plan.tasks for tool in task.tools if tool.acts}
    named = {task.id for task in facts.plan.tasks if task.answer_with == "calls"}  # calls are the answer; none is made
    runs = []
    for trial in trials:
        # Gold is read after everything ran, by the document alone.
        way = None if gold is None or trial.task in named else gold(trial.task)
        best = None if way is None else tuple(step.tool for step in way.steps)
        counts: Any = {"steps": trial.steps, **counted(facts.journal.events(trial.run), acting)}
        cost = None if trial.dollars is None else float(trial.dollars)
        runs.append(
            RunFacts(trial.task, float(trial.success), cost, trial.tokens, trial.seconds, **counts,
                     optimum=None if way is None else way.optimum or len(way.steps), best_path=best)
        )  # fmt: skip
    return measure(runs)


def _sample(facts: Facts) -> dict[str, tuple[Floats, Floats]]:
    """Costs and successes of every System whose prices are known, on the tasks that all of them did."""
    priced = [name for name in facts.names if measured.dollars(facts.trials(name)) is not None]
    units = [{trial.unit for trial in facts.trials(name)} for name in priced]
    common = set.intersection(*units) if units else set()
    out: dict[str, tuple[Floats, Floats]] = {}
    for name in priced if common else ():
        own = sorted((trial for trial in facts.trials(name) if trial.unit in common), key=lambda trial: trial.unit)
        tasks = measured.tasks(own)
        out[name] = by_task(measured.dollars(own) or [], tasks), by_task(measured.success(own), tasks)
    return out


def _reference(sample: Mapping[str, tuple[Floats, Floats]]) -> float:
    """The dearest cost of interest: the next half decade above the dearest System, so that a rerun has the same."""
    dearest = max((float(costs.mean()) for costs, _ in sample.values()), default=0.0)
    return 10 ** (math.ceil(2 * math.log10(dearest)) / 2) if dearest > 0 else 0.0


def _questions(facts: Facts, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Levels, and the two questions: the best at a cost, the cheapest at a quality."""
    experiment, trials = facts.plan.experiment, {name: tally.trials for name, tally in facts.tallies.items()}
    found = [levels.level(budget, facts.names, trials) for budget in experiment.all_levels]
    asked = experiment.at_cost
    at_cost = next((one for one in found if asked is not None and one["budget"] == asked.to_json()), None)
    return {
        "levels": found,
        "at_cost": levels.at_cost(at_cost) if at_cost else None,
        "at_quality": None if experiment.at_quality is None else levels.at_quality(experiment.at_quality, rows),
        "curves": curves(_units(facts)),
    }


def _units(facts: Facts) -> dict[str, dict[str, tuple[list[float], list[float], list[str]]]]:
    """What each System used and solved, by unit; Systems whose amounts are not known are left out."""
    out: dict[str, dict[str, tuple[list[float], list[float], list[str]]]] = {}
    for unit, used_in in UNITS.items():
        for name in facts.names:
            own = facts.trials(name)
            used = used_in(own)
            if used is not None:
                out.setdefault(unit, {})[name] = used, measured.success(own), measured.tasks(own)
    return out


def _guard(facts: Facts) -> dict[str, Any] | None:
    """Each System against the one that guards, or against an earlier experiment's of the same name."""
    base = facts.plan.experiment.guard
    if not base:
        return None
    found: list[Guard | None] = []
    for name in [system.name for system in facts.plan.systems if system.name != base]:
        earlier = facts.trials(base) if base in facts.tallies else trials_in(Path(base), name)
        ours, theirs = paired(earlier, facts.trials(name))
        found.append(guard(*_sides(base, ours, name, theirs), measured.tasks(ours)) if ours else None)
    told = [one.to_json() for one in found if one is not None]
    answers = {one.passed if one else None for one in found}
    passed = False if False in answers else None if None in answers else True
    says = " ".join(one["says"] for one in told) or f"guard: no trial in common with {base}: cannot tell."
    return {"base": base, "passed": passed, "says": says, "rows": told}


def _sides(base: str, ours: Sequence[Trial], name: str, theirs: Sequence[Trial]) -> tuple[Side, Side]:
    """Both sides in dollars, or in tokens where a price is unknown."""
    one, other = measured.dollars(ours), measured.dollars(theirs)
    if one is None or other is None:
        one, other = measured.tokens(ours) or [], measured.tokens(theirs) or []
    return Side(base, one, measured.success(ours)), Side(name, other, measured.success(theirs))


def trials_in(folder: Path, system: str) -> list[Trial]:
    """The trials of a System in the folder of an earlier experiment; of its only System where none has that name."""
    lines = list(trials_of(folder).values())
    names = {str(line["system"]) for line in lines}
    wanted = system if system in names or len(names) != 1 else names.pop()
    return [read(line)[0] for line in lines if line["system"] == wanted]


def _controls_complete(facts: Facts) -> bool:
    """Whether every control that there is ran on every task."""
    experiment = facts.plan.experiment
    return experiment.controls and not facts.stopped


def _controls(facts: Facts) -> str:
    if not _controls_complete(facts):
        return "not run"  # or not on every task, which is as good as not
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


def _notes(facts: Facts, oracle: Mapping[str, Any] | None) -> list[str]:
    notes = []
    if not _controls_complete(facts):
        notes.append(CONTROLS_NOT_RUN)
    if facts.stopped:
        notes.append(f"stopped by the experiment's budget: {facts.stopped}")
    if oracle is not None:
        notes.append("the model is an oracle: what this shows is structure only")
        notes.append(f"oracle: {', '.join(f'{key}={value}' for key, value in oracle.items())}")
    for control in facts.controls:
        notes.append(f"control {control.system.name}: {control.why}{f' ({control.how})' if control.how else ''}")
    notes += [f"no control for {missing}" for missing in facts.plan.missing]
    if any(system.model in ("local", "small") for system in facts.systems):
        notes.append("tokens of a local model are priced at the reference list")
    return notes
