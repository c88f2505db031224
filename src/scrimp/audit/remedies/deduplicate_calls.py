"""Repeated calls, not made."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.index import Index
from scrimp.audit.remedy import Change
from scrimp.audit.waste.repeated_calls import repeats
from scrimp.core.messages import Message, Request


def once(draft: Draft) -> Draft:
    """The draft without the steps that asked for nothing but what was known already."""
    run = draft.run
    index = Index(run)
    again = {id(use): use for use in repeats(index) if len(index.uses_of[use.step]) == 1}
    steps = {use.step for use in again.values()} & {ask.step for ask in draft.asks}
    if not steps:
        return draft
    gone = {id(run.calls[step].step.answer) for step in steps} | {
        id(use.message) for use in again.values() if use.step in steps
    }
    # Where a record tells calls apart by nothing, the repeated message is the first one's very object.
    kept = {id(call.step.answer) for step, call in enumerate(run.calls) if step not in steps} | {
        id(use.message) for use in run.trace.tools if id(use) not in again
    }
    shorter = draft.rewritten(lambda request: _without(request, gone, kept))
    return shorter.with_(
        asks=[ask for ask in shorter.asks if ask.step not in steps],
        tools=[use for use in shorter.tools if use.step not in steps or id(use) not in again],
    )


def _without(request: Request, gone: set[int], kept: set[int]) -> Request:
    """The request without some messages; of those that are kept as well, the first stays."""
    stay: list[Message] = []
    met: set[int] = set()
    for message in request.messages:
        key = id(message)
        if key not in gone or (key in kept and key not in met):
            stay.append(message)
        met.add(key)
    return request if len(stay) == len(request.messages) else request.with_(messages=tuple(stay))


REMEDY = Change(
    "deduplicate-calls", "Do not repeat a call whose result is known", "hindsight bound",
    "the repeated call would have given the same result (it did), and the agent would have gone on as it did",
    "answer a repeated call of a tool that only looks from a cache, and show the agent what it has", 12, once,
)  # fmt: skip
