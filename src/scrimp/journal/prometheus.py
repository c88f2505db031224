"""The counts of a journal in Prometheus' text format (0.0.4), for a file that its node exporter collects.

Counters by System, component, kind of event and name (of the model, tool or memory). Events are only ever added, so a
counter falls only where a run was deleted or left out, which a scraper takes for a restart. Money is exact: it is
written as a decimal, and an event whose price is unknown adds its known part and is counted as unpriced. The harness
(judges, simulated users) is a component here; a dashboard of what agents cost leaves it out. No text of a run is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from scrimp.core.ledger import Cell
from scrimp.core.money import plain
from scrimp.journal.journal import Journal

Labels = tuple[tuple[str, str], ...]

TOKENS: Mapping[str, str] = {
    "input": "fresh", "cached_input": "cache_read", "cache_write": "cache_write", "output": "output",
}  # fmt: skip
"""The label `type` by the count of a Usage: together they are all tokens, since output includes reasoning."""
METRICS: Mapping[str, tuple[str, str]] = {
    "scrimp_cost_total": ("counter", "What was spent; of an unknown price the known part."),
    "scrimp_unpriced_events_total": ("counter", "Events whose price nobody stated."),
    "scrimp_tokens_total": ("counter", "Tokens sent and received."),
    "scrimp_calls_total": ("counter", "Calls, by how they ended."),
    "scrimp_errors_total": ("counter", "Calls that failed or whose end nobody saw."),
    "scrimp_busy_seconds_total": ("counter", "Time spent in calls, nested ones not counted twice."),
    "scrimp_runs": ("gauge", "Runs, by how they stand."),
}
"""Type and help of each metric, in the order they are written."""


def exposition(journal: Journal, runs: Sequence[str]) -> str:
    """All metrics of some runs, by their whole ids."""
    sums: dict[str, Counter[Labels]] = {name: Counter() for name in METRICS}
    for run in runs:
        record = journal.run(run)
        system = str(record.system.get("name") or "agent")
        sums["scrimp_runs"][("system", system), ("status", record.status)] += 1
        for name, labels, value in _counts(journal, run, system):
            sums[name][labels] += value  # type: ignore[assignment]  # Decimals are counted as integers are
    return "".join(_metric(name, sums[name]) for name in METRICS)


def _counts(journal: Journal, run: str, system: str) -> Iterator[tuple[str, Labels, int | Decimal]]:
    """What each event adds to which counter."""
    for event in journal.events(run):
        labels = (("system", system), ("component", event.component), ("kind", event.kind), ("name", event.name))
        calls, money = Cell.of(event).calls, event.money
        if money.least:
            yield "scrimp_cost_total", (*labels, ("currency", money.currency)), money.least
        if money.amount is None:
            yield "scrimp_unpriced_events_total", labels, 1
        for count, kind in TOKENS.items():
            if tokens := getattr(event.usage, count):
                yield "scrimp_tokens_total", (*labels, ("type", kind)), tokens
        if calls:
            yield "scrimp_calls_total", (*labels, ("status", event.status)), calls
            yield "scrimp_busy_seconds_total", labels, Decimal(event.busy_us).scaleb(-6)
            if event.status != "ok":
                yield "scrimp_errors_total", labels, 1


def _metric(name: str, sums: Mapping[Labels, int | Decimal]) -> str:
    kind, help_ = METRICS[name]
    lines = [f"# HELP {name} {help_}", f"# TYPE {name} {kind}"]
    for labels, value in sorted(sums.items()):
        told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        lines.append(f"{name}{{{told}}} {plain(Decimal(value))}")
    return "".join(f"{line}\n" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
