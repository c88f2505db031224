"""One call through one door: reserve, act, settle, journal. Every cost of a run passes here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakSet

import anyio

from scrimp.core.budget import Account, Amount, Claim, Reservation
from scrimp.core.context.results import Results
from scrimp.core.errors import BudgetExceeded, ModelFailed, ReplayMismatch, ScrimpError
from scrimp.core.events import (
    Component,
    Event,
    EventSink,
    EventStatus,
    Key,
    Kind,
    Phase,
    Recorded,
    Recording,
    RetryKind,
    ulid,
)
from scrimp.core.messages import digest
from scrimp.core.money import NOTHING, Money
from scrimp.core.protocols import Clock
from scrimp.core.tool import ToolResult
from scrimp.core.usage import NO_USAGE, Usage

T = TypeVar("T")

BY_A_GATEWAY = frozenset({502, 504, *range(520, 528)})
"""Statuses by which a gateway says that it lost the server behind it, which may have answered, and billed."""

SIZES = ("message_tokens", "nodes", "stored_bytes")
"""Limits on sizes; an event carries what it took of them, since nothing else in it tells."""

WIND_UP_SECONDS = 5.0
"""How long the end of a run waits for a left stream to close its connection."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Shared:
    """A call in flight whose result others wait for; None where it ended without one."""

    key: str
    over: anyio.Event = field(default_factory=anyio.Event)
    result: ToolResult | None = None


