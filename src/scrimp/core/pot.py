"""The arithmetic of budgets, without the waiting: pots with limits, one inside another.

Accounts in memory (core/budget.py) and accounts that processes share (journal/account.py) both use it, so they
cap, refuse and give back alike. Amounts are exact: integers, or decimals for dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from scrimp.core.errors import BudgetExceeded

Amount = int | Decimal
NOT_SUMMED = ("seconds", "request_tokens")
"""Limits that are no sums: a deadline, and the size of one request. The doors keep them (context/)."""


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


@dataclass(frozen=True, slots=True)
class Fit:
    """How claims fit: the output cap of each, the limit that bound them (empty for none), and whether its pot
    would rather have them wait than be capped."""

    outputs: tuple[int, ...]
    capped: str = ""
    patient: bool = False


class Pot:
    """Limits with what was spent and reserved of them. A key without a limit here is passed on to the parent.

    Attributes:
        kept: what only the last answer may use.
        set_aside: what the parent holds back for this pot until it gives it back.
        patient: calls that this pot would cap wait while others are open; only the last ones are capped.
    """

    def __init__(self, limits: Mapping[str, Amount], parent: Pot | None = None, *, patient: bool = False) -> None:
        self.limits: dict[str, Amount] = {key: value for key, value in limits.items() if key not in NOT_SUMMED}
        self.parent = parent
        self.patient = patient
        self.spent: dict[str, Amount] = dict.fromkeys(self.limits, 0)
        self.reserved: dict[str, Amount] = dict.fromkeys(self.limits, 0)
        self.kept: dict[str, Amount] = {}
        self.set_aside: dict[str, Amount] = {}
        self.closed = False

    def keep(self, share: Decimal) -> None:
        """Keep a share of each limit for the last answer; one model call is kept whole."""
        self.kept = {key: _kept(key, value, share) for key, value in self.limits.items()} if share else {}

    def owner(self, key: str) -> Pot | None:
        """The nearest pot upwards that limits the key; None where nobody does."""
        pot: Pot | None = self
        while pot is not None and key not in pot.limits:
            pot = pot.parent
        return pot

    def free(self, key: str, last: bool) -> Amount:
        """What is left of one of this pot's own limits."""
        free = self.limits[key] - self.spent[key] - self.reserved[key]
        return free if last else free - self.kept.get(key, 0)

    def fit(self, claims: Sequence[Claim], last: bool) -> Fit | BudgetExceeded:
        """The largest output caps under which all claims fit together; the refusal where no cap does."""
        level: int | None = None
        capped, patient = "", False
        for key in dict.fromkeys(key for claim in claims for key in (*claim.fixed, *claim.per_output)):
            owner = self.owner(key)
            if owner is None:
                continue
            free = owner.free(key, last)
            rates = [(claim.per_output.get(key, 0), claim) for claim in claims]
            fixed = sum((claim.fixed.get(key, 0) for claim in claims), start=Decimal(0))
            if fixed + sum((rate * claim.output for rate, claim in rates), start=Decimal(0)) <= free:
                continue
            least = fixed + sum((rate * claim.least for rate, claim in rates), start=Decimal(0))
            if least > free:
                return owner.exceeded(key, least, claims)
            found = _level(free - least, rates)
            if level is None or found < level:
                level, capped, patient = found, key, owner.patient
        if level is None:
            return Fit(tuple(claim.output for claim in claims))
        return Fit(tuple(min(claim.output, claim.least + level) for claim in claims), capped, patient)

    def share(self, limits: Mapping[str, Amount], whole: bool) -> dict[str, Amount] | BudgetExceeded:
        """The limits of a slice: what is asked for, or less where less is left and it need not be `whole`."""
        result = dict(limits)
        for key in [key for key in limits if key not in NOT_SUMMED]:
            owner = self.owner(key)
            if owner is None:
                continue
            free, asked = owner.free(key, False), limits[key]
            if asked <= free:
                continue
            if whole or free <= 0:
                return owner.exceeded(key, asked, (Claim("slice"),))
            result[key] = int(free) if isinstance(asked, int) else free
        return result

    def take(self, amounts: Mapping[str, Amount]) -> None:
        """Reserve amounts that were found to fit."""
        for key, amount in amounts.items():
            owner = self.owner(key)
            if owner is not None:
                owner.reserved[key] += amount

    def move(self, reserved: Mapping[str, Amount], spent: Mapping[str, Amount]) -> None:
        """Put what was spent in the place of what was reserved; above as well, where this pot was given back."""
        for key, amount in reserved.items():
            owner = self.owner(key)
            if owner is not None:
                owner.reserved[key] -= amount
                if owner.closed and owner.parent is not None:
                    owner.parent.move({key: amount}, {})
        for key, amount in spent.items():
            owner = self.owner(key)
            if owner is not None:
                owner.spent[key] += amount
                if owner.closed and owner.parent is not None:
                    owner.parent.move({}, {key: amount})

    def give_back(self) -> None:
        """Close: the parent gets what was not spent, and later what open calls leave of what they hold."""
        self.closed = True
        if self.parent is not None:
            left = {key: amount - self.reserved[key] for key, amount in self.set_aside.items()}
            self.parent.move(left, self.spent)

    def remaining(self) -> dict[str, Amount]:
        """What is neither spent, reserved nor kept for the last answer, by limited key."""
        result: dict[str, Amount] = {}
        pot: Pot | None = self
        while pot is not None:
            for key in pot.limits:
                if key not in result:
                    result[key] = max(pot.free(key, False), 0)
            pot = pot.parent
        return result

    def balance(self) -> dict[str, dict[str, Amount]]:
        """Per limited key of this pot: limit, spent, reserved, kept."""
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
        """Whether the claim's smallest form would fit now, the last slice included."""
        return isinstance(self.fit([claim], True), Fit)

    def exceeded(self, key: str, needed: Amount, claims: Sequence[Claim]) -> BudgetExceeded:
        """The refusal by one of this pot's own limits."""
        return BudgetExceeded(
            key,
            limit=self.limits[key],
            spent=self.spent[key],
            reserved=self.reserved[key] + self.kept.get(key, 0),
            needed=needed,
            what=claims[0].what if len(claims) == 1 else f"batch of {len(claims)} calls",
        )


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
            return int(left // weight)  # a quotient would be rounded, and may be rounded up
        left -= Decimal(rate) * extra
        weight -= Decimal(rate)
    return pending[-1][0]
