"""What an oracle says to the prompts of teams.

An agent answers like an agent alone, with its thought before the answer. Told what others answered, it sides with the
answer that most of those before it give, its own among them; where that is a draw, it works the task out anew. That it
follows a majority is an assumption, the same for every team: a sparse team pays for it, since it is shown each view
once and no longer sees how many hold it.
"""

from __future__ import annotations

import re
from collections import Counter

from scrimp.evaluate.oracle_rules import Mind, Reply, answer, react, rule

_ANSWER = re.compile(r"^Answer: (.*)$", re.MULTILINE)


@rule("debate-answer")
def debate_answer(mind: Mind) -> Reply:
    """Calls as ReAct makes them; the answer with a thought before it."""
    return _reasoned(mind, react(mind))


@rule("debate-conclude")
def debate_conclude(mind: Mind) -> Reply:
    """The answer that the visible results make."""
    return _reasoned(mind, answer(mind))


@rule("debate-revise")
def debate_revise(mind: Mind) -> Reply:
    """The answer of most in the last exchange, else its own work again."""
    messages = mind.sight.request.messages
    last = max(place for place, message in enumerate(messages) if message.role == "user")
    own = [said for message in messages[:last] if message.role == "assistant" for said in _ANSWER.findall(message.text)]
    votes = Counter([*own[-1:], *_ANSWER.findall(messages[last].text)])
    first, *others = votes.most_common(2) or [("", 0)]
    if first[1] and (not others or others[0][1] < first[1]):
        return _reasoned(mind, Reply(first[0]))
    return debate_answer(mind)


def _reasoned(mind: Mind, said: Reply) -> Reply:
    return said if said.calls else Reply(f"{mind.thought}\nAnswer: {said.text}")