@dataclass
class Run:
    """What all contexts of one run share.

    Attributes:
        seed: drives `ctx.random()`; recorded with the run.
        deadline: on the clock's monotonic scale; None without a limit on seconds.
        request_tokens: most prompt tokens of one request; None without a limit.
        events: everything that happened so far, in order of completion.
        steps: rounds the planner has begun.
        refused: the limit by which the budget last refused a call.
        results: what is kept of its tools' results.
        shared: pure calls in flight, which others like them wait for, by tool and arguments.
        held_back: limits that refused a call, or made an answer end before the model had finished.
    """

    id: str
    sink: EventSink
    clock: Clock = field(default_factory=SystemClock)
    seed: int = 0
    recording: Recording | None = None
    deadline: float | None = None
    seconds: Amount | None = None
    request_tokens: int | None = None
    events: list[Event] = field(default_factory=list)
    steps: int = 0
    refused: str = ""
    held_back: set[str] = field(default_factory=set)
    streams: WeakSet[AsyncGenerator[Any, None]] = field(default_factory=WeakSet)
    under_way: dict[Passage, anyio.Event] = field(default_factory=dict)
    results: Results = field(default_factory=Results)
    shared: dict[str, Shared] = field(default_factory=dict)

    def refused_by(self, refusal: BudgetExceeded) -> None:
        """Remember which limit refused something."""
        self.refused = refusal.key
        self.held_back.add(refusal.key)

    async def wind_up(self) -> None:
        """Cut off the streams that somebody left in the middle, so that what they cost is counted."""
        for stream in list(self.streams):
            await stream.aclose()
        if not self.under_way:
            return
        with anyio.move_on_after(WIND_UP_SECONDS):
            for over in list(self.under_way.values()):  # a stream that nobody holds is being closed by the event loop
                await over.wait()

    async def in_time(self, work: Awaitable[T]) -> T:
        """Await `work`, but not past the deadline.

        Raises:
            BudgetExceeded: on `seconds`, when the deadline comes first; `work` is cancelled.
        """
        if self.deadline is None:
            return await work
        left = self.deadline - self.clock.monotonic()
        if left > 0:
            with anyio.move_on_after(left):
                return await work
        elif (close := getattr(work, "close", None)) is not None:
            close()  # a coroutine that is never awaited
        raise self.out_of_time()

    def out_of_time(self) -> BudgetExceeded:
        """The error of a passed deadline."""
        return BudgetExceeded("seconds", limit=self.seconds, spent=self.seconds, reserved=0, needed="more time")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the run a context stands; every event it causes carries this."""

    account: Account
    span: str = "/"
    component: Component = "planning"
    agent: str = ""
    phase: Phase = ""
    parent: str = ""
    inside: Reservation | None = None


@dataclass(frozen=True, slots=True)
class What:
    """What a passage is about, before it happens.

    `request` gives what the journal keeps: a Request as it is, anything else as JSON.
    """

    door: str
    kind: Kind
    name: str
    claim: Claim
    request: Callable[[], Any]
    request_hash: str = ""
    prompt: str = ""
    attempt: int = 1
    retry: RetryKind = ""
    last: bool = False


class Passage:
    """An async context manager around one act.

    On entering it looks for a recorded answer (`recorded`), and otherwise reserves the claim and
    writes the reservation down. The act then calls `done`; on leaving, the reservation is settled and
    the event committed. An act that ends without `done` is charged by its error: a call that was
    refused before it was sent costs nothing, a lost or cancelled one its whole reservation.
    """

    def __init__(self, run: Run, place: Place, what: What, ordinal: int, round_: int, within: Passage | None) -> None:
        self.run, self.place, self.what, self.round, self.within = run, place, what, round_, within
        self.key = Key(run.id, place.span, what.door, ordinal)
        self.id = ulid()
        self.recorded: Recorded | None = None
        self.reservation: Reservation | None = None
        self.worst: Callable[[int], tuple[Usage, Money]] = _nothing
        self.attempt, self.retry = what.attempt, what.retry
        self._lost: list[Event] = []
        self.nested_us = 0
        self.answered = False  # whether any piece of an answer came
        self._result: tuple[Any, Usage, Money, Mapping[str, Amount], EventStatus] | None = None
        self._started = self._began = 0.0

    def again(self) -> Passage:
        """A passage for the next attempt at the same call: same identity, a claim and an event of its own."""
        what = replace(self.what, attempt=self.attempt + 1, retry="transport")
        following = Passage(self.run, self.place, what, self.key.ordinal, self.round, self.within)
        following.worst = self.worst
        return following

    @property
    def output(self) -> int:
        """The output cap that the budget could bear."""
        return self.reservation.output if self.reservation is not None else self.what.claim.output

    def look_up(self) -> bool:
        """Find the recorded answer of this call, if the run is a replay or a resume.

        An attempt that was in flight when its process ended is kept in the books at its worst, and the
        call is made again as the next attempt.
        """
        recording = self.run.recording
        if recording is None or self.reservation is not None:
            return False
        while (found := recording.find(self.key, self.attempt)) is not None:
            if found.event.request_hash != self.what.request_hash:
                raise ReplayMismatch(
                    f"call {self.key} to {self.what.name!r} asks for something else than was recorded",
                    remedy="a method, prompt or tool has changed since; run the task anew",
                )
            if found.response is not None:
                self.recorded = found
                return True
            # On a replay nothing happens inside it again; on resume it does, and finds its own records.
            lost = [*(found.nested if recording.strict else ()), found.event]
            self.run.events += lost
            self._lost += lost
            self.attempt, self.retry = self.attempt + 1, "transport"
        if recording.strict:
            raise ReplayMismatch(
                f"the recorded run made no call {self.key} to {self.what.name!r}",
                remedy="replay with the System and the version of scrimp that recorded it",
            )
        return False

    async def __aenter__(self) -> Passage:
        found = self.recorded is not None or self.look_up()
        if self.run.recording is not None:
            await self._charge_recorded()
        if found:
            return self
        if self.reservation is None:
            reserving = self.place.account.reserve([self.what.claim], under=self.place.inside, last=self.what.last)
            try:
                self.take((await self.run.in_time(reserving))[0])
            except BudgetExceeded as refusal:
                await self.refused(refusal)
                raise
        assert self.reservation is not None
        self._started, self._began = self.run.clock.now(), self.run.clock.monotonic()
        worst = self._event(self.what.kind, *self.worst(self.output), 0, "cut")
        self.run.under_way[self] = anyio.Event()
        try:
            await self.run.sink.reserve(worst, self.reservation.amounts)
        except BaseException:  # cancelled or not written: nothing was sent, so it is given back
            await self.release()
            raise
        return self

    async def _charge_recorded(self) -> None:
        """What the recorded attempts spent is spent, so that a planner that looks at its budget sees the same."""
        recorded = self.recorded
        events = [*self._lost, *((*recorded.nested, recorded.event) if recorded is not None else ())]
        for event in events:
            await self.place.account.charge(spent_by(event))

    def take(self, reservation: Reservation) -> None:
        """Use a reservation that was made for a whole batch."""
        self.reservation = reservation

    async def release(self) -> None:
        """Give back a reservation whose act never began."""
        self._over()
        if self.reservation is not None and self.reservation.open:
            with anyio.CancelScope(shield=True):
                await self.reservation.account.settle(self.reservation, {})

    async def refused(self, refusal: BudgetExceeded) -> None:
        """Write down that the budget refused this call, so that a replay is refused as well."""
        self.run.refused_by(refusal)
        event = self._event("decision", NO_USAGE, NOTHING, 0, "error")
        self.run.events.append(event)
        await self.run.sink.commit(event, None, failure(refusal))

    def done(
        self,
        response: Any,
        *,
        usage: Usage = NO_USAGE,
        money: Money = NOTHING,
        spent: Mapping[str, Amount] | None = None,
        status: EventStatus = "ok",
    ) -> None:
        """State what the act came to. `spent` is what the budget is charged, by key."""
        self._result = (response, usage, money, spent if spent is not None else {}, status)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.recorded is not None:
            self.run.events += [*self.recorded.nested, self.recorded.event]
            if isinstance(error, BudgetExceeded):
                self.run.refused_by(error)
            return
        with anyio.CancelScope(shield=True):
            await self._leave(error)

    async def _leave(self, error: BaseException | None) -> None:
        assert self.reservation is not None
        if self._result is None:
            self._result = self._charge(error)
        response, usage, money, spent, status = self._result
        await self.reservation.account.settle(self.reservation, spent)
        elapsed = int((self.run.clock.monotonic() - self._began) * 1_000_000)
        busy = elapsed - self.nested_us
        if self.within is not None:
            self.within.nested_us += elapsed  # so that no microsecond is counted twice
        event = self._event(self.what.kind, usage, money, max(busy, 0), status, _hash(response))
        self.run.events.append(event)
        try:
            await self.run.sink.commit(event, self.what.request(), response)
        finally:
            self._over()

    def _over(self) -> None:
        if (over := self.run.under_way.pop(self, None)) is not None:
            over.set()

    def _event(
        self, kind: Kind, usage: Usage, money: Money, busy_us: int, status: EventStatus, response_hash: str = ""
    ) -> Event:
        place, what = self.place, self.what
        return Event(
            self.id, self.key, kind, place.component, what.name, place.parent, what.prompt, place.agent, self.round,
            place.phase, self.attempt, self.retry, usage, money, busy_us, self._started or self.run.clock.now(),
            what.request_hash, response_hash, status, self._charged(status),
        )  # fmt: skip

    def _charged(self, status: EventStatus) -> tuple[tuple[str, int], ...]:
        """What the event says of the budget beside money, tokens and calls: the whole claim, unless it was refused."""
        if self.what.kind == "model" or status == "error":
            return ()
        return tuple((key, int(self.what.claim.fixed[key])) for key in SIZES if key in self.what.claim.fixed)

    def _charge(self, error: BaseException | None) -> tuple[Any, Usage, Money, Mapping[str, Amount], EventStatus]:
        """What an act costs that ended without saying so."""
        assert self.reservation is not None
        lost = failure(error)
        if isinstance(error, ModelFailed) and not self.answered and _unbilled(error):
            calls = {key: value for key, value in self.reservation.amounts.items() if key.endswith("_calls")}
            return lost, NO_USAGE, NOTHING, calls, "error"
        return lost, *self.worst(self.output), self.reservation.amounts, "cut"


def _unbilled(error: ModelFailed) -> bool:
    """Whether a provider bills nothing for a call that failed so: it was never sent, or refused by itself."""
    refused = (error.status or 200) >= 400 and error.status not in BY_A_GATEWAY
    return not error.sent or (refused and not error.begun)


def _nothing(output: int) -> tuple[Usage, Money]:
    return NO_USAGE, NOTHING


def spent_by(event: Event) -> dict[str, Amount]:
    """What an event took from the budget, by key."""
    if event.kind == "decision" or (event.status == "error" and event.kind == "model"):
        return {"model_calls": 1} if event.kind == "model" else {}
    calls: dict[Kind, dict[str, Amount]] = {
        "model": {"model_calls": 1},
        "tool": {"tool_calls": 1, f"tool_calls.{event.name}": 1},
        "memory_read": {"memory_accesses": 1},
        "memory_write": {"memory_accesses": 1},
        "message": {"messages": 1},
    }
    return {**calls.get(event.kind, {}), "usd": event.money.least, "tokens": event.usage.total, **dict(event.charged)}


def _hash(response: Any) -> str:
    if isinstance(response, bytes):
        return hashlib.sha256(response).hexdigest()
    return digest(response)


def failure(error: BaseException | None) -> dict[str, Any]:
    """An error as the journal keeps it."""
    facts: dict[str, Any]
    if isinstance(error, BudgetExceeded):
        facts = {name: str(getattr(error, name)) for name in ("key", "limit", "spent", "reserved", "needed")}
        return {"error": {"code": error.code, "message": str(error), **facts}}
    if isinstance(error, ModelFailed):
        facts = {"status": error.status, "retry_after": error.retry_after, "retryable": error.retryable}
        return {"error": {"code": error.code, "message": error.message, "sent": error.sent, **facts}}
    message = str(error) if isinstance(error, ScrimpError) else ""
    return {"error": {"code": "cancelled", "message": message or type(error).__name__}}


def raise_recorded(response: Any) -> None:
    """Raise again the error that a recorded call ended with; nothing where it ended well."""
    facts = response.get("error") if isinstance(response, Mapping) else None
    if not isinstance(facts, Mapping):
        return
    if facts["code"] == "budget":
        raise BudgetExceeded(
            facts["key"], limit=facts["limit"], spent=facts["spent"], reserved=facts["reserved"], needed=facts["needed"]
        )
    if facts["code"] == "model":
        raise ModelFailed(
            facts["message"],
            status=facts["status"],
            retry_after=facts["retry_after"],
            retryable=facts["retryable"],
            sent=facts["sent"],
        )
    raise ReplayMismatch(f"the recorded call was cut off ({facts['message']}), so it has no answer to repeat")
