"""What an audit is asked for, and the sums it keeps of the runs of one source."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scrimp.audit.attribution import Attribution
from scrimp.audit.caching import Caching
from scrimp.audit.findings import Waste, find
from scrimp.audit.latency import Latency
from scrimp.audit.measure import Run
from scrimp.audit.outcomes import Outcomes
from scrimp.audit.savings import Savings
from scrimp.core.ledger import EMPTY, Cell
from scrimp.core.money import NOTHING, Money
from scrimp.core.usage import NO_USAGE

TOLD = 50
"""Disagreements, paths and notes that are told one by one; the rest are counted."""


@dataclass(frozen=True)
class Options:
    """What an audit is asked for.

    Attributes:
        format: name of the reader; told from each file's content where empty.
        prices: a price list, by name or file.
        default_model: the model of runs that name none.
        model: what the same tokens would cost on this model.
        tools: file of tool schemas, for records that do not hold them.
        runs_per_month: scales findings and remedies to dollars per month.
        failure_cost: what a failed run costs the user, in dollars.
        show_secrets: copy texts as they are; otherwise what looks like a secret is struck out.
        workers: processes; as many as there are processors where 0.
        sample: megabytes of trace on which remedies are simulated; the rest is only counted.
    """

    format: str = ""
    prices: str | None = None
    default_model: str = ""
    model: str = ""
    tools: str | None = None
    runs_per_month: int | None = None
    failure_cost: Decimal | None = None
    show_secrets: bool = False
    workers: int = 0
    sample: float = 32.0


@dataclass
class Part:
    """Sums over the runs of one source."""

    attribution: Attribution
    caching: Caching = field(default_factory=Caching)
    latency: Latency = field(default_factory=Latency)
    outcomes: Outcomes = field(default_factory=Outcomes)
    waste: Waste = field(default_factory=Waste)
    savings: Savings = field(default_factory=Savings)
    told: Cell = EMPTY
    told_runs: int = 0
    recomputed: Money = NOTHING
    disagreements: list[dict[str, str]] = field(default_factory=list)
    disagreed: int = 0
    elsewhere: Money = NOTHING
    paths: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, run: Run, model: str, simulate: bool) -> None:
        """Add a run; `model` is the one of the what-if, empty for none."""
        self.attribution.add(run)
        self.caching.add(run)
        self.latency.add(run)
        self.outcomes.add(run)
        self.waste.add(run, find(run))
        if simulate:
            self.savings.add(run)
        self._told(run)
        for says in run.disagreements:
            self.disagreed += 1
            if len(self.disagreements) < TOLD:
                self.disagreements.append({"run": run.trace.id, "path": run.trace.path, "says": says})
        if model:
            for call in run.calls:
                if call.event.component != "harness":
                    self.elsewhere = self.elsewhere + run.book.price(model, call.usage)
        for note in run.trace.notes:
            if note not in self.notes and len(self.notes) < TOLD:
                self.notes.append(note)
        if run.trace.path not in self.paths[-1:] and len(self.paths) < TOLD:
            self.paths.append(run.trace.path)

    def _told(self, run: Run) -> None:
        """What the record itself states of tokens and dollars."""
        calls = [call for call in run.calls if call.event.component != "harness"]
        if not calls:
            return
        usage, cost = NO_USAGE, NOTHING
        for call in calls:
            usage = usage + call.usage if call.told else usage
            cost = cost + (Money.unknown() if call.priced_by_us else call.money)
            if not call.priced_by_us:
                self.recomputed = self.recomputed + run.book.price(call.model, call.usage)
        self.told_runs += all(call.told for call in calls)
        self.told = self.told + Cell(cost, usage, len(calls))

    def merge(self, other: Part) -> None:
        """Add the sums of other runs."""
        self.attribution.merge(other.attribution)
        self.caching.merge(other.caching)
        self.latency.merge(other.latency)
        self.outcomes = self.outcomes + other.outcomes
        self.waste = self.waste + other.waste
        self.savings = self.savings + other.savings
        self.told = self.told + other.told
        self.told_runs += other.told_runs
        self.recomputed = self.recomputed + other.recomputed
        self.disagreed += other.disagreed
        self.disagreements = [*self.disagreements, *other.disagreements][:TOLD]
        self.elsewhere = self.elsewhere + other.elsewhere
        self.paths = list(dict.fromkeys([*self.paths, *other.paths]))[:TOLD]
        self.notes = list(dict.fromkeys([*self.notes, *other.notes]))[:TOLD]

    def to_json(self, options: Options) -> dict[str, Any]:
        """What one source, or all of them, came to."""
        return {
            **self.attribution.to_json(),
            **self.outcomes.to_json(options.failure_cost),
            "cache": self.caching.to_json(options.show_secrets),
            "latency": self.latency.to_json(),
            "recorded": {
                "tokens": self.told.tokens.to_json() if self.told_runs else None,
                "runs": self.told_runs,
                "cost": self.told.cost.to_json(),
                "recomputed": self.recomputed.to_json(),
            },
            "disagreements": self.disagreements,
            "disagreed": self.disagreed,
            "paths": self.paths,
        }
