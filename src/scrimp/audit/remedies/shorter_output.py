"""Shorter answers."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change

SHARE, AT_LEAST = 0.7, 50
"""Share of an answer's tokens that is left, and tokens under which an answer is short already."""


def say_less(draft: Draft) -> Draft:
    """The draft with shorter answers in words; tool calls stay as they are."""
    asks, changed = [], False
    for ask in draft.asks:
        said = ask.output - ask.reasoning
        if draft.run.calls[ask.step].step.answer.tool_calls or said < AT_LEAST:
            asks.append(ask)
            continue
        less = int(said * (1 - SHARE))
        time = ask.seconds if not ask.seconds else ask.seconds * (1 - less / ask.output)
        asks.append(ask.with_(output=ask.output - less, seconds=time))
        changed = True
    return draft.with_(asks=asks) if changed else draft


REMEDY = Change(
    "shorter-output", "Ask for shorter answers", "behavioural",
    f"answers of {AT_LEAST} tokens and more keep {SHARE:.0%} of them; that later prompts re-send less is not counted",
    "ask in the prompt for short answers", 52, say_less,
)  # fmt: skip
