"""A rolling summary of older turns, re-priced from a stated length."""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change
from scrimp.core.messages import Message, Request, user
from scrimp.core.usage import Usage
from scrimp.memory.parts.window import split

KEEP, HOP = 4, 4
"""Turns that are always sent whole, and turns that are summarised at once."""

LENGTH = 300
"""Tokens of a summary."""

INSTRUCTIONS = 100
"""Tokens of the instructions that ask for one."""

_WORD = " summary"


def summarised(draft: Draft) -> Draft:
    """The draft with a summary in place of older turns; each summary is a call of its own."""
    made: dict[tuple[str, int], Message] = {}
    extra: list[tuple[str, Usage]] = []
    asks, changed = [], False
    for ask in draft.asks:
        opening, turns = split(ask.request.messages)
        excess = len(turns) - KEEP
        drop = excess - excess % HOP if excess >= HOP else 0
        if not drop:
            asks.append(ask)
            continue
        agent = draft.run.calls[ask.step].step.agent
        if (agent, drop) not in made:
            made[agent, drop] = user(f"[summary of {drop} turns]{_WORD * (LENGTH - 10)}")
            extra.append((ask.model, _price(draft, turns[drop - HOP : drop], (agent, drop - HOP) in made)))
        asks.append(ask.with_(request=_with(ask.request, opening, made[agent, drop], turns[drop:])))
        changed = True
    return draft.with_(asks=asks, extra=[*draft.extra, *extra]) if changed else draft


def _with(request: Request, opening: list[Message], summary: Message, turns: list[list[Message]]) -> Request:
    return request.with_(messages=(*opening, summary, *(message for turn in turns for message in turn)))


def _price(draft: Draft, turns: Sequence[Sequence[Message]], goes_on: bool) -> Usage:
    """Tokens of the call that makes a summary: the turns, the summary before, and what it writes."""
    read = sum(draft.run.sizes.message(message) for turn in turns for message in turn)
    return Usage(input=round(read * draft.run.scale) + INSTRUCTIONS + LENGTH * goes_on, output=LENGTH)


REMEDY = Change(
    "rolling-summary", "Summarise older turns", "behavioural",
    f"{LENGTH} tokens say what {HOP} turns said, made by the same model, whose calls are counted; the last {KEEP} to "
    f"{KEEP + HOP - 1} turns stay whole",
    "replace older turns by a summary that is renewed every four turns", 34, summarised,
)  # fmt: skip
