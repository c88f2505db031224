"""A sliding window over the turns of a request, as a Transform: the run, the audit and the proxy use this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scrimp.core.context import Context
from scrimp.core.messages import Message, Request, canonical
from scrimp.core.usage import NO_USAGE, Usage

AROUND_MESSAGE = 4
"""Tokens that chat templates put around a message or a call."""


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


def fitting(
    opening: Sequence[Message], groups: Sequence[Sequence[Message]], request: Request, limit: int, ctx: Context
) -> int:
    """The first group that stays, so that the opening, this group and those after it keep to the limit; the last one
    always stays.

    Args:
        groups: messages that stay or go together, oldest first.
        request: whose tools and schema are sent as well, whatever is dropped.
    """
    sizes = [sum(size(message, ctx) for message in group) for group in groups]
    around = [tool.to_json() for tool in request.tools] + ([request.schema] if request.schema is not None else [])
    fixed = sum(size(message, ctx) for message in opening) + sum(ctx.estimate(canonical(item)) for item in around)
    first = 0
    while first < len(groups) - 1 and fixed + sum(sizes[first:]) > limit:
        first += 1
    return first


def size(message: Message, ctx: Context) -> int:
    """About how many tokens a message takes, its calls included."""
    calls = [call.name + (call.raw or canonical(call.arguments)) for call in message.tool_calls]
    return AROUND_MESSAGE * (1 + len(calls)) + ctx.estimate(message.text) + sum(map(ctx.estimate, calls))


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
