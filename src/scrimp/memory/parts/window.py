"""A sliding window over the turns of a request, as a Transform: the run, the audit and the proxy use this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scrimp.core.messages import Message, Request
from scrimp.core.usage import NO_USAGE, Usage


@dataclass(frozen=True)
class Window:
    """Keeps the opening and the last turns.

    Attributes:
        turns: most turns kept after the opening. A turn is an assistant message with what answers it.
        hop: turns dropped at once when the window overflows. A hop above 1 moves the cut rarely,
            so that prompt caches hold between hops.
    """

    turns: int = 6
    hop: int = 3

    def apply(self, request: Request) -> Request:
        """The request without its oldest turns."""
        opening, turns = split(request.messages)
        excess = len(turns) - self.turns
        if excess <= 0:
            return request
        drop = -(-excess // self.hop) * self.hop
        kept = turns[min(drop, len(turns) - 1) :]
        return request.with_(messages=(*opening, *(message for turn in kept for message in turn)))

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE


def split(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """The opening (all before the first assistant message) and the turns after it.

    A turn begins with an assistant message and keeps its tool results, so no result loses its call.
    """
    opening: list[Message] = []
    turns: list[list[Message]] = []
    for message in messages:
        if message.role == "assistant":
            turns.append([message])
        elif turns:
            turns[-1].append(message)
        else:
            opening.append(message)
    return opening, turns
