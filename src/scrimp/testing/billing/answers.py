"""What the server answers: a function of the request, or the next of a list that it was given."""

from __future__ import annotations

import itertools
import random
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scrimp.testing.billing.tokens import PER_CALL, Piece, count, dense, pieces

_NAME = re.compile(r"(?:.*[/-])?(words|zh)-(\d+)$")
_WORDS = (
    "cat",
    "dog",
    "sun",
    "map",
    "ink",
    "owl",
    "sea",
    "fig",
    "oak",
    "tin",
    "jar",
    "ash",
    "elm",
    "fox",
    "gem",
    "hat",
)
_HAN = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"
DEFAULT = 20


@dataclass(frozen=True)
class Answer:
    """What is to be said: `reasoning` tokens first, then words, then a tool call."""

    text: str = ""
    reasoning: int = 0
    tool: str = ""
    arguments: str = ""

    @classmethod
    def from_json(cls, data: Any) -> Answer:
        """From a string, or from `text`, `reasoning` and `tool` with `name` and `arguments`."""
        if isinstance(data, str):
            return cls(data)
        tool = data.get("tool") or {}
        arguments = tool.get("arguments", {})
        written = arguments if isinstance(arguments, str) else dense(arguments)
        return cls(str(data.get("text", "")), int(data.get("reasoning", 0)), str(tool.get("name", "")), written)

    @classmethod
    def of_model(cls, name: str, last: bytes, size: int) -> Answer:
        """As long as the model's name says: `words-40` is 40 tokens of words, `zh-40` of Chinese. The same request
        has the same answer."""
        found = _NAME.match(name)
        kind, wanted = (found[1], int(found[2])) if found else ("words", DEFAULT)
        chance = random.Random(zlib.crc32(last))
        written, said = 0, []
        while written < wanted:
            word = chance.choice(_HAN) if kind == "zh" else " " + chance.choice(_WORDS)
            written += count(word.encode(), size)
            said.append(word)
        return cls("".join(said))

    def pieces(self, size: int) -> Iterator[Piece]:
        """The answer as it is written."""
        for _ in range(self.reasoning):
            yield Piece("reasoning", "hm ", 1)
        yield from pieces(self.text, size)
        if self.tool:
            yield Piece("call", self.tool, PER_CALL + count(self.tool.encode(), size))
            yield from pieces(self.arguments, size, "arguments")


def endless(kind: str, size: int) -> Iterator[Piece]:
    """Pieces of one kind without end."""
    if kind == "endless_reasoning":
        yield from (Piece("reasoning", "hm ", 1) for _ in itertools.count())
    if kind == "endless_call":
        yield Piece("call", "look_up", PER_CALL + count(b"look_up", size))
        yield from pieces('{"query": "', size, "arguments")
        for word in itertools.cycle(_WORDS):
            yield from pieces(" " + word, size, "arguments")
    for word in itertools.cycle(_WORDS):
        yield from pieces(" " + word, size)


def capped(answer: Iterator[Piece], cap: int) -> Iterator[Piece]:
    """What of an answer fits the cap; the rest is not begun. The last piece is an empty one of the kind that says how
    it ended: stop, length or call."""
    left, called = cap, False
    for piece in answer:
        if piece.tokens > left:
            yield Piece("length", "", 0)
            return
        left -= piece.tokens
        called = called or piece.kind == "call"
        yield piece
    yield Piece("called" if called else "stop", "", 0)
