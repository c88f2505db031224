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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import anyio

from scrimp.core.errors import BudgetExceeded, InputError
from scrimp.core.money import plain

Amount = int | Decimal
KEYS = (
    "usd", "tokens", "seconds", "model_calls", "tool_calls", "memory_accesses", "messages", "message_tokens",
    "nodes", "stored_bytes", "steps", "request_tokens",
)  # fmt: skip
NOT_SUMMED = ("seconds", "request_tokens")
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


@dataclass(frozen=True)
class Claim:
    """What the next call may spend at worst.

    `fixed` is spent whatever is written; `per_output` times the output cap comes on top. `output`
    is the cap asked for, `least` the smallest that is still of use.
    """

    what: str
    fixed: Mapping[str, Amount] = field(default_factory=dict)
    per_output: Mapping[str, Amount] = field(default_factory=dict)
    output: int = 0
    least: int = 0

    def amounts(self, output: int) -> dict[str, Amount]:
        """The vector at an output cap."""
        if not self.per_output:
            return dict(self.fixed)
        result = dict(self.fixed)
        for key, rate in self.per_output.items():
            result[key] = result.get(key, 0) + rate * output
        return result


class Reservation:
    """A worst case that was taken from an account and is to be settled once.

    Attributes:
        output: the output cap that the budget could bear, at most what was asked.
        under: the open reservation inside which this one was made, None at the top.
    """

    __slots__ = ("account", "amounts", "blocked", "open", "output", "under", "what")

    def __init__(
        self, account: LocalAccount, what: str, amounts: dict[str, Amount], output: int, under: Reservation | None
    ) -> None:
        self.account, self.what, self.amounts, self.output, self.under = account, what, amounts, output, under
        self.open = True
        self.blocked = 0  # calls waiting inside this one; while any waits, nobody should wait for this one


class Account(Protocol):
    """Where a budget's balance lives: in memory, or shared by processes (journal, stores)."""

    @property
    def limits(self) -> Mapping[str, Amount]:
        """What this account limits itself, by key."""
        ...

    async def reserve(
        self, claims: Sequence[Claim], *, under: Reservation | None = None, last: bool = False
    ) -> list[Reservation]:
        """Take the worst case of all claims together, or raise BudgetExceeded and take nothing."""
        ...

    async def settle(self, reservation: Reservation, spent: Mapping[str, Amount]) -> None:
        """Replace a reservation by what was really spent. Settling twice is an error."""
        ...

    async def charge(self, spent: Mapping[str, Amount]) -> None:
        """Write off what was spent before this process took over (resume)."""
        ...

    async def slice(self, budget: Budget, *, last_share: Decimal = Decimal(0)) -> Account:
        """A child account whose limits are set aside here until it is closed."""
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


