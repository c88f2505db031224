"""What the journal holds of a run, as the document that `run` prints, and as lines of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from scrimp.agent import LAST_ANSWER, LAST_SHARE
from scrimp.cli import values
from scrimp.cli.output import one_line, short
from scrimp.cli.tables import show, table
from scrimp.core.budget import Amount, Budget, LocalAccount
from scrimp.core.context.passage import spent_by
from scrimp.core.events import Event
from scrimp.journal.said import answered

if TYPE_CHECKING:
    from scrimp.journal.journal import Journal, RunRecord

UNTOLD = ("message_tokens", "nodes", "stored_bytes")
"""Budget keys whose spending no event tells."""

EXCERPT = 70
"""Characters of a step's text in a table."""


def document(journal: Journal, record: RunRecord) -> dict[str, Any]:
    """A recorded run in the form of `run --json`, with its task, labels and models beside."""
    answer = record.answer or {}
    out: dict[str, Any] = {
        "run": record.id,
        "status": record.status,
        "answer": answer.get("text", ""),
        "ledger": journal.ledger(record.id).to_json(),
        "budget": _budget(journal, record),
        "steps": record.steps,
    }
    if answer.get("calls"):
        out["calls"] = answer["calls"]
    refusal = _refusal(journal, record)
    if refusal:
        out["error"] = refusal
    return {
        **out,
        "task": record.task["text"],
        "system": record.system,
        "models": {role: facts["name"] for role, facts in record.models.items()},
        "labels": dict(record.labels),
        "started": record.started,
    }


def row(journal: Journal, record: RunRecord) -> dict[str, Any]:
    """A line of `runs list`."""
    whole = journal.ledger(record.id).total
    return {
        "run": record.id,
        "status": record.status,
        "task": record.task["text"],
        "system": record.system.get("name", ""),
        "model": record.system["model"],
        "experiment": record.experiment,
        "labels": dict(record.labels),
        "started": record.started,
        "seconds": record.wall_seconds,
        "steps": record.steps,
        "cost": whole.cost.to_json(),
        "tokens": whole.tokens.to_json(),
    }


def _refusal(journal: Journal, record: RunRecord) -> str:
    """Why a run did not end well: the last failure before its last answer was asked for."""
    if record.status in ("done", "running"):
        return ""
    said = ""
    for step in journal.steps(record.id):
        failure = step["response"].get("error") if isinstance(step["response"], Mapping) else None
        if isinstance(failure, Mapping) and not step["prompt"].startswith(f"{LAST_ANSWER.name}@"):
            said = str(failure.get("message") or said)
    return said


# -- budget ------------------------------------------------------------------------------------------


def _budget(journal: Journal, record: RunRecord) -> dict[str, dict[str, Any]]:
    """Limit, spent, reserved and kept per limited key, as they stand in the journal.

    Calls nobody saw the end of count as reserved, at their worst.
    """
    account = LocalAccount(Budget(record.budget), last_share=LAST_SHARE)
    done, open_ = journal.events(record.id), journal.in_flight(record.id)
    out = {}
    for key, balance in account.balance().items():
        spent = record.steps if key == "steps" else _taken(key, done)
        row = {**balance, "spent": spent, "reserved": _taken(key, open_)}
        out[key] = {name: str(value) if isinstance(value, Decimal) else value for name, value in row.items()}
    return out


def _taken(key: str, events: Iterable[Event]) -> Amount | None:
    """What the agent's events took under a key; None where events do not tell."""
    if key in UNTOLD:
        return None
    return sum((spent_by(event).get(key, 0) for event in events if event.component != "harness"), start=0)


# -- steps -------------------------------------------------------------------------------------------


def print_steps(journal: Journal, run: str) -> None:
    """What happened, one line per event."""
    made = table(
        "round",
        "component",
        "what",
        "prompt",
        "tokens",
        "cost",
        "busy",
        "text",
        right=("round", "tokens", "cost", "busy"),
    )
    for step in journal.steps(run):
        tried = f" (attempt {step['attempt']}: {step['retry']})" if step["attempt"] > 1 else ""
        mark = "" if step["status"] == "ok" else f" [{step['status']}]"
        tokens = values.all_tokens(step["tokens"])
        paid = step["cost"]["amount"] is None or float(step["cost"]["amount"])
        made.add(
            str(step["round"] or ""),
            step["component"],
            f"{step['kind']} {one_line(step['name'])}{tried}{mark}",
            step["prompt"],
            values.count(tokens) if tokens else "",
            values.money(step["cost"]) if paid else "",
            values.seconds(step["busy_seconds"]),
            excerpt(step["response"]),
        )
    show(made)


def excerpt(response: Any) -> str:
    """The beginning of what a call gave: words, calls, a result or a failure."""
    return short(answered(response), EXCERPT)
