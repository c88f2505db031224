"""Estimated tokens of messages and tools: each is counted once in a run, however often it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from scrimp.core.messages import Image, Message, Request, Text, ToolSpec
from scrimp.models.images import image_tokens
from scrimp.models.tokens import PER_MESSAGE, PER_REQUEST, compact, estimate_many, estimate_tools


class Sizes:
    """Estimated tokens of the messages and tools of a run; each is counted once, however often it is sent."""

    def __init__(self, model: str = "") -> None:
        self._model = model
        self._messages: dict[int, tuple[Message, int, int]] = {}
        self._tools: dict[int, tuple[Sequence[ToolSpec], int]] = {}
        self.pictured = False
        """Whether any message that was counted holds a picture."""
        self._last: tuple[tuple[Message, ...], int] = ((), 0)

    def count(self, messages: Iterable[Message]) -> None:
        """Count many messages at once, which is faster than one by one."""
        known = self._messages
        fresh = list({id(message): message for message in messages if id(message) not in known}.values())
        texts = [_words(message) for message in fresh]
        counted = iter(estimate_many([text for group in texts for text in group]))
        for message, group in zip(fresh, texts, strict=True):
            tokens = PER_MESSAGE * (1 + len(message.tool_calls)) + sum([next(counted) for _ in group])
            pictures = 0
            if len(group) < len(message.parts) + 2 * len(message.tool_calls):
                found = [part for part in message.parts if isinstance(part, Image)]
                pictures = sum(image_tokens(part, self._model) for part in found)
                self.pictured = self.pictured or bool(found)
            known[id(message)] = (message, tokens + pictures, pictures)

    def message(self, message: Message) -> int:
        """Tokens of one message, its wrapping included."""
        found = self._messages.get(id(message))
        if found is None:
            self.count((message,))
            found = self._messages[id(message)]
        return found[1]

    def images(self, message: Message) -> int:
        """Of these, tokens of pictures."""
        self.message(message)
        return self._messages[id(message)][2]

    def tools(self, tools: Sequence[ToolSpec]) -> int:
        """Tokens of tool schemas."""
        found = self._tools.get(id(tools))
        if found is None or found[0] is not tools:
            found = (tools, estimate_tools(tools))
            self._tools[id(tools)] = found
        return found[1]

    def schema(self, request: Request) -> int:
        """Tokens of the output schema."""
        return 0 if request.schema is None else _counted(compact(request.schema))

    def request(self, request: Request) -> int:
        """Tokens of a whole prompt."""
        return PER_REQUEST + self._said(request.messages) + self.tools(request.tools) + self.schema(request)

    def _said(self, messages: tuple[Message, ...]) -> int:
        """Tokens of messages. Those that go on with the ones asked for last cost what is new in them."""
        before, total = self._last
        if not before or messages[: len(before)] != before:
            before, total = (), 0
        for message in messages[len(before) :]:
            total += self.message(message)
        self._last = (messages, total)
        return total

    def answer(self, message: Message) -> int:
        """Tokens that a model wrote: the message without its wrapping."""
        return max(0, self.message(message) - PER_MESSAGE)


def text_size(text: str) -> int:
    """Estimated tokens of one text."""
    return estimate_many((text,))[0]


def _words(message: Message) -> list[str]:
    """The texts of a message that are counted."""
    words = [part.text for part in message.parts if isinstance(part, Text)]
    for call in message.tool_calls:
        words += (call.name, call.raw or compact(call.arguments))
    return words


@lru_cache(maxsize=4096)
def _counted(text: str) -> int:
    return text_size(text)
