"""How much a model has sent, and whether that can still lie within the output cap it was given.

A server that ignores its cap can bill without end. The door cuts it off once its answer has certainly passed the cap,
and charges what had come by then.
"""

from __future__ import annotations

from scrimp.core.messages import Delta

LONGEST = 12
"""Characters a token has on average at most. No prose, code or table comes near it in any language: English has 4.5,
Hindi, which o200k compresses best, about 6. A run of one repeated character can pass it, and is then cut."""

ALLOWANCE = 1024
"""Characters that any answer may have, so that a short one is not cut for one long run of blanks or dashes."""

LONGEST_TOKEN = 128
"""Bytes of the longest token of any vocabulary known: runs of blanks and dashes."""


class Received:
    """Counts what comes in.

    Args:
        cap: output tokens that were asked for at most.
    """

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.characters = self.size = 0
        self._unseen = self._calls = 0

    def add(self, delta: Delta) -> None:
        """Count a piece: its words, and what its adapter says has come without being shown."""
        self.characters += len(delta.text)
        self.size += len(delta.text.encode("utf-8", "surrogatepass"))
        self._unseen += delta.unseen
        for call in delta.tool_calls:
            self._calls += len((call.name + (call.raw or str(call.arguments))).encode("utf-8", "surrogatepass"))

    @property
    def passed(self) -> bool:
        """Whether this is more than the cap allows, however long its tokens are."""
        unseen = max(self._unseen, self._calls)  # a call that was watched while it was written comes whole as well
        return self.characters + unseen > LONGEST * self.cap + ALLOWANCE

    @property
    def least(self) -> int:
        """Output tokens that there are in what came, however long each is."""
        return -(-(self.size + self._calls) // LONGEST_TOKEN)

    @property
    def most(self) -> int:
        """Output tokens that can have been billed: a token for every byte that came, and as many under way again."""
        return max(2 * (self.size + max(self._unseen, self._calls)), self.cap)
