"""Budgets that cannot be passed: reserve, act, settle.

Before a call its worst case is reserved, and open reservations are added up, so calls that run at
once cannot pass a limit together. A call that does not fit first has its output capped to what the
budget can bear, then waits for open calls to settle, and is refused only if its smallest form does
not fit while no other call is open. A batch of parallel calls reserves together or not at all. A
child's budget is a slice of its parent's; what the child leaves goes back.

Amounts are exact: integers, or decimals for dollars. `seconds` is no amount but a deadline that
cancels, and `request_tokens` limits each request by itself; both are kept by the doors (context/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, TypeVar

import anyio

from scrimp.core.errors import BudgetExceeded, InputError
from scrimp.core.money import plain
from scrimp.core.pot import NOT_SUMMED as NOT_SUMMED
from scrimp.core.pot import Amount as Amount
from scrimp.core.pot import Claim as Claim
from scrimp.core.pot import Fit, Pot

T = TypeVar("T")

KEYS = (
    "usd", "tokens", "seconds", "model_calls", "tool_calls", "memory_accesses", "messages", "message_tokens",
    "nodes", "stored_bytes", "steps", "request_tokens",
)  # fmt: skip
_DECIMAL = ("usd", "seconds")


class Budget:
    """Hard limits, as a vector: `Budget(usd="0.02", seconds=30)`.

    Keys are those of COMMANDS; a limit per tool is written `Budget({"tool_calls.search": 3})`.
    A key that is not there is not limited.
    """

    def __init__(self, limits: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        self.limits: dict[str, Amount] = {}
        for key, value in {**(limits or {}), **more}.items():
            self.limits[key] = _amount(key, value)

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `usd=0.02,tokens=5000,tool_calls.search=3`."""
        limits: dict[str, str] = {}
        for item in filter(None, (piece.strip() for piece in text.split(","))):
            key, equals, value = item.partition("=")
            if not equals:
                raise InputError(f"budget {item!r} has no value", remedy="write it as usd=0.02,seconds=30")
            limits[key.strip()] = value.strip()
        return cls(limits)

    @classmethod
    def of(cls, value: Budget | Mapping[str, Any] | None) -> Budget:
        """A Budget from itself, from a mapping, or from nothing (no limits)."""
        return value if isinstance(value, Budget) else cls(value)

    def __bool__(self) -> bool:
        return bool(self.limits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Budget) and self.limits == other.limits

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.limits.items())))

    def __repr__(self) -> str:
        return f"Budget({', '.join(f'{key}={value}' for key, value in self.limits.items())})"

    def to_json(self) -> dict[str, str | int]:
        """Limits by key; decimals as strings, equal ones written alike."""
        return {key: value if isinstance(value, int) else plain(value) for key, value in self.limits.items()}


def _amount(key: str, value: Any) -> Amount:
    if key not in KEYS and not (key.startswith("tool_calls.") and len(key) > len("tool_calls.")):
        raise InputError(f"no budget key is called {key!r}", remedy=f"known: {', '.join(KEYS)}, tool_calls.NAME")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InputError(f"budget {key}={value!r} is not a number") from None
    if not number.is_finite() or number < 0:
        raise InputError(f"budget {key}={value} must be zero or more")
    if key in _DECIMAL:
        return number
    if number != number.to_integral_value():
        raise InputError(f"budget {key}={value} must be a whole number")
    return int(number)


class Reservation:
    """A worst case that was taken from an account and is to be settled once.

    Attributes:
        output: the output cap that the budget could bear, at most what was asked.
        under: the open reservation inside which this one was made, None at the top.
        capped: the limit that made `output` less than was asked; empty where none did.
    """

    __slots__ = ("account", "amounts", "blocked", "capped", "open", "output", "under", "what")

    def __init__(
        self, account: Account, what: str, amounts: dict[str, Amount], output: int, under: Reservation | None
    ) -> None:
        self.account, self.what, self.amounts, self.output, self.under = account, what, amounts, output, under
        self.capped = ""
        self.open = True
        self.blocked = 0  # calls waiting inside this one; while any waits, nobody should wait for this one

    def chain(self) -> Iterator[Reservation]:
        """This one and those it was made inside of."""
        call: Reservation | None = self
        while call is not None:
            yield call
            call = call.under


