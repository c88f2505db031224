"""Waste over many runs: every rule's findings summed, the dearest kept as evidence."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import Any

from scrimp.audit.index import Finding, Index
from scrimp.audit.measure import Run
from scrimp.audit.secrets import redact
from scrimp.audit.waste import (
    after_the_goal,
    cut_outputs,
    oversized_results,
    repeated_calls,
    repeated_failures,
    reread_by_agents,
    sequential_calls,
    stale_images,
    unused_results,
    unused_tools,
)
from scrimp.core.money import Money

RULES: tuple[ModuleType, ...] = (
    repeated_calls, repeated_failures, unused_results, oversized_results, stale_images, unused_tools,
    sequential_calls, after_the_goal, cut_outputs, reread_by_agents,
)  # fmt: skip
TITLES = {rule.NAME: (rule.TITLE, rule.HINT) for rule in RULES}

EVIDENCE = 10
"""Findings of a rule that are told one by one, the dearest."""

EXCERPT = 400
"""Characters of a text that are shown."""

OVERLAP = "findings of different rules may count the same tokens"


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A finding as it is told, its text not yet redacted."""

    weight: Decimal
    run: str
    step: int
    path: str = field(compare=False)
    finding: Finding = field(compare=False)
    text: str = field(compare=False)

    def to_json(self, show_secrets: bool) -> dict[str, Any]:
        found = self.finding
        return {
            "run": self.run, "path": self.path, "step": self.step, "where": found.where,
            "span": list(found.span), "detail": found.detail if show_secrets else redact(found.detail),
            "text": self.text if show_secrets else redact(self.text), "tokens": found.tokens,
            "cost": None if found.cost is None else float(found.cost),
        }  # fmt: skip


@dataclass(slots=True)
class Sum:
    """One rule over many runs."""

    count: int = 0
    runs: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    unknown: bool = False
    seconds: float = 0.0
    dearest: list[Evidence] = field(default_factory=list)

    def keep(self, evidence: Evidence) -> None:
        """Keep a finding as evidence, where it is among the dearest."""
        if len(self.dearest) < EVIDENCE:
            heapq.heappush(self.dearest, evidence)
        elif self.dearest[0] < evidence:
            heapq.heapreplace(self.dearest, evidence)


@dataclass(slots=True)
class Waste:
    """All rules over many runs; two of them add up."""

    rules: dict[str, Sum] = field(default_factory=dict)
    prices: str | None = None

    def add(self, run: Run, found: Iterable[Finding]) -> None:
        """Add the findings of a run."""
        touched: set[str] = set()
        for finding in found:
            known = self.rules.get(finding.rule)
            if known is None:
                known = self.rules[finding.rule] = Sum()
            known.count += 1
            known.runs += finding.rule not in touched
            touched.add(finding.rule)
            known.tokens += finding.tokens
            known.cost += finding.cost or Decimal(0)
            known.unknown = known.unknown or finding.cost is None
            known.seconds += finding.seconds
            weight = (finding.cost or Decimal(0)) + Decimal(finding.tokens).scaleb(-15)
            if len(known.dearest) < EVIDENCE or weight >= known.dearest[0].weight:
                known.keep(
                    Evidence(weight, run.trace.id, finding.step, run.trace.path, _small(finding), _excerpt(finding))
                )
        if touched and self.prices is None:
            self.prices = run.money.prices

    def __add__(self, other: Waste) -> Waste:
        for name, theirs in other.rules.items():
            mine = self.rules.setdefault(name, Sum())
            mine.count += theirs.count
            mine.runs += theirs.runs
            mine.tokens += theirs.tokens
            mine.cost += theirs.cost
            mine.unknown = mine.unknown or theirs.unknown
            mine.seconds += theirs.seconds
            for evidence in theirs.dearest:
                mine.keep(evidence)
        self.prices = self.prices or other.prices
        return self

    def to_json(self, scale: Decimal | None, *, show_secrets: bool = False) -> list[dict[str, Any]]:
        """The `waste` of an audit's document, the dearest rule first.

        Args:
            scale: runs a month for each run that was read; None where nobody said.
        """
        rows = []
        for name, found in sorted(self.rules.items(), key=lambda item: (-item[1].cost, -item[1].tokens)):
            title, hint = TITLES[name]
            state: Any = (
                Money(None, "unknown", known=found.cost) if found.unknown else Money(found.cost, "priced", self.prices)
            )
            row: dict[str, Any] = {
                "rule": name, "title": title, "hint": hint, "count": found.count, "runs": found.runs,
                "tokens": found.tokens, "cost": state.to_json(), "seconds": round(found.seconds, 3),
                "overlap": OVERLAP,
                "evidence": [item.to_json(show_secrets) for item in sorted(found.dearest, reverse=True)],
            }  # fmt: skip
            if scale is not None:
                row["per_month"] = float(found.cost * scale)
            rows.append(row)
        return rows


def find(run: Run) -> list[Finding]:
    """The findings of every rule in a run."""
    if not run.calls:
        return []
    index = Index(run)
    return [finding for rule in RULES for finding in rule.find(index)]


def _small(finding: Finding) -> Finding:
    """The finding without its message, which would keep the run in memory."""
    return Finding(
        finding.rule, finding.step, finding.where, finding.detail, finding.tokens, finding.cost, finding.seconds, None,
        finding.span,
    )  # fmt: skip


def _excerpt(finding: Finding) -> str:
    """The beginning of the text that shows it."""
    if finding.message is None:
        return ""
    start, end = finding.span
    text = finding.message.text[start:end] or finding.message.text
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"
