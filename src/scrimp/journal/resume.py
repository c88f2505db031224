"""Taking over a run whose process ended: what was in flight, and what may be sent again.

What is promised after a kill: a committed call is never sent again. A call in flight is charged what was
reserved for it and sent again as attempt 2, unless it is a tool call with side effects, which is
reported to the agent as unknown (or as the user says it went).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from scrimp.core.errors import InputError
from scrimp.core.events import Event
from scrimp.core.messages import digest
from scrimp.journal.journal import Journal, RunRecord

Outcome = Literal["done", "failed"]

UNKNOWN = "the process ended while this call was under way; nobody knows whether it took effect"
DONE = "the call took effect; what it returned is not known"


async def take_over(journal: Journal, run: str, unknown: Mapping[str, Outcome] | None = None) -> RunRecord:
    """Make a stopped run ready to go on in this process.

    Args:
        unknown: for calls with side effects that were in flight, by their key (`/:call_tool:3`), how
            the user found that they went: `done`, or `failed` (then they are made again).

    Raises:
        InputError: the run has ended, its process is alive, or `unknown` names no such call.
    """
    record = journal.run(run)
    if record.status in ("done", "budget"):
        raise InputError(f"run {record.id} has ended ({record.status})", remedy=f"scrimp runs replay {record.id}")
    if record.status == "running" and not journal.is_gone(record.owner):
        raise InputError(f"run {record.id} is still under way in another process", remedy="wait for it, or end it")
    told = dict(unknown or {})
    # The world of a tool that acts ended with the process, and is built again from what is recorded.
    pure = {tool["name"] for tool in record.task["tools"] if tool["pure"] or tool.get("acts")}
    for event in journal.in_flight(record.id):
        closed, response = _close(event, pure, told.pop(str(event.key), None))
        await journal.commit(closed, None, response)
    if told:
        raise InputError(f"no call {next(iter(told))} with side effects was in flight", remedy="scrimp runs show RUN")
    journal.reopen(record.id)
    return record


def _close(event: Event, pure: set[str], told: Outcome | None) -> tuple[Event, Any]:
    """The event of a call in flight, and its answer; None where it is to be made again."""
    effects = event.kind == "tool" and event.name not in pure
    if not effects or told == "failed":
        return replace(event, status="cut"), None
    if told == "done":
        response = {"text": DONE, "status": "ok"}
        return replace(event, status="ok", response_hash=digest(response)), response
    response = {"text": UNKNOWN, "status": "unknown"}
    return replace(event, status="unknown", response_hash=digest(response)), response
