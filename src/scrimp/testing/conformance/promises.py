"""Promises that every method makes, whatever its family. Each raises AssertionError with what was broken."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.budget import Amount
from scrimp.core.errors import BudgetExceeded, ScrimpError
from scrimp.core.events import COMPONENTS, Event
from scrimp.core.ledger import EMPTY, Ledger
from scrimp.journal.journal import Journal, RunRecord
from scrimp.journal.replay import RecordedModel
from scrimp.testing.conformance.scene import Scene, Staged, Stall
from scrimp.testing.harness import Bench

Act = Callable[[Bench], Awaitable[Any]]
"""Uses a fresh instance of the method once, through the bench's Context; its result can be compared."""

PATIENCE = 10.0
"""Seconds after which an act on scripted answers counts as hung."""
MOST_STALLS = 8
"""Outside acts at which a cancellation is tried."""


def require(holds: object, promise: str, detail: str = "") -> None:
    """Raise AssertionError where a promise does not hold."""
    if not holds:
        raise AssertionError(f"{promise}: {detail}" if detail else promise)


async def all_of_them(act: Act, scene: Scene) -> None:
    """Metering, repetition, replay, cancellation and budgets, in this order."""
    await metered(act, scene)
    await repeatable(act, scene)
    await replayable(act, scene)
    await cancellable(act, scene)
    await within_budget(act, scene)


async def metered(act: Act, scene: Scene) -> Any:
    """Everything done outside went through a door, was reserved before, and stands in the ledger. The act's result."""
    staged = scene.stage()
    result = await perform(act, staged, "runs on a scene where nothing goes wrong")
    books(staged)
    return result


async def repeatable(act: Act, scene: Scene) -> None:
    """The same seed and the same answers give the same result by the same calls."""
    one, other = scene.stage(seed=7), scene.stage(seed=7)
    promise = "the same seed and answers give the same result"
    first, second = await perform(act, one, promise), await perform(act, other, promise)
    require(first == second, promise, f"{first!r}, then {second!r}")
    require(trace(one.bench.events) == trace(other.bench.events), "the same seed and answers give the same calls",
            _difference(one.bench.events, other.bench.events))  # fmt: skip


async def replayable(act: Act, scene: Scene) -> None:
    """A replay from the journal gives the same result and the same ledger, and asks nobody."""
    promise = "a replay gives the recorded result"
    with tempfile.TemporaryDirectory() as folder, _opened(Path(folder) / "journal.sqlite") as journal:
        live = scene.stage(sink=journal)
        journal.begin(RunRecord(live.bench.run_id, {}, {}, started=0.0))
        result = await perform(act, live, promise)
        recording = journal.recording(live.bench.run_id, strict=True)
        facts = {"name": live.model.name, "capabilities": vars(live.model.capabilities)}
        again = scene.stage(model=RecordedModel(facts), recording=recording, run_id=live.bench.run_id)
        repeated = await perform(act, again, promise)
        require(repeated == result, promise, f"{result!r} was recorded, {repeated!r} replayed")
        asked = again.calls + [f"embed {batch}" for batch in again.embedder.batches]
        require(not asked, "a replay asks nobody", f"it asked {asked}")
        require(trace(again.bench.events) == trace(live.bench.events), "a replay makes the recorded calls",
                _difference(live.bench.events, again.bench.events))  # fmt: skip
        require(again.bench.ledger == live.bench.ledger, "a replay costs what was recorded")
        require(journal.ledger(live.bench.run_id) == live.bench.ledger, "the journal holds the ledger of the run")


async def cancellable(act: Act, scene: Scene) -> None:
    """Cancelled in the middle of any outside act, it leaves no open reservation and counts what was under way."""
    for at in range(1, MOST_STALLS + 1):
        stall = Stall(at)
        staged = scene.stage(stall=stall)
        with _patience("ends when it is cancelled"):
            async with anyio.create_task_group() as group:
                group.start_soon(_until_cancelled, act, staged)
                await stall.reached.wait()
                group.cancel_scope.cancel()
        books(staged, f"cancelled in its outside act number {at}: ")
        if stall.count < at:
            return


async def _until_cancelled(act: Act, staged: Staged) -> None:
    await perform(act, staged, "runs until it is cancelled")
    staged.stall.reached.set()  # it ended before it came to the act that would hang