class Account(Protocol):
    """Where a budget's balance lives: in memory, or shared by processes (journal, stores)."""

    @property
    def limits(self) -> Mapping[str, Amount]:
        """What this account limits itself, by key."""
        ...

    async def reserve(
        self, claims: Sequence[Claim], *, under: Reservation | None = None, last: bool = False
    ) -> Sequence[Reservation]:
        """Take the worst case of all claims together, or raise BudgetExceeded and take nothing."""
        ...

    async def settle(self, reservation: Reservation, spent: Mapping[str, Amount]) -> None:
        """Replace a reservation by what was really spent. Settling twice is an error."""
        ...

    async def charge(self, spent: Mapping[str, Amount]) -> None:
        """Write off what was spent before this process took over (resume)."""
        ...

    async def slice(
        self,
        budget: Budget,
        *,
        last_share: Decimal = Decimal(0),
        whole: bool = False,
        under: Reservation | None = None,
    ) -> Account:
        """A child account whose limits are set aside here until it is closed.

        Args:
            last_share: share of it that is kept for the last answer.
            whole: it is given nothing less than it asks for, and waits while other whole slices are open that may
                give something back. Such a slice is worked on by a task of its own (a run, a trial) and is closed
                when that ends; without `whole`, it gets what is left.
            under: the open reservation inside which it is made, for a whole slice that waits.

        Raises:
            BudgetExceeded: nothing is left (`whole`: not enough), and nothing that is open can give it back.
        """
        ...

    async def close(self) -> None:
        """Give back to the parent what this slice did not spend."""
        ...

    def remaining(self) -> dict[str, Amount]:
        """What is neither spent, reserved nor kept for the last answer, by limited key."""
        ...

    def bears(self, claim: Claim) -> bool:
        """Whether the claim's smallest form would fit now, the last slice included."""
        ...

    def balance(self) -> dict[str, dict[str, Amount]]:
        """Per limited key of this account: limit, spent, reserved, kept."""
        ...


