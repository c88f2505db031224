"""A vote over whole answers: what two must share to count as one, and which has most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scrimp.core.messages import canonical
from scrimp.core.task import Answer


def ballot(answer: Answer) -> str:
    """What an answer votes for: its calls, or its words without case, spaces and final stops."""
    if answer.calls:
        return canonical([[call.name, call.arguments] for call in answer.calls])
    return " ".join(answer.text.casefold().split()).rstrip(".。!")


def majority(answers: Sequence[Answer]) -> Answer:
    """The answer that came most often, the earliest of those that came equally often.

    Raises:
        ValueError: there is no answer.
    """
    if not answers:
        raise ValueError("there is nothing to vote on")
    votes = Counter(map(ballot, answers))
    most = max(votes.values())
    return next(answer for answer in answers if votes[ballot(answer)] == most)
