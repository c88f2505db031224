"""What a model said, block by block as it said it, for when it has to be said back to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.core.messages import Message

KEPT = 512
"""Turns remembered; older ones are sent back without their thinking."""


class Turns:
    """The blocks of turns that called tools, by the id of their first call.

    Anthropic's thinking comes signed and has to go back unchanged with the tool calls it led to. A Message has no
    place for it, so it lives here, in memory: a run resumed by another process sends its turns without thinking.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._turns: OrderedDict[str, tuple[Mapping[str, Any], ...]] = OrderedDict()
        self._most = most

    def keep(self, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Remember a turn, where it thought and called tools."""
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if not calls or not any("thinking" in block["type"] for block in blocks):
            return
        self._turns[calls[0]] = tuple(blocks)
        while len(self._turns) > self._most:
            self._turns.popitem(last=False)

    def said(self, message: Message) -> list[dict[str, Any]] | None:
        """The blocks of this message as they were said; None where they are not known, or it was changed since."""
        if not message.tool_calls:
            return None
        blocks = self._turns.get(message.tool_calls[0].id, ())
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        if calls != [call.id for call in message.tool_calls] or text != message.text:
            return None
        return [dict(block) for block in blocks if block["type"] != "text" or block["text"].strip()]
