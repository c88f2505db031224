"""Carrying an experiment out: trials, their scores, the money, the files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import anyio

from scrimp.agent import Result
from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.errors import BudgetExceeded, OutsideError, one_of
from scrimp.core.ledger import Ledger
from scrimp.core.money import NOTHING, Money
from scrimp.core.money import total as sum_of
from scrimp.core.protocols import Benchmark
from scrimp.core.system import System
from scrimp.core.task import Episode, Task
from scrimp.evaluate.executors.job import Executor, Job, spent_in
from scrimp.evaluate.folder import Folder
from scrimp.evaluate.judges import Judges
from scrimp.evaluate.trial import Trial, place_of, read, written
from scrimp.journal.journal import Journal

GIVE_UP_AFTER = 5
"""Trials that fail in a row, from outside, before an experiment stops: the server is gone, not the task hard."""


@dataclass(frozen=True)
class Progress:
    """How far an experiment is.

    Attributes:
        total: trials planned so far; controls that depend on what was measured come later.
        spent: by all trials that are done.
        left: what remains of the experiment's money limit; None where it has none.
    """

    done: int
    total: int
    spent: Money
    seconds: float
    system: str
    left: Money | None = None


Watch = Callable[[Progress], None]


@dataclass
class Tally:
    """The trials of one System, and the sum of their ledgers."""

    trials: list[Trial] = field(default_factory=list)
    ledger: Ledger = field(default_factory=lambda: Ledger.of([]))

    def add(self, trial: Trial, ledger: Ledger) -> None:
        """Count one more trial."""
        self.trials.append(trial)
        self.ledger = self.ledger + ledger


class Conduct:
    """Runs Systems on tasks under one budget; what is finished stands in the folder at once.

    Args:
        budget: of the whole experiment.
        seeds: repetitions of each task.
        workers: trials under way at once.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        folder: Folder,
        journal: Journal,
        executor: Executor,
        *,
        budget: Budget | None = None,
        seeds: int = 1,
        workers: int = 1,
        progress: Watch | None = None,
    ) -> None:
        self.benchmark, self.folder, self.journal, self.executor = benchmark, folder, journal, executor
        self.limits = (budget or Budget()).limits
        self.account = LocalAccount(budget or Budget(), patient=True)
        self.seeds, self.workers, self.progress = seeds, workers, progress
        self.begun = begun_runs(journal, folder.id) if folder.again else {}
        self.tallies: dict[str, Tally] = {}
        self.spent, self.done, self.total, self.resumed, self.failed_in_row = NOTHING, 0, 0, 0, 0
        self.started = time.monotonic()
        self.stopped = ""
        self.judges = Judges(getattr(benchmark, "roles", {}))
        self.outcomes: dict[str, Episode] = {}  # what each System is told of the task before, in a stream

    async def run(self, systems: Sequence[System], tasks: Sequence[Task]) -> None:
        """Every trial of these Systems; fewer where the experiment's budget ends. Systems take turns on each task: a
        machine that drifts, or a budget that ends, then meets them alike."""
        self.total += len(systems) * len(tasks) * self.seeds
        for system in systems:
            self.tallies.setdefault(system.name, Tally())
        waiting = self._jobs(systems, tasks)
        try:
            with anyio.move_on_after(self._seconds_left()) as clock:
                if self.workers == 1:
                    await self._work(waiting)
                else:
                    async with anyio.create_task_group() as group:
                        for _ in range(self.workers):
                            group.start_soon(self._work, waiting)
            if clock.cancelled_caught:
                self.stopped = f"budget seconds={float(self.limits['seconds']):g} is over"
        except ExceptionGroup as several:
            raise one_of(several) from several

    async def aclose(self) -> None:
        """Close the account, the executor and the files."""
        self.folder.close()
        with anyio.CancelScope(shield=True):
            await self.account.close()
            await self.executor.aclose()
            await self.judges.aclose()

    async def _work(self, waiting: Iterator[Job]) -> None:
        """Take one job after another, until none is left or the budget is."""
        for job in waiting:
            known = self.folder.done.pop(job.place, None)
            if known is not None:
                trial, result = read(known)
                await self.account.charge(spent_in(result, self.account.limits))
                self.resumed += 1
                self._count(trial, result)
            elif not self.stopped:
                await self._one(job)

    def _jobs(self, systems: Sequence[System], tasks: Sequence[Task]) -> Iterator[Job]:
        for seed in range(self.seeds):
            for task in tasks:
                for system in systems:
                    place = place_of(system.name, seed, task.id)
                    begun, ended = self.begun.pop(place, ("", False))
                    yield Job(system, self._told(system, task), seed, place, self.folder.id, begun, ended)

    def _told(self, system: System, task: Task) -> Task:
        """The task; in a stream, with how the one before went, for a System that has a memory to write it into."""
        before = self.outcomes.get(system.name)
        return task if before is None or system.memory is None else replace(task, history=(before,))

    async def _one(self, job: Job) -> None:
        """One trial; none where the experiment's budget does not bear it, or cut it short."""
        try:
            result = await self.executor.run(job, self.account)
        except BudgetExceeded as stop:
            self.stopped = str(stop)
            return
        # Its own limits it was given whole, so any other that held it back is the experiment's.
        outer = {result.stopped_by, *result.held_back_by} - {"", *Budget.of(job.system.budget).limits}
        if outer:
            key = sorted(outer)[0]
            limit = self.account.limits.get(key, "")
            self.stopped = result.error or f"budget {key}={limit} left no room for a whole answer"
            return
        self._watch_failures(result)
        score = await self.benchmark.score(job.task, result.as_answer(), await self.judges.doors())
        trial = Trial.of(job.system.name, job.task.id, job.seed, result, score)
        self.folder.add(trial.place, written(trial, result, score))
        self._count(trial, result)
        if getattr(self.benchmark, "stream", False):
            outcome = "right" if score.success else "wrong"
            said, labels = f"The answer to the task before was {outcome}.", {"outcome": outcome}
            self.outcomes[trial.system] = Episode(said, owner=job.task.owner, source=trial.run, labels=labels)

    def _count(self, trial: Trial, result: Result) -> None:
        """One more trial is there."""
        self.tallies[trial.system].add(trial, result.ledger)
        self.done += 1
        self.spent = sum_of((self.spent, result.ledger.total.cost))
        if self.progress is not None:
            seconds = time.monotonic() - self.started
            self.progress(Progress(self.done, self.total, self.spent, seconds, trial.system, self._left()))

    def _left(self) -> Money | None:
        left = self.account.remaining().get("usd")
        return None if left is None else Money.priced(Decimal(left), "")

    def _seconds_left(self) -> float | None:
        """How long the experiment may go on."""
        if "seconds" not in self.limits:
            return None
        return max(0.0, float(self.limits["seconds"]) - (time.monotonic() - self.started))

    def _watch_failures(self, result: Result) -> None:
        self.failed_in_row = self.failed_in_row + 1 if result.status == "error" else 0
        if self.failed_in_row >= GIVE_UP_AFTER:
            raise OutsideError(
                f"{GIVE_UP_AFTER} trials in a row failed, the last with: {result.error}",
                remedy=f"what was done is kept; the same command with --out {self.folder.path} goes on with it",
            )


def begun_runs(journal: Journal, experiment: str) -> dict[str, tuple[str, bool]]:
    """Runs that an earlier session began, by their places, and whether they ended: those are not in the trials'
    lines where that session ended just before it could write one. A run that a budget ended is begun anew, since
    it may have been the experiment's."""
    runs = journal.runs(experiment=experiment, limit=10**9)
    return {
        record.labels["trial"]: (record.id, record.status not in ("running", "stopped"))
        for record in reversed(runs)
        if record.labels.get("trial") and record.status != "budget"
    }
