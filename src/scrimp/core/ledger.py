"""The ledger: the fold of a run's events into costs. Nothing else counts costs.

One total and two exact partitions of it. By component: memory, planning, tools, team, answer. By
term of the survey's formula (arXiv 2601.14192): generation, tools, memory, retries. Judges and
simulated users are `harness`, beside the total and never in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from scrimp.core.events import COMPONENTS, PHASES, RETRIES, Event
from scrimp.core.money import NOTHING, Money, plain
from scrimp.core.usage import NO_USAGE, Usage

Term = Literal["generation", "tools", "memory", "retries"]
TERMS: tuple[Term, ...] = ("generation", "tools", "memory", "retries")


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of a ledger: money, tokens, number of calls, microseconds of work."""

    cost: Money = NOTHING
    tokens: Usage = NO_USAGE
    calls: int = 0
    busy_us: int = 0

    def __add__(self, other: Cell) -> Cell:
        if other is EMPTY:  # most entries of a ledger are
            return self
        return Cell(
            self.cost + other.cost,
            self.tokens + other.tokens,
            self.calls + other.calls,
            self.busy_us + other.busy_us,
        )

    @classmethod
    def of(cls, event: Event) -> Cell:
        """What one event adds. Decisions, clock readings and counts are events but not calls."""
        calls = 0 if event.kind in ("decision", "now", "spend") else 1
        return cls(event.money, event.usage, calls, event.busy_us)

    def to_json(self) -> dict[str, Any]:
        return {
            "cost": self.cost.to_json(),
            "tokens": self.tokens.to_json(),
            "calls": self.calls,
            "busy_seconds": plain(Decimal(self.busy_us).scaleb(-6)),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cell:
        """The inverse of `to_json`."""
        busy = int(Decimal(data["busy_seconds"]).scaleb(6))
        return cls(Money.from_json(data["cost"]), Usage(**data["tokens"]), data["calls"], busy)


EMPTY = Cell()


def term(event: Event) -> Term:
    """The one term of the cost formula an event belongs to.

    An attempt after the first counts in retries only. What happens inside a memory is a memory
    access, model calls included; choosing tools is part of the tools' cost.
    """
    if event.attempt > 1:
        return "retries"
    if event.component == "memory":
        return "memory"
    if event.kind in ("tool", "environment") or (event.component == "tools" and event.kind != "model"):
        return "tools"
    return "generation"


@dataclass(frozen=True)
class Ledger:
    """Costs of one run, or of a sum of runs."""

    total: Cell = EMPTY
    components: Mapping[str, Cell] = field(default_factory=dict)
    terms: Mapping[str, Cell] = field(default_factory=dict)
    phases: Mapping[str, Cell] = field(default_factory=dict)
    retries: Mapping[str, Cell] = field(default_factory=dict)
    prompts: Mapping[str, Cell] = field(default_factory=dict)
    harness: Cell = EMPTY
    wall_seconds: float = 0.0
    events: int = 0

    @classmethod
    def of(cls, events: Iterable[Event], wall_seconds: float = 0.0) -> Ledger:
        """Fold events into costs."""
        total = harness = EMPTY
        components: dict[str, Cell] = dict.fromkeys(COMPONENTS, EMPTY)
        terms: dict[str, Cell] = dict.fromkeys(TERMS, EMPTY)
        phases: dict[str, Cell] = dict.fromkeys(PHASES, EMPTY)
        retries: dict[str, Cell] = dict.fromkeys(RETRIES, EMPTY)
        prompts: dict[str, Cell] = {}
        count = 0
        for event in events:
            count += 1
            cell = Cell.of(event)
            if event.component == "harness":
                harness = harness + cell
                continue
            total = total + cell
            components[event.component] = components[event.component] + cell
            kind = term(event)
            terms[kind] = terms[kind] + cell
            if event.phase:
                phases[event.phase] = phases[event.phase] + cell
            if event.attempt > 1:
                # An attempt after the first always has a kind; the doors refuse one without.
                retries[event.retry] = retries[event.retry] + cell
            if event.prompt:
                prompts[event.prompt] = prompts.get(event.prompt, EMPTY) + cell
        return cls(total, components, terms, phases, retries, prompts, harness, wall_seconds, count)

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(
            self.total + other.total,
            _merge(self.components, other.components),
            _merge(self.terms, other.terms),
            _merge(self.phases, other.phases),
            _merge(self.retries, other.retries),
            _merge(self.prompts, other.prompts),
            self.harness + other.harness,
            self.wall_seconds + other.wall_seconds,
            self.events + other.events,
        )

    def to_json(self) -> dict[str, Any]:
        """The outward form of COMMANDS."""
        return {
            "total": self.total.to_json(),
            "components": _cells(self.components),
            "terms": _cells(self.terms),
            "phases": _cells(self.phases),
            "retries": _cells(self.retries),
            "prompts": _cells(self.prompts),
            "harness": self.harness.to_json(),
            "wall_seconds": round(self.wall_seconds, 6),
            "events": self.events,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ledger:
        """The inverse of `to_json`; wall seconds are as they were rounded there."""
        parts = {
            name: {key: Cell.from_json(cell) for key, cell in data[name].items()}
            for name in ("components", "terms", "phases", "retries", "prompts")
        }
        return cls(Cell.from_json(data["total"]), **parts, harness=Cell.from_json(data["harness"]),
                   wall_seconds=data["wall_seconds"], events=data["events"])  # fmt: skip


def _cells(cells: Mapping[str, Cell]) -> dict[str, Any]:
    return {name: cell.to_json() for name, cell in cells.items()}


def _merge(a: Mapping[str, Cell], b: Mapping[str, Cell]) -> dict[str, Cell]:
    return {name: a.get(name, EMPTY) + b.get(name, EMPTY) for name in {**a, **b}}
