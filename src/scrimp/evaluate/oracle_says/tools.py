"""What an oracle says to the prompts of selectors, gates and methods of tool use.

Asked without tools for what only a tool can tell, it says that it does not know in most samples; GUESSED of them are
guesses, and one guess in TWICE is the same plausible wrong answer, so that guesses agree now and then. Where it errs it
is sure of the wrong thing: of a wrong answer to what it knows, of the plausible one to what it does not. Those shares
are assumptions, the same for every gate, and are not fitted to any model.
"""

from __future__ import annotations

import json

from scrimp.evaluate.oracle_rules import Mind, Reply, answer, chance, rule

GUESSED = 0.4
"""Share of samples in which it guesses what it does not know."""
TWICE = 2
SURE, UNSURE = 90, 20
"""Confidence it states, out of 100."""
UNKNOWN = "unknown"


@rule("confidence-sample")
def confidence_sample(mind: Mind) -> Reply:
    """One answer without tools."""
    return Reply(_without_tools(mind))


@rule("confidence-stated")
def confidence_stated(mind: Mind) -> Reply:
    """One answer without tools, and how sure it is of it."""
    sure = mind.direct or mind.errs(-1)
    said = _without_tools(mind)
    return Reply(json.dumps({"answer": said, "confidence": SURE if sure else UNSURE}, ensure_ascii=False))


def _without_tools(mind: Mind) -> str:
    if mind.direct:
        return answer(mind).text
    plausible = mind.sight.gold.wrong or "42"
    if mind.errs(-1):
        return plausible
    key = f"{mind.habits.seed}|{mind.sight.task.id}|{mind.sight.request.seed}"
    if chance("guesses", key) >= GUESSED:
        return UNKNOWN
    return plausible if int(chance("which", key) * TWICE) == 0 else f"{int(chance('made up', key) * 10_000)}"
