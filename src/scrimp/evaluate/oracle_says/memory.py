"""What an oracle says to the prompts of memories and context policies.

While a memory writes, no task is in sight and gold plays no part: the oracle is a clerk that picks sentences out of the
text it is shown, as they stand, and loses each with the chance of its error. So a memory is tried on what it does with
sentences, not on how well a model words them.
"""

from __future__ import annotations

import re

from scrimp.core.messages import Request
from scrimp.evaluate.oracle_rules import Habits, Reply, chance, clerical
from scrimp.models.tokens import estimate

_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_HEAD = re.compile(r"^(\[[^\]]*\]\s*)*(user|assistant|[A-Z][\w ]{0,20}):\s*")


def sentences(text: str, habits: Habits) -> list[str]:
    """The sentences of a text, each once, without who says them, and without those that this oracle loses."""
    found = []
    for line in text.splitlines():
        said = _HEAD.sub("", line.strip())
        found += [piece.strip() for piece in _END.split(said) if piece.strip()]
    return [one for one in dict.fromkeys(found) if chance("lost", f"{habits.seed}|{one}") >= habits.error]


def shown(request: Request) -> str:
    """The text that a request is about: its last message of the user."""
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def within(found: list[str], tokens: int) -> list[str]:
    """The last of the sentences that a number of tokens bears."""
    kept: list[str] = []
    for one in reversed(found):
        tokens -= estimate(one) + 1
        if tokens < 0:
            break
        kept.append(one)
    return kept[::-1]


@clerical("rolling-summary", "memorybank-day", "memorybank-all")
def summary(request: Request, habits: Habits) -> Reply:
    """The sentences themselves; the newest, where the answer may not be long enough for all."""
    found = [one for one in sentences(shown(request), habits) if not one.endswith(":")]
    return Reply(" ".join(within(found, request.max_output or 256)))


@clerical("memorybank-mood", "memorybank-user")
def portrait(request: Request, habits: Habits) -> Reply:
    """Nothing that any question asks for."""
    return Reply("The user likes to talk about everyday things.")
