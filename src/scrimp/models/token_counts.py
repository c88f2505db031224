"""`tokens.estimate` over many texts at once, with arrays in place of a regular expression.

Every character has a kind (one look-up), a run of one kind has a price (by its length), and prices are summed by text.
The kinds and prices are those of `tokens.py`; a test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrimp.models.tokens import UNIT, whole

LETTER, DIGIT, HAN, HANGUL, WIDE, OTHER_LETTER, SPACE, MARK, OTHER = range(1, 10)
"""Kinds of characters: Latin letters, digits, Han and kana, hangul, full-width marks, letters of other scripts, white
space, ASCII marks, all else."""

CHUNK = 2_000_000
"""Characters that are counted at once."""

_RANGES = (
    (LETTER, r"A-Za-z\u00c0-\u024f"), (DIGIT, r"0-9"), (HAN, r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"),
    (HANGUL, r"\uac00-\ud7af"), (WIDE, r"\u2010-\u2027\u3000-\u303f\uff00-\uffef"), (OTHER_LETTER, r"^\W\d_\x00-\x7f"),
    (SPACE, r"\s"), (MARK, r"!-/:-@\[-`{-~"),
)  # fmt: skip


def count_many(texts: Sequence[str]) -> list[int]:
    """The likely number of tokens of each text; equal texts are counted once."""
    counted: dict[str, int] = {"": 0}
    held: list[str] = []
    size = 0
    for text in texts:
        if text in counted:
            continue
        counted[text] = 0
        held.append(text)
        size += len(text)
        if size >= CHUNK:
            counted |= zip(held, _counts(held), strict=True)
            held, size = [], 0
    # Text that is all ASCII takes a quarter of the memory, and half of the steps.
    for group in ([text for text in held if text.isascii()], [text for text in held if not text.isascii()]):
        if group:
            counted |= zip(group, _counts(group), strict=True)
    return [counted[text] for text in texts]


def _counts(texts: Sequence[str]) -> list[int]:
    """Tokens of texts, none of which is empty."""
    joined = "".join(texts)
    ascii_only = joined.isascii()
    if ascii_only:
        codes: NDArray[np.uint32] | NDArray[np.uint8] = np.frombuffer(joined.encode("ascii"), dtype=np.uint8)
        kinds = _ascii()[codes]
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        kinds = _kinds(codes)
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))
    begins = np.concatenate([[0], ends[:-1]])
    change = np.empty(len(kinds), dtype=bool)
    change[0] = True
    np.not_equal(kinds[1:], kinds[:-1], out=change[1:])
    change[begins] = True
    starts = np.flatnonzero(change)
    prices = _prices(codes, kinds, starts, begins, ascii_only)
    sums = np.add.reduceat(prices, np.searchsorted(starts, begins))
    return [whole(int(units)) for units in sums]


def _prices(codes: NDArray[Any], kinds: NDArray[np.uint8], starts: NDArray[np.int64],
            begins: NDArray[np.int64], ascii_only: bool) -> NDArray[np.int64]:  # fmt: skip
    """The price of every run, in units."""
    lengths = np.diff(starts, append=len(kinds))
    run = kinds[starts]
    prices = np.empty(len(starts), dtype=np.int64)
    at = run == LETTER
    prices[at] = UNIT + 40 * np.maximum(lengths[at] - 8, 0)
    if not ascii_only:
        accented = at & (np.add.reduceat(codes > 0x7F, starts, dtype=np.int64) > 0)
        prices[accented] = np.maximum(UNIT, 60 * lengths[accented])
        for kind, least, each in ((HAN, 0, 168), (HANGUL, UNIT, 192), (WIDE, 0, 216), (OTHER_LETTER, UNIT, 75)):
            at = run == kind
            prices[at] = np.maximum(least, each * lengths[at])
    at = run == DIGIT
    prices[at] = UNIT * ((lengths[at] + 2) // 3)
    at = run == MARK
    prices[at] = UNIT * ((lengths[at] + 1) // 2)
    at = run == OTHER
    prices[at] = 384 * lengths[at]
    at = run == SPACE
    prices[at] = UNIT
    # A single space is free, but before a number: there it is a token of its own.
    single = at & (lengths == 1) & (codes[starts] == 0x20)
    following = np.append(run[1:] == DIGIT, False)
    first = np.zeros(len(starts) + 1, dtype=bool)
    first[np.searchsorted(starts, begins)] = True
    prices[single & ~(following & ~first[1:])] = 0
    return prices


@lru_cache(maxsize=1)
def _ascii() -> NDArray[np.uint8]:
    """Kinds of the 128 ASCII characters."""
    return np.array([_kind(chr(code)) for code in range(128)], dtype=np.uint8)


@lru_cache(maxsize=1)
def _plane() -> NDArray[np.uint8]:
    """Kinds of the 65,536 characters of the basic plane."""
    table = np.full(1 << 16, OTHER, dtype=np.uint8)
    everything = "".join(map(chr, range(1 << 16)))
    for kind, characters in reversed(_RANGES):  # the first that fits stays
        for found in re.finditer(f"[{characters}]+", everything):
            table[found.start() : found.end()] = kind
    return table


def _kinds(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Kinds of any characters."""
    beyond = codes > 0xFFFF
    kinds: NDArray[np.uint8] = _plane()[np.where(beyond, 0, codes)]
    if beyond.any():
        for code in np.unique(codes[beyond]):
            kinds[codes == code] = HAN if 0x20000 <= code <= 0x3FFFF else _kind(chr(int(code)))
    return kinds


def _kind(character: str) -> int:
    return next((kind for kind, characters in _RANGES if re.fullmatch(f"[{characters}]", character)), OTHER)
