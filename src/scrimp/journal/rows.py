"""Runs and events as flat rows, for tables elsewhere: plain values, money as exact decimal text.

`amount` is null where the price is unknown, and `known` is then the part that is known; elsewhere both are the same.
`term` is the term of the cost formula an event belongs to, empty for the harness, which is beside the total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from scrimp.core.errors import InputError
from scrimp.core.ledger import Cell, term
from scrimp.core.messages import canonical
from scrimp.core.money import plain
from scrimp.journal.journal import Journal, RunRecord

WHOLE, PLACES = 20, 18
"""Digits of an amount before and behind the point."""

_MONEY = f"DECIMAL({WHOLE + PLACES},{PLACES})"
RUNS: Mapping[str, str] = {
    "run": "VARCHAR", "experiment": "VARCHAR", "system": "VARCHAR", "system_hash": "VARCHAR", "model": "VARCHAR",
    "prices": "VARCHAR", "seed": "BIGINT", "version": "VARCHAR", "task": "VARCHAR", "labels": "MAP(VARCHAR, VARCHAR)",
    "run_status": "VARCHAR", "run_started": "TIMESTAMP", "wall_seconds": "DOUBLE", "steps": "BIGINT",
}  # fmt: skip
"""Columns of a run and their SQL types. `task` is its id; times are UTC."""
EVENTS: Mapping[str, str] = {
    "run": "VARCHAR", "event": "VARCHAR", "parent": "VARCHAR", "span": "VARCHAR", "door": "VARCHAR",
    "ordinal": "BIGINT", "kind": "VARCHAR", "component": "VARCHAR", "term": "VARCHAR", "phase": "VARCHAR",
    "name": "VARCHAR", "prompt": "VARCHAR", "agent": "VARCHAR", "round": "BIGINT", "attempt": "BIGINT",
    "retry": "VARCHAR", "status": "VARCHAR", "calls": "BIGINT", "input": "BIGINT", "cached_input": "BIGINT",
    "cache_write": "BIGINT", "output": "BIGINT", "reasoning": "BIGINT", "images": "BIGINT", "amount": _MONEY,
    "known": _MONEY, "currency": "VARCHAR", "money": "VARCHAR", "started": "TIMESTAMP", "busy_us": "BIGINT",
}  # fmt: skip
"""Columns of an event and their SQL types; `money` says how the amount is known."""
RUN_TEXTS: Mapping[str, str] = {"question": "VARCHAR", "answer": "VARCHAR"}
EVENT_TEXTS: Mapping[str, str] = {"request": "VARCHAR", "response": "VARCHAR"}
"""Columns beside those, where words are asked for: `request` and `response` are JSON."""


def run_row(record: RunRecord, *, content: bool = False) -> dict[str, Any]:
    """A run by its columns."""
    row = {
        "run": record.id, "experiment": record.experiment, "system": str(record.system.get("name") or ""),
        "system_hash": record.system_hash, "model": str(record.system.get("model") or ""), "prices": record.prices,
        "seed": record.seed, "version": record.version, "task": str(record.task.get("id") or ""),
        "labels": dict(record.labels), "run_status": record.status, "run_started": _moment(record.started),
        "wall_seconds": record.wall_seconds, "steps": record.steps,
    }  # fmt: skip
    if content:
        row |= {"question": record.task.get("text"), "answer": (record.answer or {}).get("text")}
    return row


def event_rows(journal: Journal, run: str, *, content: bool = False) -> Iterator[dict[str, Any]]:
    """The events of a run by their columns, in the order they were committed.

    Raises:
        InputError: an amount has more digits than a column holds.
    """
    texts = {step["event"]: step for step in journal.steps(run)} if content else {}
    for event in journal.events(run):
        key, money = event.key, event.money
        row = {
            "run": key.run, "event": event.id, "parent": event.parent, "span": key.span, "door": key.door,
            "ordinal": key.ordinal, "kind": event.kind, "component": event.component,
            "term": "" if event.component == "harness" else term(event), "phase": event.phase, "name": event.name,
            "prompt": event.prompt, "agent": event.agent, "round": event.round, "attempt": event.attempt,
            "retry": event.retry, "status": event.status, "calls": Cell.of(event).calls, **event.usage.to_json(),
            "amount": None if money.amount is None else _exact(money.amount), "known": _exact(money.least),
            "currency": money.currency, "money": money.state, "started": _moment(event.started),
            "busy_us": event.busy_us,
        }  # fmt: skip
        if content:
            row |= {name: _json(texts[event.id][name]) for name in EVENT_TEXTS}
        yield row


def _exact(amount: Decimal) -> str:
    text = plain(amount)
    whole, _, places = text.lstrip("-").partition(".")
    if len(whole) > WHOLE or len(places) > PLACES:
        raise InputError(f"the amount {text} has more digits than a table's column", remedy="--format jsonl holds it")
    return text


def _json(value: Any) -> str | None:
    return None if value is None else canonical(value)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
