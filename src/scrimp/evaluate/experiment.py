"""Experiments: Systems x tasks x seeds (x budget levels), and what they come to. Start reading here.

What an experiment is stands in `Experiment`; `run` checks all of it before anything is spent, has `conduct.py` carry
it out, adds the controls that EVIDENCE rule 3 asks for, and folds the trials into one document (`document.py`).
All statistics are paired by task and seed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import anyio

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.core.events import ulid
from scrimp.core.protocols import Benchmark
from scrimp.core.system import System
from scrimp.core.task import Task
from scrimp.evaluate import controls as controls_of
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.conduct import Conduct, Progress, Watch
from scrimp.evaluate.document import Facts, document
from scrimp.evaluate.executors.job import Executor
from scrimp.evaluate.executors.local import LocalExecutor, parts_of
from scrimp.evaluate.folder import Folder
from scrimp.evaluate.levels import at_levels, check_levels
from scrimp.evaluate.systems import named
from scrimp.journal.home import home
from scrimp.journal.journal import Journal
from scrimp.outfit import Outfit, check_prices

__all__ = ["Experiment", "Progress", "Watch", "compare", "run"]

SAMPLE_SEED = 20261123
"""Orders the tasks before the first n are taken, so that a larger n contains a smaller one."""


@dataclass(frozen=True)
class Experiment:
    """What is compared, on what.

    Attributes:
        systems: the first is the base, which controls are built on.
        bench: name of the benchmark; `options` are its own (`tools` of the tool world...).
        model: plays the main role in every System; each keeps its own where None.
        n: how many tasks; all where None.
        seeds: repetitions per task; more than one needs a temperature above zero.
        budget: limits the whole experiment (`request_tokens`: every request of it); a System's own budget limits
            each run, and a trial starts only where the experiment's bears it whole. A trial that the experiment's
            budget cut short is neither scored nor counted; none is started after it.
        levels: budgets of one run at which effectiveness is compared (EVIDENCE rule 5).
        margin: of non-inferiority, in points.
        controls: whether the controls of EVIDENCE rule 3 run as well.
        at_cost, at_quality: a budget of one run, which becomes a level, and a success rate (0 to 1): who is the best
            there, and the cheapest.
        guard: the System (or folder of an earlier experiment) whose cost per success must not be passed.
        out: folder for trials, journal and results; one under SCRIMP_HOME where None. One that holds some of this
            very experiment is gone on with: finished trials are taken as they are, begun ones resumed, none paid twice.
        workers: trials under way at once; `executor` is where: `local` or `ray`.
    """

    systems: tuple[System, ...]
    bench: str
    data: Path | None = None
    model: str | None = None
    n: int | None = None
    seeds: int = 1
    budget: Budget | None = None
    levels: tuple[Budget, ...] = ()
    margin: float = 3.0
    controls: bool = False
    at_cost: Budget | None = None
    at_quality: float | None = None
    guard: str = ""
    split: str | None = None
    out: Path | None = None
    prices: str | None = None
    workers: int = 1
    executor: str = "local"
    options: tuple[tuple[str, Any], ...] = ()
    command: str = ""

    @property
    def all_levels(self) -> tuple[Budget, ...]:
        """The levels that were asked for, the one of `at_cost` among them."""
        return tuple(dict.fromkeys((*self.levels, *((self.at_cost,) if self.at_cost else ()))))


@dataclass(frozen=True)
class Plan:
    """An experiment that was checked: nothing was spent yet.

    Attributes:
        systems: those asked for, with the experiment's model, prices and limit on a request.
        controls: those that are known before anything ran; `why` names each one's reason, and what there is none of.
        again: Systems to be run again at budget levels.
    """

    experiment: Experiment
    benchmark: Benchmark
    tasks: tuple[Task, ...]
    systems: tuple[System, ...]
    controls: tuple[controls_of.Control, ...]
    missing: tuple[str, ...]
    again: tuple[System, ...]

    @property
    def split(self) -> str:
        """Which tasks of the benchmark."""
        return self.experiment.split or self.benchmark.default_split

    @property
    def model(self) -> str:
        """The main model of all Systems, or those that they name themselves."""
        return self.experiment.model or ", ".join(sorted({system.model for system in self.systems}))

    @property
    def all(self) -> tuple[System, ...]:
        """Every System that is known to run."""
        return (*self.systems, *(control.system for control in self.controls), *self.again)


def compare(
    systems: Sequence[System | str], bench: str, *, progress: Watch | None = None, **options: Any
) -> dict[str, Any]:
    """Compare Systems on a benchmark; the document that `scrimp compare --json` prints.

    Args:
        systems: Systems, or names that `--systems` takes.
        options: fields of `Experiment`.
    """
    chosen = tuple(named(item) if isinstance(item, str) else item for item in systems)
    return anyio.run(run, Experiment(chosen, bench, **options), progress)


async def run(experiment: Experiment, progress: Watch | None = None) -> dict[str, Any]:
    """Run an experiment and fold it into its document.

    Raises:
        InputError: something about it cannot be run; nothing was spent.
        OutsideError: the model or its server failed again and again.
    """
    made = await plan(experiment)
    fresh = ulid()
    place = experiment.out or home() / "experiments" / fresh
    beside = {
        "n": len(made.tasks), "seeds": experiment.seeds, "ran": [system.to_json() for system in made.all],
        "command": experiment.command,
    }  # fmt: skip
    folder = Folder.open(place, identity(made), fresh, beside)
    with closing(Journal(folder.journal)) as journal:
        result = document(await _carry_out(made, folder, journal, progress))
    folder.close(result)
    return result


async def _carry_out(made: Plan, folder: Folder, journal: Journal, progress: Watch | None) -> Facts:
    """Run what is planned, then the controls that depend on what was measured."""
    experiment, started = made.experiment, time.monotonic()
    conduct = Conduct(
        made.benchmark, folder, journal, open_executor(made, journal), budget=experiment.budget,
        seeds=experiment.seeds, workers=experiment.workers, progress=progress,
    )  # fmt: skip
    try:
        await conduct.run(made.all, made.tasks)
        controls = list(made.controls)
        if experiment.controls and not conduct.stopped:
            later = controls_of.matched(made.systems, conduct.tallies)
            await conduct.run([control.system for control in later], made.tasks)
            controls += later
    finally:
        await conduct.aclose()
    return Facts(
        plan=made, tallies=conduct.tallies, controls=tuple(controls), folder=folder, journal=journal,
        stopped=conduct.stopped, resumed=conduct.resumed, seconds=round(time.monotonic() - started, 3),
        judging=conduct.judges.ledger,
    )  # fmt: skip


async def plan(experiment: Experiment) -> Plan:
    """Check an experiment, down to opening every model that it names; nothing is spent.

    Raises:
        InputError: something about it cannot be run.
    """
    benchmark = open_benchmark(experiment.bench, experiment.data, **dict(experiment.options))
    systems = _systems(experiment)
    tasks = choose(benchmark, experiment.split, experiment.n)
    _check_seeds(experiment, systems)
    if getattr(benchmark, "stream", False) and (experiment.workers > 1 or experiment.executor != "local"):
        raise InputError(f"{experiment.bench} is a stream: one task after the other", remedy="--workers local")
    levels = experiment.all_levels
    check_levels(levels)
    if experiment.at_quality is not None and not 0 < experiment.at_quality <= 1:
        raise InputError(f"a quality of {experiment.at_quality:g} is not between 0 and 1", remedy="--at-quality 0.8")
    if experiment.guard and experiment.guard not in [system.name for system in systems]:
        _check_guard(experiment.guard)
    controls, missing = controls_of.beforehand(systems) if experiment.controls else ((), ())
    made = Plan(
        experiment, benchmark, tuple(tasks), systems, tuple(controls), tuple(missing),
        at_levels(systems, levels),
    )  # fmt: skip
    names = [system.name for system in made.all]
    if len(set(names)) != len(names):
        raise InputError(f"systems need names of their own, got {', '.join(names)}", remedy="rename one: name = ...")
    for system in made.all:
        await _check_system(system, made, experiment)
    return made


async def _check_system(system: System, made: Plan, experiment: Experiment) -> None:
    """Open everything a System names once, and look at its prices where money is limited."""
    outfit = Outfit(system, parts_of(system, made.benchmark))
    try:
        means, _ = await outfit.means(made.tasks[0].tools, 0), outfit.planner()
        limits = {**Budget.of(system.budget).limits, **(experiment.budget or Budget()).limits}
        if "usd" in limits:
            check_prices(means)
    finally:
        await outfit.aclose()


def open_executor(made: Plan, journal: Journal) -> Executor:
    """Where the trials run.

    Raises:
        InputError: there is no executor of that name.
    """
    kind = made.experiment.executor
    if kind == "local":
        return LocalExecutor(made.benchmark, journal)
    if kind == "ray":
        from scrimp.evaluate.executors.ray import RayExecutor

        return RayExecutor(made, journal)
    raise InputError(f"there is no executor {kind!r}", remedy="local or ray")


def identity(made: Plan) -> dict[str, Any]:
    """What makes an experiment the same one: not its budget, margin or workers, which may change on the way, nor the
    number of tasks and seeds, which may grow: a larger n contains a smaller one."""
    experiment = made.experiment
    return {
        "systems": [system.to_json() for system in made.systems], "bench": experiment.bench,
        "bench_version": made.benchmark.version, "options": [list(option) for option in experiment.options],
        "split": made.split, "model": experiment.model,
        "prices": experiment.prices,
    }  # fmt: skip


def choose(benchmark: Benchmark, split: str | None, n: int | None) -> list[Task]:
    """The first n tasks of a split in an order that a fixed seed gives; a stream keeps its own.

    Raises:
        InputError: the split has fewer tasks.
    """
    tasks = list(benchmark.tasks(split or benchmark.default_split))
    if not getattr(benchmark, "stream", False):
        Random(SAMPLE_SEED).shuffle(tasks)
    if n is not None and not 1 <= n <= len(tasks):
        raise InputError(f"n is {n}, but {benchmark.name} has {len(tasks)} tasks there", remedy=f"--n {len(tasks)}")
    return tasks[:n]


def _systems(experiment: Experiment) -> tuple[System, ...]:
    changes: dict[str, Any] = {}
    if experiment.model is not None:
        changes["model"] = experiment.model
    if experiment.prices is not None:
        changes["prices"] = experiment.prices
    systems = tuple(_limited(system.with_(**changes), experiment.budget) for system in experiment.systems)
    if not systems:
        raise InputError("there is no System to compare", remedy="--systems baseline,efficient")
    if not all(system.name for system in systems):
        raise InputError("every System needs a name", remedy='name = "..."')
    return systems


def _limited(system: System, budget: Budget | None) -> System:
    """The System with the experiment's limit on one request, which holds whoever states it."""
    wanted, limits = (budget or Budget()).limits, dict(Budget.of(system.budget).limits)
    if "request_tokens" not in wanted:
        return system
    limits["request_tokens"] = min(wanted["request_tokens"], limits.get("request_tokens", wanted["request_tokens"]))
    return replace(system, budget=Budget(limits))


def _check_seeds(experiment: Experiment, systems: Sequence[System]) -> None:
    if experiment.seeds < 1:
        raise InputError(f"seeds is {experiment.seeds}", remedy="1 or more")
    cold = [system.name for system in systems if system.temperature == 0]
    if experiment.seeds > 1 and cold:
        raise InputError(
            f"{', '.join(cold)}: at temperature 0 repeated seeds are copies of one run",
            remedy="--seeds 1, or a System with temperature above 0",
        )


def _check_guard(guard: str) -> None:
    from scrimp.evaluate.folder import RESULT

    if not (Path(guard) / RESULT).is_file():
        raise InputError(
            f"--guard {guard} is neither a System of this comparison nor a folder of an earlier one",
            remedy="name one of --systems, or the --out of a comparison",
        )
