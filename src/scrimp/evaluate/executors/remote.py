"""A worker's side: an account and a journal that live with the driver, and the job that is done with them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from scrimp.agent import Agent, Result
from scrimp.core.budget import Amount, Budget, Claim, Reservation
from scrimp.core.errors import InputError, ScrimpError
from scrimp.core.events import Event, Key, Recorded
from scrimp.core.protocols import Benchmark
from scrimp.core.system import System
from scrimp.core.task import Task
from scrimp.evaluate.benchmarks.catalog import closed, open_benchmark, world_of
from scrimp.evaluate.executors.local import parts_of
from scrimp.evaluate.executors.wire import Address, Line
from scrimp.journal.journal import RunRecord

Bench = tuple[str, str, tuple[tuple[str, Any], ...], str]
"""Name, data folder, options and split of a benchmark."""


class Lines:
    """As many connections as are asked at once: a reservation may wait while other calls of the run go on."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._free: list[Line] = []
        self._lock = threading.Lock()

    def ask(self, what: str, *given: Any) -> Any:
        """Ask the driver, and wait."""
        with self._lock:
            line = self._free.pop() if self._free else None
        line = line or Line(self.address)
        try:
            return line.ask(what, *given)
        finally:
            with self._lock:
                self._free.append(line)

    async def asked(self, what: str, *given: Any) -> Any:
        """Ask the driver while the event loop goes on."""
        return await anyio.to_thread.run_sync(partial(self.ask, what, *given))


class RemoteJournal:
    """The journal of the driver."""

    path = Path("journal")

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def begin(self, run: RunRecord) -> None:
        self._lines.ask("begin", run)

    def end(self, run: str, status: str, answer: Mapping[str, Any], wall_seconds: float, steps: int) -> None:
        self._lines.ask("end", run, status, answer, wall_seconds, steps)

    def run(self, run: str) -> RunRecord:
        found: RunRecord = self._lines.ask("run", run)
        return found

    def in_flight(self, run: str) -> list[Event]:
        found: list[Event] = self._lines.ask("in_flight", run)
        return found

    def reopen(self, run: str) -> None:
        self._lines.ask("reopen", run)

    def elapsed(self, run: str) -> float:
        return float(self._lines.ask("elapsed", run))

    def recording(self, run: str, *, strict: bool) -> RemoteRecording:
        if strict:
            raise InputError("a replay asks nobody, and needs no worker")
        self._lines.ask("recording", run)
        return RemoteRecording(self._lines, run)

    async def reserve(self, worst: Event, amounts: Mapping[str, Amount]) -> None:
        await self._lines.asked("reserve", worst, dict(amounts))

    async def commit(self, event: Event, request: Any, response: Any) -> None:
        await self._lines.asked("commit", event, request, response)


class RemoteRecording:
    """Recorded answers that the driver looks up."""

    strict = False

    def __init__(self, lines: Lines, run: str) -> None:
        self._lines, self._run = lines, run

    def find(self, key: Key, attempt: int) -> Recorded | None:
        found: Recorded | None = self._lines.ask("find", self._run, key, attempt)
        return found


class RemoteReservation(Reservation):
    """A reservation that the driver holds under a number."""

    __slots__ = ("number",)

    def __init__(self, account: RemoteAccount, what: str, told: tuple[int, dict[str, Amount], int, str],
                 under: Reservation | None) -> None:  # fmt: skip
        number, amounts, output, capped = told
        super().__init__(account, what, amounts, output, under)
        self.number, self.capped = number, capped


class RemoteAccount:
    """An account of the driver, by its number there."""

    def __init__(self, lines: Lines, number: int = 0, limits: Mapping[str, Amount] | None = None) -> None:
        self._lines, self._number = lines, number
        self.limits: Mapping[str, Amount] = dict(limits or {})

    async def reserve(
        self, claims: Sequence[Claim], *, under: Reservation | None = None, last: bool = False
    ) -> Sequence[Reservation]:
        told = await self._lines.asked("claim", self._number, list(claims), _number(under), last)
        return [RemoteReservation(self, claim.what, one, under) for claim, one in zip(claims, told, strict=True)]

    async def settle(self, reservation: Reservation, spent: Mapping[str, Amount]) -> None:
        reservation.open = False
        await self._lines.asked("settle", _number(reservation), dict(spent))

    async def charge(self, spent: Mapping[str, Amount]) -> None:
        await self._lines.asked("charge", self._number, dict(spent))

    async def slice(
        self, budget: Budget, *, last_share: Decimal = Decimal(0), whole: bool = False,
        under: Reservation | None = None,
    ) -> RemoteAccount:  # fmt: skip
        limits = dict(budget.limits)
        number, given = await self._lines.asked("slice", self._number, limits, last_share, whole, _number(under))
        return RemoteAccount(self._lines, number, given)

    async def close(self) -> None:
        await self._lines.asked("close", self._number)

    def remaining(self) -> dict[str, Amount]:
        found: dict[str, Amount] = self._lines.ask("tell", self._number, "remaining")
        return found

    def bears(self, claim: Claim) -> bool:
        return bool(self._lines.ask("bears", self._number, claim))

    def balance(self) -> dict[str, dict[str, Amount]]:
        found: dict[str, dict[str, Amount]] = self._lines.ask("tell", self._number, "balance")
        return found


def work(address: Address, bench: Bench, system: dict[str, Any], task: str, seed: int, labels: dict[str, str],
         experiment: str, begun: str) -> tuple[bool, Any]:  # fmt: skip
    """Do one job in this process: its result, or what it raised."""
    try:
        benchmark, tasks = _bench(bench)
        return True, anyio.run(_job, address, benchmark, System.from_data(system), tasks[task], seed, labels,
                               experiment, begun)  # fmt: skip
    except ScrimpError as error:
        return False, error


async def _job(address: Address, benchmark: Benchmark, system: System, task: Task, seed: int, labels: dict[str, str],
               experiment: str, begun: str) -> Result:  # fmt: skip
    lines = Lines(address)
    journal: Any = RemoteJournal(lines)
    agent = Agent(system, budget=Budget.of(system.budget), parts=parts_of(system, benchmark), journal=journal)
    account, environment = RemoteAccount(lines), world_of(benchmark, task)
    try:
        if begun:
            return await agent.resume(begun, tools=task.tools, account=account, environment=environment)
        return await agent.arun(
            task, labels=labels, account=account, experiment=experiment, seed=seed, environment=environment
        )
    finally:
        await closed(environment)
        await agent.outfit.aclose()


@cache
def _bench(bench: Bench) -> tuple[Benchmark, dict[str, Task]]:
    """A benchmark and its tasks, opened once by each worker."""
    name, data, options, split = bench
    opened = open_benchmark(name, Path(data) if data else None, **dict(options))
    return opened, {task.id: task for task in opened.tasks(split)}


def _number(reservation: Reservation | None) -> int:
    return reservation.number if isinstance(reservation, RemoteReservation) else 0
