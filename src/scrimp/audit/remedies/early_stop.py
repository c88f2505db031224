"""A run that fails again and again in the same way, stopped."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change
from scrimp.audit.waste.repeated_failures import kind_of

TIMES = 3
"""Failures of one kind in a row after which the run is stopped."""


def give_up(draft: Draft) -> Draft:
    """The draft without the calls after the third failure of one kind in a row; a run that succeeded is kept whole."""
    at = _given_up(draft)
    if at is None or (draft.run.trace.reward or 0.0) >= 1:
        return draft
    asks = [ask for ask in draft.asks if ask.step <= at]
    if len(asks) == len(draft.asks):
        return draft
    return draft.with_(asks=asks, tools=[use for use in draft.tools if use.step <= at])


def _given_up(draft: Draft) -> int | None:
    row, last = 0, ("", "")
    for use in draft.run.trace.tools:
        if not use.failed:
            row = 0
            continue
        kind = (use.call.name, kind_of(use.error))
        row = row + 1 if kind == last else 1
        last = kind
        if row == TIMES:
            return use.step
    return None


REMEDY = Change(
    "early-stop", "Stop a run that fails in a row", "hindsight bound",
    f"runs that failed {TIMES} times in a row in the same way are given up, but for those that are known to have "
    "succeeded all the same",
    "stop, or hand over to a person, at the third failure of the same kind in a row", 10, give_up,
)  # fmt: skip
