"""Texts cut into pieces of about one size, along their own borders."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LETTERS = 8
"""Most characters of a token, about; a longer sentence is not weighed whole again and again."""
_BORDER = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True)
class Chunk:
    """A piece of a corpus, and what it is made of."""

    text: str
    sources: tuple[str, ...]


def chunks(texts: Sequence[tuple[str, tuple[str, ...]]], size: int, estimate: Callable[[str], int]) -> list[Chunk]:
    """Consecutive texts joined up to `size` tokens each; one that is longer is cut between its sentences.

    Adding texts at the end changes no chunk but the last.

    Args:
        texts: each with its sources.
        estimate: tokens of a text.
    """
    found: list[Chunk] = []
    held: list[str] = []
    sources: dict[str, None] = {}
    used = 0
    for text, given in texts:
        for piece in _pieces(text, size, estimate):
            more = estimate(piece) + 1
            if held and used + more > size:
                found.append(Chunk("\n".join(held), tuple(sources)))
                held, sources, used = [], {}, 0
            held.append(piece)
            sources.update(dict.fromkeys(source for source in given if source))
            used += more
    return [*found, Chunk("\n".join(held), tuple(sources))] if held else found


def _pieces(text: str, size: int, estimate: Callable[[str], int]) -> list[str]:
    if estimate(text) < size:
        return [text] if text.strip() else []
    found: list[str] = []
    for sentence in filter(None, map(str.strip, _BORDER.split(text))):
        while sentence:
            piece = sentence[: size * LETTERS]
            while estimate(piece) >= size and len(piece) > 1:
                piece = piece[: len(piece) // 2]
            if found and estimate(f"{found[-1]} {piece}") < size:
                found[-1] = f"{found[-1]} {piece}"
            else:
                found.append(piece)
            sentence = sentence[len(piece) :]
    return found
