"""The server's own way to count tokens; it has nothing to do with any count of scrimp's.

Text is cut into pieces of at most `size` bytes of UTF-8, never inside a character, and each piece is one token. With
`size` 1 every byte is a token, the most that a byte-level tokenizer can come to. Around it come the tokens that chat
templates add.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PER_MESSAGE = 4
"""Tokens around one message."""

PER_REQUEST = 3
"""Tokens that open the answer."""

PER_TOOL = 8
"""Tokens around one tool."""

PER_CALL = 3
"""Tokens around a tool call that is written."""

IMAGE = 1000
"""Tokens of a picture of any size."""

TOOL_PREAMBLE = {"openai": 40, "anthropic": 346}
"""Tokens a provider puts before tools; Anthropic publishes 346 for automatic tool choice of Claude 4 models."""


@dataclass(frozen=True)
class Piece:
    """Part of an answer: `kind` is text, reasoning, call (it begins; `text` is the tool's name) or arguments."""

    kind: str
    text: str
    tokens: int


@dataclass(frozen=True)
class Block:
    """Part of a prompt.

    Attributes:
        data: the bytes that are counted and that a cache compares.
        added: tokens beside those of the bytes.
        marked: lifetime in seconds where a cache breakpoint stands at its end, else 0.
    """

    data: bytes
    added: int = 0
    marked: int = 0


def count(data: bytes, size: int) -> int:
    """Tokens of bytes that are not split into pieces."""
    return -(-len(data) // size)


def block_tokens(block: Block, size: int) -> int:
    """Tokens of a block."""
    return block.added + count(block.data, size)


def pieces(text: str, size: int, kind: str = "text") -> Iterator[Piece]:
    """The text, piece by piece. A character longer than `size` bytes is one piece of several tokens."""
    held, length = "", 0
    for character in text:
        width = len(character.encode("utf-8", "surrogatepass"))
        if held and length + width > size:
            yield Piece(kind, held, count(held.encode("utf-8", "surrogatepass"), size))
            held, length = "", 0
        held, length = held + character, length + width
    if held:
        yield Piece(kind, held, count(held.encode("utf-8", "surrogatepass"), size))


def units(blocks: list[Block], size: int) -> Iterator[bytes]:
    """A prompt token by token, as what a cache compares."""
    for block in blocks:
        for number in range(block.added):
            yield b"\x00%d" % number
        for start in range(0, len(block.data), size):
            yield block.data[start : start + size]


def dense(value: Any) -> str:
    """JSON without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