class LocalAccount(Pot):
    """An account in memory. All accounts of one tree live in one event loop.

    Args:
        budget: the limits; keys without one are passed on to the parent.
        last_share: share of each limit kept for the last answer of an exhausted run; one model
            call and one step are kept whole.
        patient: calls that these limits would cap wait while others are open, so that only the very last ones are
            capped; for experiments, whose trials should not be cut short because others run at the same time.
    """

    def __init__(
        self,
        budget: Budget,
        parent: LocalAccount | None = None,
        *,
        last_share: Decimal = Decimal(0),
        patient: bool = False,
    ) -> None:
        super().__init__(budget.limits, parent, patient=patient)
        self.keep(last_share)
        self.root: LocalAccount = parent.root if parent else self
        self._slices: list[LocalAccount] = []
        self._waiting = 0  # calls and slices that wait inside this account or below
        self._open: dict[Reservation, None] = {}  # root only: every open call of the tree, oldest first
        self._whole: dict[LocalAccount, None] = {}  # root only: open slices that a task of their own works on
        self._waiters: dict[object, anyio.Event] = {}  # root only, oldest first

    # -- calls --

    async def reserve(
        self, claims: Sequence[Claim], *, under: Reservation | None = None, last: bool = False
    ) -> Sequence[Reservation]:
        fit = await self._when_it_fits(lambda: self.fit(claims, last), under)
        return [self._reserve(claim, output, fit, under) for claim, output in zip(claims, fit.outputs, strict=True)]

    async def settle(self, reservation: Reservation, spent: Mapping[str, Amount]) -> None:
        if not reservation.open:
            raise ValueError(f"reservation for {reservation.what} was settled twice")
        reservation.open = False
        del self.root._open[reservation]
        assert isinstance(reservation.account, LocalAccount)
        reservation.account.move(reservation.amounts, spent)
        self.root._wake()

    async def charge(self, spent: Mapping[str, Amount]) -> None:
        self.move({}, spent)

    def _reserve(self, claim: Claim, output: int, fit: Fit, under: Reservation | None) -> Reservation:
        amounts = claim.amounts(output)
        self.take(amounts)
        reservation = Reservation(self, claim.what, amounts, output, under)
        reservation.capped = fit.capped if output < claim.output else ""
        self.root._open[reservation] = None
        return reservation

    # -- slices --

    async def slice(
        self,
        budget: Budget,
        *,
        last_share: Decimal = Decimal(0),
        whole: bool = False,
        under: Reservation | None = None,
    ) -> LocalAccount:
        if whole:
            limits = await self._when_it_fits(lambda: self.share(budget.limits, True), under)
        else:
            self._still_open()
            limits = granted(self.share(budget.limits, False))
        child = LocalAccount(Budget(limits), self, last_share=last_share)
        child.set_aside = dict(child.limits)
        self.take(child.set_aside)
        self._slices = [*(other for other in self._slices if not other.closed), child]
        if whole:
            self.root._whole[child] = None
        return child

    async def close(self) -> None:
        if self.closed:
            return
        for child in self._slices:
            await child.close()  # whoever was stopped in the middle left it open
        self.root._whole.pop(self, None)
        self.give_back()
        self.root._wake()

    # -- waiting --

    async def _when_it_fits(self, attempt: Callable[[], T | BudgetExceeded], under: Reservation | None) -> T:
        """What `attempt` finds, once it is neither a refusal nor a cap that a patient account would rather not set;
        as it is when nothing that is open can change it any more."""
        around = list(under.chain()) if under is not None else []
        me, marked = object(), False
        try:
            while True:
                self._still_open()  # it may have been closed while this call waited
                found = attempt()
                key = wanting(found)
                if not key or not self._worth_waiting(key, around):
                    break
                event = self.root._waiters[me] = anyio.Event()
                if not marked:
                    # Marked until it ends, not only while it sleeps: two that look again would wake each other forever.
                    marked = True
                    self._mark(around, 1)
                    if around or self.root._whole:
                        self.root._wake(but=me)  # whoever waited for one of these must look again
                await event.wait()
        finally:
            self.root._waiters.pop(me, None)
            if marked:
                self._mark(around, -1)
        return granted(found)

    def _still_open(self) -> None:
        if self.closed:
            raise InputError("this budget slice is closed", remedy="spawn a new child context")

    def _worth_waiting(self, key: str, around: Sequence[Reservation]) -> bool:
        """Whether something open may give back `key`: no call we are inside of, nor one that waits itself.

        A whole slice gives back as well when its task ends, unless all it does is wait.
        """
        running = (call for call in self.root._open if call.blocked == 0 and call not in around)
        some = False
        for call in running:
            some = True
            if call.amounts.get(key, 0) > 0:
                return True
        above = list(self._above())
        return any(
            other not in above and other.set_aside.get(key, 0) > 0 and (some or other._waiting == 0)
            for other in self.root._whole
        )

    def _mark(self, around: Sequence[Reservation], by: int) -> None:
        """Count a waiter into the calls and the accounts that it is inside of."""
        for call in around:
            call.blocked += by
        for account in self._above():
            account._waiting += by

    def _above(self) -> Iterator[LocalAccount]:
        """This account and those it is a slice of."""
        pot: Pot | None = self
        while isinstance(pot, LocalAccount):
            yield pot
            pot = pot.parent

    def _wake(self, but: object = None) -> None:
        for waiter, event in self._waiters.items():
            if waiter is not but:
                event.set()


def wanting(found: object) -> str:
    """The limit that is short; empty where a claim or a slice fits as it should."""
    if isinstance(found, BudgetExceeded):
        return found.key
    return found.capped if isinstance(found, Fit) and found.patient else ""


def granted(found: T | BudgetExceeded) -> T:
    """What was found.

    Raises:
        BudgetExceeded: it was a refusal.
    """
    if isinstance(found, BudgetExceeded):
        raise found
    return found