async def within_budget(act: Act, scene: Scene, judge: Callable[[Any, str], None] | None = None) -> None:
    """Under any limit it ends, by itself or with BudgetExceeded, and never spends more.

    Args:
        judge: told the result of an act that ended by itself although it may not call a model at all.
    """
    free = scene.stage()
    await perform(act, free, "runs without limits")
    for key, used in amounts(free.bench.ledger, free.bench.events).items():
        least = 1 if isinstance(used, int) else Decimal("0.000001")
        for limit in sorted({0, used // 2 if isinstance(used, int) else used / 2, max(used - least, 0), used}):
            staged = scene.stage(budget={key: limit})
            result, stopped = await _limited(act, staged, f"{key}={limit}")
            books(staged, f"with {key}={limit}: ")
            if judge is not None and key == "model_calls" and limit == 0 and used and not stopped:
                judge(result, f"{key}={limit}")


async def _limited(act: Act, staged: Staged, limits: str) -> tuple[Any, bool]:
    try:
        return await perform(act, staged, f"keeps to {limits}", allowed=(BudgetExceeded,)), False
    except BudgetExceeded:
        return None, True


async def perform(act: Act, staged: Staged, promise: str, allowed: tuple[type[Exception], ...] = ()) -> Any:
    """Run an act; whatever it raises that is not allowed, and a hang, is a broken promise."""
    with _patience(promise):
        try:
            return await act(staged.bench)
        except allowed:
            raise
        except AssertionError:
            raise
        except Exception as error:  # a stranger's method may raise anything, and the message must say so
            raise AssertionError(f"{promise}: it raised {type(error).__name__}: {error}") from error


def books(staged: Staged, when: str = "") -> None:
    """The account is balanced, no limit is passed, and everything that happened outside is an event."""
    bench = staged.bench
    require(
        not bench.witness.faults, f"{when}every call is reserved before it is sent", "; ".join(bench.witness.faults)
    )
    require(not bench.open_calls(), f"{when}no reservation stays open", ", ".join(bench.open_calls()))
    for key, row in bench.account.balance().items():
        require(row["reserved"] == 0, f"{when}nothing stays reserved", f"{key}: {row}")
        require(row["spent"] <= row["limit"], f"{when}no limit is passed", f"{key}: {row}")
    for event in bench.events:
        require(event.component in (*COMPONENTS, "harness"), f"{when}every event has a component", str(event.key))
        require(event.name, f"{when}every event has a name", str(event.key))
    require(len({event.key for event in bench.events}) == len(bench.events), f"{when}every call has a key of its own")
    _seen_outside(staged, when)
    ledger = bench.ledger
    for cells in (ledger.components, ledger.terms):
        total = sum(cells.values(), start=EMPTY)
        require(total == ledger.total, f"{when}both partitions add up to the total", f"{total} is not {ledger.total}")


def _seen_outside(staged: Staged, when: str) -> None:
    """What models, embedders and tools saw is what the events say."""
    happened = [event.kind for event in staged.bench.events]
    promise = f"{when}models, embedders and tools are reached through the doors only"
    for kind, seen in (("model", len(staged.model.requests)), ("embed", len(staged.embedder.batches))):
        # A call may be under way without having been answered, never the other way round.
        require(seen <= happened.count(kind), promise, f"{kind}: {seen} calls, {happened.count(kind)} events")  # type: ignore[arg-type]
    tools = happened.count("tool")
    require(len(staged.calls) <= tools, promise, f"tools: {len(staged.calls)} calls, {tools} events")


def amounts(ledger: Ledger, events: list[Event]) -> dict[str, Amount]:
    """What a run used, by the budget keys that it touched."""
    kinds = [event.kind for event in events]
    used: dict[str, Amount] = {
        "model_calls": kinds.count("model"),
        "tool_calls": kinds.count("tool"),
        "memory_accesses": kinds.count("memory_read") + kinds.count("memory_write"),
        "messages": kinds.count("message"),
        "tokens": ledger.total.tokens.total,
        "usd": ledger.total.cost.least,
    }
    return {key: amount for key, amount in used.items() if amount}


def trace(events: list[Event]) -> list[tuple[str, str, str, str]]:
    """What a run did, apart from times: key, kind, request, answer; in the order of the keys."""
    return sorted((str(event.key), event.kind, event.request_hash, event.response_hash) for event in events)


def _difference(one: list[Event], other: list[Event]) -> str:
    a, b = set(trace(one)), set(trace(other))
    return f"only the first: {sorted(row[0] for row in a - b)}, only the second: {sorted(row[0] for row in b - a)}"


@contextmanager
def _patience(promise: str) -> Iterator[None]:
    try:
        with anyio.fail_after(PATIENCE):
            yield
    except TimeoutError as error:
        raise AssertionError(f"{promise}: it hangs") from error


@contextmanager
def _opened(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()


async def survives(act: Act, scene: Scene, promise: str) -> Any:
    """The act's result where something goes wrong outside; an error of ours is an end as well (then None)."""
    staged = scene.stage()
    try:
        result = await perform(act, staged, promise, allowed=(ScrimpError,))
    except ScrimpError:
        result = None
    books(staged, f"{promise}: ")
    return result
