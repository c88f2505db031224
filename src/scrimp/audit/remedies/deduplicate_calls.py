"""Repeated calls, not made."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.index import Index
from scrimp.audit.remedy import Change
from scrimp.audit.waste.repeated_calls import repeats


def once(draft: Draft) -> Draft:
    """The draft without the steps that asked for nothing but what was known already."""
    index = Index(draft.run)
    again = [use for use in repeats(index) if len(index.uses_of[use.step]) == 1]
    if not again:
        return draft
    steps = {use.step for use in again}
    gone = {id(draft.run.calls[step].step.answer) for step in steps} | {id(use.message) for use in again}
    shorter = draft.rewritten(
        lambda request: (
            request
            if not any(id(message) in gone for message in request.messages)
            else request.with_(messages=tuple(message for message in request.messages if id(message) not in gone))
        )
    )
    return shorter.with_(
        asks=[ask for ask in shorter.asks if ask.step not in steps],
        tools=[use for use in shorter.tools if not any(use is other for other in again)],
    )


REMEDY = Change(
    "deduplicate-calls", "Do not repeat a call whose result is known", "hindsight bound",
    "the repeated call would have given the same result (it did), and the agent would have gone on as it did",
    "answer a repeated call of a tool that only looks from a cache, and show the agent what it has", 12, once,
)  # fmt: skip
