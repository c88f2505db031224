"""What each remedy would have saved, summed over runs.

A saving is the difference of two bills of the same run: as it was and with the remedy, both simulated in the same way.
Its interval spans the cases of the cache where the record does not tell which it was, what estimated tokens may be off
by, and the draw where only a sample of the runs was simulated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scrimp.audit.bill import CASES, Bill, Biller
from scrimp.audit.draft import Remedy, draft
from scrimp.audit.measure import Run
from scrimp.audit.remedies.cheaper_model import ESCALATED
from scrimp.audit.remedies.table import REMEDIES
from scrimp.core.money import Money
from scrimp.evaluate.statistics import student_t

KINDS = ("input", "cached_input", "cache_write", "output", "reasoning", "images")


@dataclass(slots=True)
class Saved:
    """One remedy over many runs; dollars by case, net of what the remedy itself costs.

    Attributes:
        tokens: saved by kind, in the order of KINDS; negative where the remedy adds some.
        unknown: runs to which it applies, but whose price nobody states.
        seconds: saved; `timed` runs have times.
        sums: over all runs simulated, for a ratio's error: net, net squared, net times cost.
    """

    runs: int = 0
    unknown: int = 0
    tokens: list[int] = field(default_factory=lambda: [0] * 6)
    gross: Decimal = Decimal(0)
    own: Decimal = Decimal(0)
    net: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(CASES, Decimal(0)))
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    seconds: float = 0.0
    timed: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def merge(self, other: Saved) -> None:
        """Add what other runs gave."""
        self.runs += other.runs
        self.unknown += other.unknown
        self.tokens = [one + two for one, two in zip(self.tokens, other.tokens, strict=True)]
        self.gross += other.gross
        self.own += other.own
        for case in CASES:
            self.net[case] += other.net[case]
        self.low += other.low
        self.high += other.high
        self.seconds += other.seconds
        self.timed += other.timed
        self.sums = [one + two for one, two in zip(self.sums, other.sums, strict=True)]


@dataclass(slots=True)
class Savings:
    """All remedies over many runs; two of them add up.

    Attributes:
        runs: simulated; `cost` are their dollars as simulated, `squares` the sum of the squares.
    """

    runs: int = 0
    cost: Decimal = Decimal(0)
    squares: float = 0.0
    prices: str | None = None
    remedies: dict[str, Saved] = field(default_factory=dict)

    def add(self, run: Run, remedies: Sequence[Remedy] = REMEDIES) -> None:
        """Simulate every remedy on a run."""
        if not any(call.event.component != "harness" for call in run.calls):
            return
        biller, was = Biller(run), draft(run)
        before = biller.bill(was)
        cost = before.dollars()
        if cost is not None:
            cost += _beside(run)
        self.runs += 1
        if cost is not None:
            self.cost += cost
            self.squares += float(cost) ** 2
        self.prices = self.prices or run.money.prices
        for remedy in remedies:
            changed = remedy.apply(was)
            if changed is not was:
                self._take(run, remedy.name, before, biller.bill(changed), float(cost or 0))

    def _take(self, run: Run, name: str, before: Bill, after: Bill, cost: float) -> None:
        saved = self.remedies.setdefault(name, Saved())
        saved.runs += 1
        for at, tokens in enumerate(difference(before, after)):
            saved.tokens[at] += tokens
        if before.seconds is not None and after.seconds is not None:
            saved.seconds += before.seconds - after.seconds
            saved.timed += 1
        nets = {case: net_of(before, after, case) for case in CASES}
        recorded = nets["recorded"]
        if recorded is None:
            saved.unknown += 1
            return
        own = after.own or Decimal(0)
        saved.gross += recorded + own
        saved.own += own
        spread = Decimal(run.spread)
        known = [net for case in _open_cases(run) if (net := nets[case]) is not None]
        ends = [net * factor for net in known for factor in (1 - spread, 1 + spread)]
        saved.low += min(ends)
        saved.high += max(ends)
        for case in CASES:
            saved.net[case] += nets[case] or Decimal(0)
        one = float(recorded)
        for at, value in enumerate((one, one * one, one * cost)):
            saved.sums[at] += value

    def __add__(self, other: Savings) -> Savings:
        for name, theirs in other.remedies.items():
            self.remedies.setdefault(name, Saved()).merge(theirs)
        self.runs += other.runs
        self.cost += other.cost
        self.squares += other.squares
        self.prices = self.prices or other.prices
        return self

    def to_json(self, cost: Money, share: float, scale: Decimal | None) -> dict[str, Any]:
        """The `remedies` of an audit's document, the largest net saving first.

        Args:
            cost: of all runs, which the shares are applied to where only some were simulated.
            share: of the runs that was simulated.
            scale: runs a month for each run that was read; None where nobody said.
        """
        whole = cost.amount if share < 1 and cost.amount is not None and self.cost else self.cost
        factor = whole / self.cost if self.cost else Decimal(1)
        rows = [
            self._row(remedy, self.remedies[remedy.name], factor, share < 1, scale)
            for remedy in REMEDIES
            if remedy.name in self.remedies
        ]
        return {"remedies": sorted(rows, key=lambda row: -row["rank_by"]), "simulated_runs": self.runs}

    def _row(
        self, remedy: Remedy, saved: Saved, factor: Decimal, sampled: bool, scale: Decimal | None
    ) -> dict[str, Any]:
        net = saved.net["recorded"] * factor
        low, high = saved.low * factor, saved.high * factor
        if sampled:
            reach = Decimal(self._error(saved)) * factor
            low, high = low - reach, high + reach
        share = float(saved.net["recorded"] / self.cost) if self.cost else None
        known = saved.unknown == 0
        row: dict[str, Any] = {
            "name": remedy.name, "title": remedy.title, "exactness": remedy.exactness,
            "saves": {
                "tokens": {kind: int(tokens * factor) for kind, tokens in zip(KINDS, saved.tokens, strict=True)},
                "cost": self._money(saved.gross * factor, known),
                "seconds": round(saved.seconds * float(factor), 3) if saved.timed else None,
            },
            "own_cost": self._money(saved.own * factor, known), "net": self._money(net, known), "share": share,
            "interval": [float(low), float(high)] if known else None,
            "cases": {case: float(saved.net[case] * factor) for case in CASES},
            "runs": saved.runs, "of_runs": self.runs, "unpriced_runs": saved.unknown,
            "assumes": remedy.assumes, "how": remedy.how, "settings": remedy.settings(), "rank_by": float(net),
        }  # fmt: skip
        if remedy.name == "cheaper-model" and saved.own:
            # Gross is what the cheaper model saves; it pays while fewer calls than this go to the recorded one.
            row["break_even"] = float(saved.gross / saved.own) * ESCALATED
        if scale is not None:
            row["per_month"] = float(net * scale)
            row["per_month_interval"] = [float(low * scale), float(high * scale)]
        return row

    def _money(self, amount: Decimal, known: bool) -> dict[str, Any]:
        money = Money(amount, "priced", self.prices) if known else Money(None, "unknown", self.prices, known=amount)
        return money.to_json()

    def _error(self, saved: Saved) -> float:
        """Reach of the 95 % interval of a sum that was drawn: of a ratio estimator, over the runs simulated."""
        n, cost = self.runs, float(self.cost)
        if n < 2 or not cost:
            return math.inf
        ratio = saved.sums[0] / cost
        residual = saved.sums[1] - 2 * ratio * saved.sums[2] + ratio**2 * self.squares
        return student_t(0.975, n - 1) * math.sqrt(max(0.0, residual) * n / (n - 1))


def net_of(before: Bill, after: Bill, case: str) -> Decimal | None:
    """Dollars saved in a case of the cache; None where a price is unknown."""
    was, now = before.dollars(case), after.dollars(case)
    return None if was is None or now is None else was - now


def _beside(run: Run) -> Decimal:
    """Dollars of a run that no remedy changes: tools with a price, embeddings."""
    events = run.events[len(run.calls) :]
    return sum((event.money.least for event in events if event.component != "harness"), Decimal(0))


def difference(before: Bill, after: Bill) -> tuple[int, ...]:
    """Tokens saved, by kind."""
    was, now = before.usage(), after.usage()
    return tuple(getattr(was, kind) - getattr(now, kind) for kind in KINDS)


def _open_cases(run: Run) -> tuple[str, ...]:
    """The cases of the cache that are possible: all where the record does not tell, else the recorded one."""
    return ("recorded",) if run.calls and all(call.told for call in run.calls) else CASES
