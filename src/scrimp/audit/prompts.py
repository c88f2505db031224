"""The messages of recorded prompts, each made once: a prompt repeats the one before it, and so does its record.

What was re-sent is told by messages that are the same object in both requests, so equal ones have to become one; and a
reader that makes every message of every prompt anew takes the square of a run's length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scrimp.core.messages import Message, Text


class Prompts:
    """Messages by what is in them, for one run."""

    def __init__(self, make: Callable[[Any], Message | None]) -> None:
        self._make = make
        self._known: dict[Any, Message] = {}
        self._raw: Sequence[Any] = ()
        self._made: list[Message | None] = []

    def prompt(self, raw: Sequence[Any]) -> tuple[Message, ...]:
        """The messages of a recorded prompt; where it begins as the last one did, that is only compared."""
        same, most = 0, min(len(self._raw), len(raw))
        while same < most and self._raw[same] == raw[same]:
            same += 1
        self._made = self._made[:same] + [self.message(item) for item in raw[same:]]
        self._raw = raw
        return tuple([made for made in self._made if made is not None])

    def message(self, raw: Any) -> Message | None:
        """The one object of a recorded message; None where it is none."""
        made = self._make(raw)
        return None if made is None else self.shared(made)

    def shared(self, message: Message) -> Message:
        """The one object of equal messages."""
        return self._known.setdefault(identity(message), message)


def identity(message: Message) -> tuple[Any, ...]:
    """What tells equal messages, quicker than a digest."""
    calls = tuple([(call.id, call.name, call.raw or repr(call.arguments)) for call in message.tool_calls])
    others = tuple([part for part in message.parts if not isinstance(part, Text)])
    return message.role, message.text, message.tool_call_id, calls, others
