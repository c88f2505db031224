"""What transforms of a conversation share: which messages are old, and rewritten messages that stay the same objects.

A rewritten message is made once: the next request of the run gets the very same object, so that caches, which look for
the same beginning, find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from scrimp.core.messages import Message, Request, Text

KEPT = 4096
"""Rewritten messages that are remembered; after that all are made anew."""


class Rewritten:
    """Messages by the ones they were made of."""

    def __init__(self, make: Callable[[Message], Message]) -> None:
        self._make = make
        self._made: dict[int, tuple[Message, Message]] = {}

    def of(self, message: Message) -> Message:
        """The rewritten message; the same object for the same message."""
        found = self._made.get(id(message))
        if found is not None and found[0] is message:
            return found[1]
        if len(self._made) >= KEPT:
            self._made.clear()
        made = self._make(message)
        self._made[id(message)] = (message, made)
        return made


def older(places: Sequence[int], keep: int, hop: int) -> Sequence[int]:
    """Of some places in their order, those to rewrite so that about `keep` stay; they grow in hops."""
    excess = len(places) - keep
    return places[: excess - excess % hop] if excess >= hop else ()


def with_messages(request: Request, changed: dict[int, Message]) -> Request:
    """The request with other messages at some places; the same object where they are what stood there."""
    real = {at: message for at, message in changed.items() if message is not request.messages[at]}
    if not real:
        return request
    messages = list(request.messages)
    for at, message in real.items():
        messages[at] = message
    return request.with_(messages=tuple(messages))


def with_text(message: Message, text: str) -> Message:
    """The message with these words instead of its own; pictures and calls stay."""
    others = tuple(part for part in message.parts if not isinstance(part, Text))
    return replace(message, parts=(Text(text), *others))


def names_of_results(messages: Sequence[Message]) -> dict[str, str]:
    """The tools' names by the ids of the calls."""
    return {call.id: call.name for message in messages for call in message.tool_calls}
