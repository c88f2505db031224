"""The budget as a state machine: reserve, settle, cancel, fail, slice, give back and wait, in any order.

What the accounts say is held, after every step, against books that are kept here: a list of what is open and of what
was spent, summed anew each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scrimp.core.budget import Amount, Budget, Claim, LocalAccount, Reservation
from scrimp.core.errors import BudgetExceeded, InputError

KEYS = ("tokens", "usd", "tool_calls", "tool_calls.search")
SHARES = (0, 1, 33, 50, 99, 100)  # percent of a reservation that is spent in the end

# Few and small numbers, so that calls get into each other's way; dollars with many digits, so that rounding would show.
fine = st.integers(0, 10).map(lambda n: Decimal(n * 100_000_007).scaleb(-9))
limits = st.fixed_dictionaries(
    {"tokens": st.integers(2, 16)},
    optional={
        "usd": fine.map(lambda n: n * 4),
        "tool_calls": st.integers(0, 3),
        "tool_calls.search": st.integers(0, 2),
    },
)


@st.composite
def claims(draw: Any) -> Claim:
    if draw(st.integers(0, 3)) == 0:
        return Claim("search", {"tool_calls": 1, "tool_calls.search": 1, "usd": draw(fine) / 4})
    output = draw(st.integers(0, 6))
    fixed = {"tokens": draw(st.integers(0, 6)), "usd": draw(fine) / 2}
    return Claim("call", fixed, {"tokens": 1, "usd": draw(fine) / 16}, output, draw(st.integers(0, output)))


places = st.integers(0, 60)


@dataclass(eq=False)
class Slice:
    account: LocalAccount
    parent: Slice | None
    whole: bool = False
    closed: bool = False

    def owner(self, key: str) -> Slice | None:
        here: Slice | None = self
        while here is not None and key not in here.account.limits:
            here = here.parent
        return here

    def above(self) -> list[Slice]:
        return [self, *(self.parent.above() if self.parent is not None else ())]


@dataclass(eq=False)
class Call:
    place: Slice
    reservation: Reservation
    under: Call | None
    spent: dict[str, Amount] | None = None  # once settled

    def chain(self) -> list[Call]:
        return [self, *(self.under.chain() if self.under is not None else ())]


@dataclass(eq=False)
class Waiter:
    place: Slice
    under: Call | None
    task: asyncio.Task[None] | None = None


class Accounts(RuleBasedStateMachine):
    """Rules act on a tree of accounts in an event loop of its own; each rule lets all that can go on go on."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.slices: list[Slice] = []
        self.calls: list[Call] = []
        self.waiting: list[Waiter] = []

    @initialize(budget=limits, patient=st.booleans())
    def begin(self, budget: dict[str, Any], patient: bool) -> None:
        budget["tokens"] *= 2
        self.slices.append(Slice(LocalAccount(Budget(budget), patient=patient), None))

    # -- what may happen --

    @rule(where=places, batch=st.lists(claims(), min_size=1, max_size=3))
    def reserve(self, where: int, batch: list[Claim]) -> None:
        place = self.open_slices[where % len(self.open_slices)]
        self.start(Waiter(place, None), self.reserving(place, None, batch))

    @precondition(lambda self: self.open)
    @rule(which=places, claim=claims())
    def reserve_inside(self, which: int, claim: Claim) -> None:
        under = self.open[which % len(self.open)]
        place = under.place if not under.place.closed else self.slices[0]
        self.start(Waiter(place, under), self.reserving(place, under, [claim]))

    @precondition(lambda self: self.open)
    @rule(which=places, percent=st.sampled_from(SHARES))
    def settle(self, which: int, percent: int) -> None:
        """It came back (some percent), failed before it was sent (nothing), or was lost (all)."""
        call = self.open[which % len(self.open)]
        call.spent = {
            key: amount * percent // 100 if isinstance(amount, int) else amount * percent / 100
            for key, amount in call.reservation.amounts.items()
        }
        self.run(call.reservation.account.settle(call.reservation, call.spent))

    @precondition(lambda self: self.waiting)
    @rule(which=places)
    def cancel(self, which: int) -> None:
        waiter = self.waiting[which % len(self.waiting)]
        assert waiter.task is not None
        waiter.task.cancel()
        self.run()

    @rule(where=places, budget=limits, whole=st.booleans())
    def slice(self, where: int, budget: dict[str, Any], whole: bool) -> None:
        place = self.open_slices[where % len(self.open_slices)]
        self.start(Waiter(place, None), self.slicing(place, budget, whole))

    @precondition(lambda self: self.open_slices[1:])
    @rule(which=places)
    def give_back(self, which: int) -> None:
        self.close(self.open_slices[1:][which % len(self.open_slices[1:])])

    @precondition(lambda self: self.busy)
    @rule(which=places)
    def give_back_while_calls_are_open(self, which: int) -> None:
        self.close(self.busy[which % len(self.busy)])

    # -- what must be so --

    @invariant()
    def no_limit_is_passed_and_the_books_agree(self) -> None:
        for place in self.slices:
            for key, row in place.account.balance().items():
                assert row["spent"] + row["reserved"] <= row["limit"], key
                assert row["reserved"] == self.reserved(place, key) >= 0, key
                assert row["spent"] == self.spent(place, key) >= 0, key

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        if self.waiting:
            blocked = {call for waiter in self.waiting if waiter.under for call in waiter.under.chain()}
            whole = [place for place in self.slices if place.whole and not place.closed]
            assert whole or [call for call in self.open if call not in blocked]

    def teardown(self) -> None:
        try:
            if self.slices:
                self.end()
        finally:
            self.loop.close()

    def end(self) -> None:
        """Everything ends: every waiter gets its answer, and all that was not spent is back, to the last digit."""
        while self.open or self.waiting or any(not place.closed for place in self.slices[1:]):
            if self.open:
                self.settle(0, 50)
            else:
                self.close(next(place for place in reversed(self.slices) if not place.closed))
            self.no_limit_is_passed_and_the_books_agree()
        root = self.slices[0].account
        for key in root.limits:
            assert root.reserved[key] == 0
            assert root.spent[key] == sum((call.spent or {}).get(key, 0) for call in self.calls)
        assert not root._open
        assert not root._waiters
        assert not root._whole
        assert root._waiting == 0

    # -- doing it --

    @property
    def open(self) -> list[Call]:
        return [call for call in self.calls if call.spent is None]

    @property
    def open_slices(self) -> list[Slice]:
        return [place for place in self.slices if not place.closed]

    @property
    def busy(self) -> list[Slice]:
        """Slices in or below which something is open or waits."""
        held = [item.place for item in (*self.open, *self.waiting)]
        return [place for place in self.open_slices[1:] if any(place in other.above() for other in held)]

    def close(self, place: Slice) -> None:
        for other in self.slices:
            other.closed = other.closed or place in other.above()
        self.run(place.account.close())

    def start(self, waiter: Waiter, work: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            try:
                await work
            except InputError:
                assert waiter.place.closed
            finally:
                self.waiting.remove(waiter)

        self.waiting.append(waiter)
        waiter.task = self.loop.create_task(whole())
        self.run()

    def run(self, work: Coroutine[Any, Any, None] | None = None) -> None:
        """Do it, and let all tasks go on until each waits or has ended."""

        async def quiet() -> None:
            if work is not None:
                await work
            for _ in range(4 * len(self.waiting) + 4):
                await asyncio.sleep(0)

        self.loop.run_until_complete(quiet())
        for waiter in list(self.waiting):
            assert waiter.task is not None
            if waiter.task.done():  # cancelled before it began
                self.waiting.remove(waiter)

    async def reserving(self, place: Slice, under: Call | None, batch: Sequence[Claim]) -> None:
        try:
            got = await place.account.reserve(batch, under=under.reservation if under else None)
        except BudgetExceeded as refusal:
            self.was_rightly_refused(refusal, place, under, batch)
            return
        assert len(got) == len(batch), "a batch is reserved together or not at all"
        for claim, reservation in zip(batch, got, strict=True):
            assert claim.least <= reservation.output <= claim.output
            assert reservation.amounts == claim.amounts(reservation.output)
            assert bool(reservation.capped) == (reservation.output < claim.output)
            self.calls.append(Call(place, reservation, under))

    def was_rightly_refused(
        self, refusal: BudgetExceeded, place: Slice, under: Call | None, batch: Sequence[Claim]
    ) -> None:
        owner = place.owner(refusal.key)
        assert owner is not None
        least = sum((claim.amounts(claim.least).get(refusal.key, 0) for claim in batch), start=Decimal(0))
        row = owner.account.balance()[refusal.key]
        assert least > row["limit"] - row["spent"] - row["reserved"], "refused although its smallest form fits"
        outside = set(self.open) - set(under.chain() if under else ())
        waits = {call for waiter in self.waiting if waiter.under for call in waiter.under.chain()}
        held = [call for call in outside - waits if call.reservation.amounts.get(refusal.key, 0) > 0]
        assert not held, "refused although an open call may give back"

    async def slicing(self, place: Slice, budget: dict[str, Any], whole: bool) -> None:
        try:
            account = await place.account.slice(Budget(budget), whole=whole)
        except BudgetExceeded as refusal:
            owner = place.owner(refusal.key)
            self.check(owner is not None and owner.account.free(refusal.key, False) < budget[refusal.key])
            return
        assert account.limits.keys() == budget.keys()
        for key, limit in account.limits.items():
            assert limit == budget[key] if whole or place.owner(key) is None else limit <= budget[key]
        self.slices.append(Slice(account, place, whole))

    @staticmethod
    def check(holds: bool) -> None:
        assert holds

    # -- the books --

    def reserved(self, place: Slice, key: str) -> Amount:
        """What is open there, and what is set aside for slices."""
        calls = sum((call.reservation.amounts.get(key, 0) for call in self.open if call.place.owner(key) is place), 0)
        return calls + sum(
            self.reserved(other, key) if other.closed else other.account.limits[key]
            for other in self.slices_of(place, key)
        )

    def spent(self, place: Slice, key: str) -> Amount:
        calls = sum(((call.spent or {}).get(key, 0) for call in self.calls if call.place.owner(key) is place), 0)
        return calls + sum(self.spent(other, key) for other in self.slices_of(place, key) if other.closed)

    def slices_of(self, place: Slice, key: str) -> list[Slice]:
        return [
            other
            for other in self.slices
            if other.parent is not None and key in other.account.limits and other.parent.owner(key) is place
        ]


QUICK = settings(max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
Accounts.TestCase.settings = QUICK
TestAccounts = Accounts.TestCase


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestAccountsAtLength(Accounts.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(QUICK, max_examples=3000, stateful_step_count=50, derandomize=False)