class LocalAccount:
    """An account in memory. All accounts of one tree live in one event loop.

    Args:
        budget: the limits; keys without one are passed on to the parent.
        last_share: share of each limit kept for the last answer of an exhausted run; one model
            call and one step are kept whole.
    """

    def __init__(self, budget: Budget, parent: LocalAccount | None = None, *, last_share: Decimal = Decimal(0)) -> None:
        self.limits: dict[str, Amount] = {key: value for key, value in budget.limits.items() if key not in NOT_SUMMED}
        self.parent = parent
        self.root: LocalAccount = parent.root if parent else self
        self.spent: dict[str, Amount] = dict.fromkeys(self.limits, 0)
        self.reserved: dict[str, Amount] = dict.fromkeys(self.limits, 0)
        self.kept = {key: _kept(key, value, last_share) for key, value in self.limits.items()} if last_share else {}
        self.closed = False
        self._set_aside: dict[str, Amount] = {}
        self._slices: list[LocalAccount] = []
        self._open: dict[Reservation, None] = {}  # root only: every open call of the tree, oldest first
        self._waiters: list[anyio.Event] = []  # root only, oldest first

    # -- calls --

    async def reserve(
        self, claims: Sequence[Claim], *, under: Reservation | None = None, last: bool = False
    ) -> list[Reservation]:
        if self.closed:
            raise InputError("this budget slice is closed", remedy="spawn a new child context")
        taken = self._try(claims, under, last)
        while isinstance(taken, BudgetExceeded):
            if not self._worth_waiting(taken.key, under):
                raise taken
            await self._wait(under)
            taken = self._try(claims, under, last)
        return taken

    async def settle(self, reservation: Reservation, spent: Mapping[str, Amount]) -> None:
        if not reservation.open:
            raise ValueError(f"reservation for {reservation.what} was settled twice")
        reservation.open = False
        del self.root._open[reservation]
        reservation.account._move(reservation.amounts, spent)
        self.root._wake()

    async def charge(self, spent: Mapping[str, Amount]) -> None:
        self._move({}, spent)

    def _try(
        self, claims: Sequence[Claim], under: Reservation | None, last: bool
    ) -> list[Reservation] | BudgetExceeded:
        cap, exceeded = self._cap(claims, last)
        if exceeded is not None:
            return exceeded
        result = []
        for claim in claims:
            output = claim.output if cap is None else min(claim.output, claim.least + cap)
            amounts = claim.amounts(output)
            self._take(amounts)
            reservation = Reservation(self, claim.what, amounts, output, under)
            self.root._open[reservation] = None
            result.append(reservation)
        return result

    def _cap(self, claims: Sequence[Claim], last: bool) -> tuple[int | None, BudgetExceeded | None]:
        """How far above its least each claim's output may go so that all fit; None where nothing binds."""
        cap: int | None = None
        for key in dict.fromkeys(key for claim in claims for key in (*claim.fixed, *claim.per_output)):
            owner = self._owner(key)
            if owner is None:
                continue
            free = owner._free(key, last)
            rates = [(claim.per_output.get(key, 0), claim) for claim in claims]
            fixed = sum((claim.fixed.get(key, 0) for claim in claims), start=Decimal(0))
            if fixed + sum((rate * claim.output for rate, claim in rates), start=Decimal(0)) <= free:
                continue
            least = fixed + sum((rate * claim.least for rate, claim in rates), start=Decimal(0))
            if least > free:
                return None, owner._exceeded(key, least, claims)
            level = _level(free - least, rates)
            cap = level if cap is None else min(cap, level)
        return cap, None

    # -- slices --

    async def slice(self, budget: Budget, *, last_share: Decimal = Decimal(0)) -> LocalAccount:
        """A child account. Its limits are set aside here; where less is left, it gets what is left."""
        limits = dict(budget.limits)
        for key in [key for key in limits if key not in NOT_SUMMED]:
            owner = self._owner(key)
            if owner is None:
                continue
            free = owner._free(key, False)
            if free <= 0:
                raise owner._exceeded(key, limits[key], (Claim("slice"),))
            limits[key] = min(limits[key], int(free) if isinstance(limits[key], int) else free)
        child = LocalAccount(Budget(limits), self, last_share=last_share)
        child._set_aside = dict(child.limits)
        self._take(child._set_aside)
        self._slices = [*(other for other in self._slices if not other.closed), child]
        return child

    async def close(self) -> None:
        if self.closed:
            return
        for child in self._slices:
            await child.close()  # whoever was stopped in the middle left it open
        self.closed = True
        if self.parent is not None:
            # What a call still holds stays set aside above until it is settled.
            left = {key: amount - self.reserved[key] for key, amount in self._set_aside.items()}
            self.parent._move(left, self.spent)
        self.root._wake()

    # -- what is left --

    def remaining(self) -> dict[str, Amount]:
        result: dict[str, Amount] = {}
        account: LocalAccount | None = self
        while account is not None:
            for key in account.limits:
                if key not in result:
                    result[key] = max(account._free(key, False), 0)
            account = account.parent
        return result

    def balance(self) -> dict[str, dict[str, Amount]]:
        return {
            key: {
                "limit": limit,
                "spent": self.spent[key],
                "reserved": self.reserved[key],
                "kept": self.kept.get(key, 0),
            }
            for key, limit in self.limits.items()
        }

    def bears(self, claim: Claim) -> bool:
        return self._cap([claim], True)[1] is None

    # -- arithmetic --

    def _owner(self, key: str) -> LocalAccount | None:
        """The nearest account upwards that limits the key; None where nobody does."""
        account: LocalAccount | None = self
        while account is not None and key not in account.limits:
            account = account.parent
        return account

    def _free(self, key: str, last: bool) -> Amount:
        free = self.limits[key] - self.spent[key] - self.reserved[key]
        return free if last else free - self.kept.get(key, 0)

    def _take(self, amounts: Mapping[str, Amount]) -> None:
        for key, amount in amounts.items():
            owner = self._owner(key)
            if owner is not None:
                owner.reserved[key] += amount

    def _move(self, reserved: Mapping[str, Amount], spent: Mapping[str, Amount]) -> None:
        for key, amount in reserved.items():
            owner = self._owner(key)
            if owner is not None:
                owner.reserved[key] -= amount
                if owner.closed and owner.parent is not None:
                    owner.parent._move({key: amount}, {})
        for key, amount in spent.items():
            owner = self._owner(key)
            if owner is not None:
                owner.spent[key] += amount
                if owner.closed and owner.parent is not None:
                    owner.parent._move({}, {key: amount})

    def _exceeded(self, key: str, needed: Amount, claims: Sequence[Claim]) -> BudgetExceeded:
        return BudgetExceeded(
            key,
            limit=self.limits[key],
            spent=self.spent[key],
            reserved=self.reserved[key] + self.kept.get(key, 0),
            needed=needed,
            what=claims[0].what if len(claims) == 1 else f"batch of {len(claims)} calls",
        )

    # -- waiting --

    def _worth_waiting(self, key: str, under: Reservation | None) -> bool:
        """Whether some open call may give back `key`: not one we are inside of, nor one that waits itself."""
        ancestors = set()
        while under is not None:
            ancestors.add(under)
            under = under.under
        return any(
            call.blocked == 0 and call not in ancestors and call.amounts.get(key, 0) > 0 for call in self.root._open
        )

    async def _wait(self, under: Reservation | None) -> None:
        event = anyio.Event()
        self.root._waiters.append(event)
        chain = []
        while under is not None:
            chain.append(under)
            under = under.under
        for call in chain:
            call.blocked += 1
        if chain:
            self.root._wake(but=event)  # whoever waited for one of these must look again
        try:
            await event.wait()
        finally:
            for call in chain:
                call.blocked -= 1
            if event in self.root._waiters:
                self.root._waiters.remove(event)

    def _wake(self, but: anyio.Event | None = None) -> None:
        waiters, self._waiters = self._waiters, [but] if but is not None else []
        for event in waiters:
            if event is not but:
                event.set()


def _kept(key: str, limit: Amount, share: Decimal) -> Amount:
    if key in ("usd",):
        return limit * share
    if key in ("model_calls",):
        return 1 if limit > 1 else 0
    if key in ("tokens", "message_tokens"):
        return int(limit * share)
    return 0


def _level(free: Amount, rates: Sequence[tuple[Amount, Claim]]) -> int:
    """The most output above its least that every claim can have for `free` (water filling)."""
    pending = sorted((claim.output - claim.least, rate) for rate, claim in rates if rate)
    weight = sum((Decimal(rate) for _, rate in pending), start=Decimal(0))
    left = Decimal(free)
    for extra, rate in pending:
        if weight * extra > left:
            return int(left / weight)
        left -= Decimal(rate) * extra
        weight -= Decimal(rate)
    return pending[-1][0]
