"""What each remedy would have saved, summed over runs.

A saving is the difference of two bills of the same run: as it was and with the remedy, both simulated in the same way.
Its interval spans the cases of the cache that the record leaves open, what estimated tokens may be off by, and the
draw where only a sample of the runs was simulated. A forecast for a month spans the draw of its runs as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scrimp.audit.bill import Biller
from scrimp.audit.draft import Remedy, draft
from scrimp.audit.groups import Groups, group_of
from scrimp.audit.measure import Run
from scrimp.audit.remedies.cheaper_model import ESCALATED
from scrimp.audit.remedies.table import REMEDIES
from scrimp.audit.sums import CASES, Bill, difference, net_of
from scrimp.core.money import Money
from scrimp.evaluate.statistics import TOO_SMALL

KINDS = ("input", "cached_input", "cache_write", "output", "reasoning", "images")


@dataclass(slots=True)
class Saved:
    """One remedy over many runs; dollars by case, net of what the remedy itself costs.

    Attributes:
        tokens: saved by kind, in the order of KINDS; negative where the remedy adds some.
        unknown: runs to which it applies, but whose price nobody states.
        seconds: saved; `timed` runs have times.
        groups: net dollars by group of runs, for the error of a draw.
    """

    runs: int = 0
    unknown: int = 0
    tokens: list[int] = field(default_factory=lambda: [0] * len(KINDS))
    gross: Decimal = Decimal(0)
    own: Decimal = Decimal(0)
    net: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(CASES, Decimal(0)))
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    seconds: float = 0.0
    timed: int = 0
    groups: dict[int, float] = field(default_factory=dict)

    def take(self, before: Bill, after: Bill, span: tuple[Decimal, Decimal] | None, group: int) -> None:
        """Add what one run gave; `span` is the least and the most dollars."""
        self.runs += 1
        self.tokens = [one + two for one, two in zip(self.tokens, difference(before, after, KINDS), strict=True)]
        if before.seconds is not None and after.seconds is not None:
            self.seconds += before.seconds - after.seconds
            self.timed += 1
        nets = {case: net_of(before, after, case) for case in CASES}
        net, own = nets["recorded"], after.own()
        if net is None or own is None or span is None:
            self.unknown += 1
            return
        self.gross += net + own
        self.own += own
        self.low += span[0]
        self.high += span[1]
        for case in CASES:
            self.net[case] += nets[case] or Decimal(0)
        self.groups[group] = self.groups.get(group, 0.0) + float(net)

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
        for group, net in other.groups.items():
            self.groups[group] = self.groups.get(group, 0.0) + net


@dataclass(slots=True)
class Savings:
    """All remedies over many runs; two of them add up.

    Attributes:
        runs: simulated; `cost` are their dollars, `groups` the runs and dollars of each group.
    """

    runs: int = 0
    cost: Decimal = Decimal(0)
    prices: str | None = None
    remedies: dict[str, Saved] = field(default_factory=dict)
    groups: Groups = field(default_factory=Groups)

    def add(self, run: Run, remedies: Sequence[Remedy] = REMEDIES) -> None:
        """Simulate every remedy on a run."""
        was = draft(run)
        if not was.asks:
            return
        biller = Biller(run)
        before = biller.bill(was)
        cost = before.dollars() or Decimal(0)
        group = group_of(run.trace)
        self.runs += 1
        self.cost += cost
        self.prices = self.prices or run.money.prices
        self.groups.add(group, float(cost))
        for remedy in remedies:
            changed = remedy.apply(was)
            if changed is not was:
                after = biller.bill(changed)
                self.remedies.setdefault(remedy.name, Saved()).take(before, after, biller.span(before, after), group)

    def __add__(self, other: Savings) -> Savings:
        for name, theirs in other.remedies.items():
            self.remedies.setdefault(name, Saved()).merge(theirs)
        self.runs += other.runs
        self.cost += other.cost
        self.prices = self.prices or other.prices
        self.groups.merge(other.groups)
        return self

    def shares(self) -> dict[str, Decimal]:
        """What each remedy saves net, as a share of the cost; empty where that is unknown."""
        return {name: saved.net["recorded"] / self.cost for name, saved in self.remedies.items()} if self.cost else {}

    def to_json(self, cost: Money, share: float, scale: Decimal | None) -> dict[str, Any]:
        """The `remedies` of an audit's document, the largest net saving first.

        Args:
            cost: of all runs, which the shares are applied to where only some were simulated.
            share: of the runs that was simulated.
            scale: runs a month for each run that was read; None where nobody said.
        """
        factor = Decimal(1)
        if share < 1:
            known = cost.amount is not None and self.cost
            factor = cost.least / self.cost if known else Decimal(1) / Decimal(share)
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
        known = saved.unknown == 0
        drawn = self._drawn(saved, (low, high), factor, by_cost=True) if sampled else (low, high)
        some = saved.unknown < saved.runs
        share = float(saved.net["recorded"] / self.cost) if self.cost and some else None
        row: dict[str, Any] = {
            "name": remedy.name, "title": remedy.title, "exactness": remedy.exactness,
            "saves": {
                "tokens": {kind: int(tokens * factor) for kind, tokens in zip(KINDS, saved.tokens, strict=True)},
                "cost": self._money(saved.gross * factor, known),
                "seconds": round(saved.seconds * float(factor), 3) if saved.timed else None,
            },
            "own_cost": self._money(saved.own * factor, known), "net": self._money(net, known), "share": share,
            "interval": [float(end) for end in drawn] if known and drawn is not None else None,
            "cases": {case: float(saved.net[case] * factor) if some else None for case in CASES},
            "runs": saved.runs, "of_runs": self.runs, "unpriced_runs": saved.unknown, "timed_runs": saved.timed,
            "assumes": remedy.assumes, "how": remedy.how, "settings": remedy.settings(), "rank_by": float(net),
        }  # fmt: skip
        if known and drawn is None:
            row["reason"] = TOO_SMALL
        if remedy.name == "cheaper-model" and saved.own:
            # Gross is what the cheaper model saves; it pays while fewer calls than this go to the recorded one.
            row["break_even"] = float(saved.gross / saved.own) * ESCALATED
        if scale is not None:
            row |= self._monthly(saved, net if some else None, (low, high) if known else None, factor, scale)
        return row

    def _monthly(
        self, saved: Saved, net: Decimal | None, span: tuple[Decimal, Decimal] | None, factor: Decimal, scale: Decimal
    ) -> dict[str, Any]:
        """The forecast for a month, whose runs are taken to be drawn like the recorded ones, task by task."""
        found: dict[str, Any] = {"per_month": None if net is None else float(net * scale), "per_month_interval": None}
        drawn = None if span is None else self._drawn(saved, span, factor, by_cost=False)
        if drawn is not None:
            found["per_month_interval"] = [float(end * scale) for end in drawn]
        elif span is not None:
            found["per_month_reason"] = TOO_SMALL
        return found

    def _drawn(
        self, saved: Saved, span: tuple[Decimal, Decimal], factor: Decimal, *, by_cost: bool
    ) -> tuple[Decimal, Decimal] | None:
        """A span widened by the draw of the runs; None where they are too few to tell.

        A draw makes each end larger or smaller in proportion, as the sum itself; where not even its sign is sure, as
        much as the sum itself.
        """
        interval = self.groups.interval(saved.groups, by_cost=by_cost)
        if interval is None:
            return None
        net, (low, high) = sum(saved.groups.values()), interval
        if low * high > 0 and net:
            ratios = sorted(Decimal(end / net) for end in interval)
            ends = [end * ratio for end in span for ratio in ratios]
            return min(ends), max(ends)
        return span[0] - Decimal(abs(net - low)) * factor, span[1] + Decimal(abs(high - net)) * factor

    def _money(self, amount: Decimal, known: bool) -> dict[str, Any]:
        money = Money(amount, "priced", self.prices) if known else Money(None, "unknown", self.prices, known=amount)
        return money.to_json()
