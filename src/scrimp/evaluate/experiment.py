"""Experiments: Systems x tasks x seeds, and what they come to.

Systems take turns on each task: a machine that drifts, or a budget that ends, then meets them alike.
All statistics are paired by task and seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, cast

import anyio

from scrimp.agent import Agent, Result
from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.context import Context, Means, Run
from scrimp.core.context.passage import Place
from scrimp.core.errors import BudgetExceeded, InputError, OutsideError, one_of
from scrimp.core.events import ListSink, ulid
from scrimp.core.money import NOTHING, Money, PriceList
from scrimp.core.money import total as sum_of
from scrimp.core.protocols import Benchmark
from scrimp.core.system import System
from scrimp.core.task import Score, Task
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.document import document
from scrimp.evaluate.folder import Folder
from scrimp.evaluate.oracle import Oracle
from scrimp.evaluate.oracle_evidence import Golden
from scrimp.evaluate.systems import named
from scrimp.journal.home import home
from scrimp.journal.journal import Journal
from scrimp.outfit import Parts, stand_in

GIVE_UP_AFTER = 5
"""Trials that fail in a row, from outside, before an experiment stops: the server is gone, not the task hard."""

SAMPLE_SEED = 20261123
"""Orders the tasks before the first n are taken, so that a larger n contains a smaller one."""


@dataclass(frozen=True)
class Experiment:
    """What is compared, on what.

    Attributes:
        bench: name of the benchmark; `options` are its own (`tools` of the tool world...).
        model: plays the main role in every System; each keeps its own where None.
        n: how many tasks; all where None.
        seeds: repetitions per task; more than one needs a temperature above zero.
        budget: limits the whole experiment (`request_tokens`: every request of it); a System's own budget limits
            each run, and a trial starts only where the experiment's bears it whole. A trial that the experiment's
            budget cut short is neither scored nor counted; none is started after it.
        margin: of non-inferiority, in points.
        out: folder for trials and results; one under SCRIMP_HOME where None. One that holds some of this very
            experiment is gone on with: finished trials are taken as they are, begun ones resumed, none paid twice.
        workers: trials under way at once.
    """

    systems: tuple[System, ...]
    bench: str
    data: Path | None = None
    model: str | None = None
    n: int | None = None
    seeds: int = 1
    budget: Budget | None = None
    margin: float = 3.0
    split: str | None = None
    out: Path | None = None
    prices: str | None = None
    workers: int = 1
    options: tuple[tuple[str, Any], ...] = ()
    command: str = ""


@dataclass(frozen=True)
class Trial:
    """One run inside an experiment, scored."""

    system: str
    task: str
    seed: int
    result: Result
    score: Score

    @property
    def place(self) -> str:
        """Where it belongs in the experiment: System, seed, task."""
        return place_of(self.system, self.seed, self.task)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """The inverse of `to_json`."""
        score = Score(data["value"], data["success"], data["detail"])
        return cls(data["system"], data["task"], data["seed"], Result.from_json(data), score)

    def to_json(self) -> dict[str, Any]:
        return {
            "system": self.system,
            "task": self.task,
            "seed": self.seed,
            "success": self.score.success,
            "value": self.score.value,
            "detail": self.score.detail,
            **self.result.to_json(),
        }


@dataclass(frozen=True)
class Progress:
    """How far an experiment is."""

    done: int
    total: int
    spent: Money
    seconds: float
    system: str


Watch = Callable[[Progress], None]


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
    benchmark = open_benchmark(experiment.bench, experiment.data, **dict(experiment.options))
    systems = _systems(experiment)
    tasks = choose(benchmark, experiment.split, experiment.n)
    _check_seeds(experiment, systems)
    fresh = ulid()
    place = experiment.out or home() / "experiments" / fresh
    folder = Folder.open(place, facts_of(experiment, systems, benchmark), fresh)
    conduct = _Conduct(experiment, benchmark, tasks, folder, progress)
    trials = await conduct.all(systems)
    result = document(experiment, systems, benchmark, trials, conduct.facts())
    folder.close(result)
    return result


def facts_of(experiment: Experiment, systems: Sequence[System], benchmark: Benchmark) -> dict[str, Any]:
    """What makes an experiment the same one: not its budget, its margin or its workers, which may change on the way."""
    return {
        "systems": [system.to_json() for system in systems], "bench": experiment.bench,
        "bench_version": benchmark.version, "options": [list(option) for option in experiment.options],
        "split": experiment.split or benchmark.default_split, "n": experiment.n, "seeds": experiment.seeds,
        "model": experiment.model, "prices": experiment.prices,
    }  # fmt: skip


def place_of(system: str, seed: int, task: str) -> str:
    """The name of a trial in its experiment."""
    return f"{system}/{seed}/{task}"


def choose(benchmark: Benchmark, split: str | None, n: int | None) -> list[Task]:
    """The first n tasks of a split in an order that a fixed seed gives.

    Raises:
        InputError: the split has fewer tasks.
    """
    tasks = list(benchmark.tasks(split or benchmark.default_split))
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
    systems = tuple(system.with_(**changes) for system in experiment.systems)
    names = [system.name for system in systems]
    if len(set(names)) != len(names) or not all(names):
        raise InputError(f"systems need names of their own, got {', '.join(name or '(none)' for name in names)}")
    return systems


def _check_seeds(experiment: Experiment, systems: Sequence[System]) -> None:
    if experiment.seeds < 1:
        raise InputError(f"seeds is {experiment.seeds}", remedy="1 or more")
    cold = [system.name for system in systems if system.temperature == 0]
    if experiment.seeds > 1 and cold:
        raise InputError(
            f"{', '.join(cold)}: at temperature 0 repeated seeds are copies of one run",
            remedy="--seeds 1, or a System with temperature above 0",
        )


class _Conduct:
    """Carries an experiment out: trials, their scores, the money, the files."""

    def __init__(
        self,
        experiment: Experiment,
        benchmark: Benchmark,
        tasks: Sequence[Task],
        folder: Folder,
        progress: Watch | None,
    ) -> None:
        self.id, self.folder = folder.id, folder
        self.experiment, self.benchmark, self.tasks, self.progress = experiment, benchmark, tasks, progress
        self.journal = Journal()
        self.begun = self._begun() if folder.done or experiment.out is not None else {}
        self.resumed = 0
        self.account = LocalAccount(experiment.budget or Budget(), patient=True)
        self.spent, self.done, self.failed_in_row = NOTHING, 0, 0
        self.total = len(experiment.systems) * len(tasks) * experiment.seeds
        self.started = time.monotonic()
        self.stopped = ""
        self.oracle: Oracle | None = None
        self.prices = ""

    async def all(self, systems: Sequence[System]) -> list[Trial]:
        """Every trial; fewer where the experiment's budget ends."""
        agents = [self._agent(system) for system in systems]
        made: dict[tuple[int, int, int], Trial] = {}
        slots = anyio.CapacityLimiter(self.experiment.workers)

        async def one(place: tuple[int, int, int], agent: Agent, task: Task) -> None:
            known = self.folder.done.get(place_of(agent.system.name, place[1], task.id))
            if known is not None:
                made[place] = await self._taken(Trial.from_json(known))
                return
            async with slots:
                trial = None if self.stopped else await self._trial(agent, task, place[1])
            if trial is not None:
                made[place] = trial
                self.folder.add(trial.place, trial.to_json())

        try:
            with anyio.move_on_after(self._seconds()) as clock:
                async with anyio.create_task_group() as group:
                    for place, agent, task in self._places(agents):
                        if self.experiment.workers == 1:
                            await one(place, agent, task)
                        else:
                            group.start_soon(one, place, agent, task)
            if clock.cancelled_caught:
                self.stopped = f"budget seconds={self._seconds():g} is over"
        except ExceptionGroup as several:
            raise one_of(several) from several
        finally:
            self.folder.close()
            with anyio.CancelScope(shield=True):
                await self.account.close()
                for agent in agents:
                    await agent.outfit.aclose()
        return [made[place] for place in sorted(made)]

    def _places(self, agents: Sequence[Agent]) -> Iterator[tuple[tuple[int, int, int], Agent, Task]]:
        """Every trial in the order of running: Systems take turns on each task."""
        for seed in range(self.experiment.seeds):
            for index, task in enumerate(self.tasks):
                for number, agent in enumerate(agents):
                    yield (number, seed, index), agent, task

    def _begun(self) -> dict[str, tuple[str, bool]]:
        """Runs that an earlier session began, by their places, and whether they ended: those are not in the trials'
        lines where that session ended just before it could write one. A run that a budget ended is begun anew, since
        it may have been the experiment's."""
        runs = self.journal.runs(experiment=self.id, limit=10**9)
        return {
            record.labels["trial"]: (record.id, record.status not in ("running", "stopped"))
            for record in reversed(runs)
            if record.labels.get("trial") and record.status != "budget"
        }

    async def _taken(self, trial: Trial) -> Trial:
        """A trial of an earlier session: it is counted and charged, and not run again."""
        await self._charge(trial.result)
        self.resumed += 1
        self._count(trial)
        return trial

    async def _charge(self, result: Result) -> None:
        """Charge what an earlier session spent, by the keys that a ledger tells."""
        total = result.ledger.total
        spent: dict[str, int | Decimal] = {"tokens": total.tokens.total, "steps": result.steps}
        if total.cost.amount is not None:
            spent["usd"] = total.cost.amount
        await self.account.charge({key: value for key, value in spent.items() if key in self.account.limits})

    def _count(self, trial: Trial) -> None:
        """One more trial is there."""
        self.done += 1
        self.spent = sum_of((self.spent, trial.result.ledger.total.cost))
        if self.progress is not None:
            seconds = time.monotonic() - self.started
            self.progress(Progress(self.done, self.total, self.spent, seconds, trial.system))

    def _agent(self, system: System) -> Agent:
        """An agent for all trials of a System; a limit on one request holds whoever states it."""
        limits, wanted = dict(Budget.of(system.budget).limits), (self.experiment.budget or Budget()).limits
        if "request_tokens" in wanted:
            limits["request_tokens"] = min(
                wanted["request_tokens"], limits.get("request_tokens", wanted["request_tokens"])
            )
        return Agent(system, budget=Budget(limits), parts=self._parts(system), journal=self.journal)

    def _seconds(self) -> float | None:
        """How long the experiment may take."""
        limits = (self.experiment.budget or Budget()).limits
        return float(limits["seconds"]) if "seconds" in limits else None

    async def _trial(self, agent: Agent, task: Task, seed: int) -> Trial | None:
        """One trial; None where the experiment's budget does not bear it, or cut it short."""
        place = place_of(agent.system.name, seed, task.id)
        begun, ended = self.begun.pop(place, ("", False))
        try:
            if begun and ended:
                result = await agent.replay(begun)  # at no cost: what it was answered is in the journal
                await self._charge(result)
            elif begun:
                result = await agent.resume(begun, tools=task.tools, account=self.account)
            else:
                labels = {"trial": place}
                result = await agent.arun(task, labels=labels, account=self.account, experiment=self.id, seed=seed)
        except BudgetExceeded as stop:
            self.stopped = str(stop)
            return None
        # Its own limits it was given whole, so any other that held it back is the experiment's.
        outer = {result.stopped_by, *result.held_back_by} - {"", *agent.budget.limits}
        if outer:
            key = sorted(outer)[0]
            limit = self.account.limits.get(key, "")
            self.stopped = result.error or f"budget {key}={limit} left no room for a whole answer"
            return None
        self._watch_failures(result)
        score = await self.benchmark.score(task, result.as_answer(), self._harness())
        trial = Trial(agent.system.name, task.id, seed, result, score)
        self._count(trial)
        return trial

    def _watch_failures(self, result: Result) -> None:
        self.failed_in_row = self.failed_in_row + 1 if result.status == "error" else 0
        if self.failed_in_row >= GIVE_UP_AFTER:
            raise OutsideError(
                f"{GIVE_UP_AFTER} trials in a row failed, the last with: {result.error}",
                remedy=f"what was done is kept; the same command with --out {self.folder.path} goes on with it",
            )

    def _parts(self, system: System) -> Parts:
        name = stand_in(system.model)
        if not name.startswith("oracle"):
            return Parts()
        # One oracle per System: its simulated prompt cache is cold for each, its errors are the same for all.
        self.oracle = Oracle.parse(name, cast("Golden", self.benchmark))
        return Parts(models={"main": self.oracle})

    def _harness(self) -> Context:
        """Doors for a scorer; what it spends is not the agent's. Scorers so far ask no model."""
        account = LocalAccount(Budget())
        means = Means(models={}, prices=PriceList("none", ""))
        return Context(means, Run(ulid(), ListSink()), Place(account, component="harness"))

    def facts(self) -> dict[str, Any]:
        """What the document says about how the experiment went."""
        return {
            "experiment": self.id,
            "folder": str(self.folder.path),
            "resumed": self.resumed,
            "stopped": self.stopped,
            "oracle": self.oracle.facts if self.oracle is not None else None,
            "seconds": round(time.monotonic() - self.started, 3),
        }
