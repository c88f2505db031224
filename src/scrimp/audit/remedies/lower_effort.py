"""Less reasoning."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change

SHARE = 0.5
"""Share of the reasoning tokens that is left at lower effort."""


def think_less(draft: Draft) -> Draft:
    """The draft with less reasoning, where there is any."""
    if not any(ask.reasoning for ask in draft.asks):
        return draft
    asks = []
    for ask in draft.asks:
        less = int(ask.reasoning * (1 - SHARE))
        time = ask.seconds if not ask.seconds or not ask.output else ask.seconds * (1 - less / ask.output)
        asks.append(ask.with_(output=ask.output - less, reasoning=ask.reasoning - less, seconds=time))
    return draft.with_(asks=asks)


REMEDY = Change(
    "lower-effort", "Ask for less reasoning", "behavioural",
    f"lower effort leaves {SHARE:.0%} of the reasoning tokens and as many steps; seconds go with the tokens written",
    "set the reasoning effort one level lower", 50, think_less, {"effort": "low"},
)  # fmt: skip
