"""A rolling summary of older turns, re-priced from a stated length."""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.audit.draft import Draft, Extra
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
    made: dict[str, tuple[int, Message]] = {}
    extra: list[Extra] = []
    asks = []
    for ask in draft.asks:
        opening, turns = split(ask.request.messages)
        excess = len(turns) - KEEP
        drop = excess - excess % HOP if excess >= HOP else 0
        if not drop:
            asks.append(ask)
            continue
        agent = draft.run.calls[ask.step].step.agent
        done, summary = made.get(agent, (0, None))
        if summary is None or done != drop:
            # Fewer turns than before: another conversation, which is summarised from its beginning.
            goes_on = done if done < drop else 0
            summary = user(f"[summary of {drop} turns]{_WORD * (LENGTH - 10)}")
            made[agent] = (drop, summary)
            extra.append(Extra(ask.model, _price(draft, turns[goes_on:drop], goes_on > 0)))
        asks.append(ask.with_(request=_with(ask.request, opening, summary, turns[drop:])))
    return draft.with_(asks=asks).calling(*extra, written=LENGTH * len(extra)) if extra else draft


def _with(request: Request, opening: list[Message], summary: Message, turns: list[list[Message]]) -> Request:
    return request.with_(messages=(*opening, summary, *(message for turn in turns for message in turn)))


def _price(draft: Draft, turns: Sequence[Sequence[Message]], goes_on: bool) -> Usage:
    """Tokens of the call that makes a summary: the turns, the summary before, and what it writes."""
    read = sum(draft.run.sizes.message(message) for turn in turns for message in turn)
    return Usage(input=round(read * draft.scale) + INSTRUCTIONS + LENGTH * goes_on, output=LENGTH)


REMEDY = Change(
    "rolling-summary", "Summarise older turns", "behavioural",
    f"{LENGTH} tokens say what {HOP} turns said, made by the same model, whose calls are counted; the last {KEEP} to "
    f"{KEEP + HOP - 1} turns stay whole",
    "replace older turns by a summary that is renewed every four turns", 34, summarised,
)  # fmt: skip
