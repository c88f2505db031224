"""`tokens.estimate` over many texts at once, with arrays in place of a regular expression.

Every character has a kind (one look-up), and most prices can be put on single characters: on each one of a script that
is counted by character, on the first letter of a word and on each from the ninth on, on the first of white space unless
it is a lone space before a word. Only digits, marks, words with accents and letters of other scripts are priced run by
run. The kinds and prices are those of `tokens.py`; a test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scrimp.models.tokens import UNIT, estimate, whole

Kinds = NDArray[np.uint8]
Prices = NDArray[np.uint8]
Places = NDArray[np.int64]

SPACE, WHITE, DIGIT, MARK, LETTER, ACCENTED, HAN, HANGUL, WIDE, FOREIGN, OTHER, BETWEEN = range(12)
"""Kinds of characters: the space, other white space, digits, ASCII marks, Latin letters without and with accents, Han
and kana, hangul, full-width marks, letters of other scripts, all else; and what stands between two texts. The numbers
matter: white space is below digits, and digits and marks differ in the last bit alone."""

_RANGES = (
    (SPACE, r"\x20"), (DIGIT, r"0-9"), (LETTER, r"A-Za-z"), (ACCENTED, r"\u00c0-\u024f"),
    (HAN, r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"), (HANGUL, r"\uac00-\ud7af"),
    (WIDE, r"\u2010-\u2027\u3000-\u303f\uff00-\uffef"), (FOREIGN, r"^\W\d_\x00-\x7f"), (WHITE, r"\s"),
    (MARK, r"!-/:-@\[-`{-~"),
)  # fmt: skip

GRAIN = 8
"""Units in which single characters are priced: a price fits a byte."""

TOKEN, LATE = UNIT // GRAIN, 40 // GRAIN
"""Prices of a token, and of each letter of a word from its ninth on."""

EACH = {HAN: 168 // GRAIN, HANGUL: 192 // GRAIN, WIDE: 216 // GRAIN, OTHER: 384 // GRAIN}
"""Prices of the kinds that are counted by character."""

TOP = 8
"""Tokens of a run that its first character can carry."""

CHUNK = 1 << 18
"""Characters that are counted at once: about what a processor's cache holds."""

FEW = 250
"""Characters below which a regular expression is faster."""

HELD = 1 << 21
"""Characters of counted texts that are remembered: system prompts and results come again in other runs."""

_CUT = re.compile(r"(?<=[A-Za-z])(?= )|(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])")
"""Where a long text may be cut: no run goes on there whose price depends on its length."""


class _Memory:
    """Texts that were counted lately; all are forgotten once they hold too much."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self._size = 0

    def add(self, texts: Sequence[str], counted: Sequence[int]) -> None:
        self._size += sum(map(len, texts))
        if self._size > HELD:
            self.known, self._size = {}, 0
        else:
            self.known.update(zip(texts, counted, strict=True))


_MEMORY = _Memory()


def count_many(texts: Sequence[str]) -> list[int]:
    """The likely number of tokens of each text; equal texts are counted once, and those of a while ago are known."""
    known = _MEMORY.known
    found = {text: known.get(text, -1) for text in texts}
    fresh = [text for text, tokens in found.items() if tokens < 0]
    # Text that is all ASCII takes a quarter of the memory, and fewer steps.
    for group in ([text for text in fresh if text.isascii()], [text for text in fresh if not text.isascii()]):
        for part in _parts(group):
            counted = counted_together(part) if sum(map(len, part)) >= FEW else [estimate(text) for text in part]
            found.update(zip(part, counted, strict=True))
            _MEMORY.add(part, counted)
    return [found[text] for text in texts]


def counted_together(texts: Sequence[str]) -> list[int]:
    """The same by arrays alone, whatever there is to count; a long text is cut, so that the arrays stay small."""
    if len(texts) == 1 and len(texts[0]) > 2 * CHUNK:
        return [whole(sum(int(_units((piece,))[0]) for piece in _pieces(texts[0])))]
    units = _units(texts)
    tokens: list[int] = np.maximum(1, (units + UNIT // 2) // UNIT).tolist()
    return [count if text else 0 for text, count in zip(texts, tokens, strict=True)] if "" in texts else tokens


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Texts in parts that are counted together; a long one is alone."""
    part: list[str] = []
    size = 0
    for text in texts:
        if size + len(text) > CHUNK and part:
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def _pieces(text: str) -> Iterator[str]:
    """A long text in pieces whose prices add up to its own."""
    begin = 0
    while begin < len(text):
        cut = _CUT.search(text, begin + CHUNK) if begin + CHUNK < len(text) else None
        end = len(text) if cut is None else cut.start()
        yield text[begin:end]
        begin = end


def _units(texts: Sequence[str]) -> Places:
    """The price of each text."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    bounds = np.concatenate([[0], np.cumsum(lengths + 1)])  # a separator stands before each text, and behind the last
    joined = "".join(["\xff", "\xff".join(texts), "\xff" * TOP])
    if all(map(str.isascii, texts)):
        data = joined.encode("latin-1").translate(_byte_kinds())
        kinds: Kinds = np.frombuffer(data, dtype=np.uint8)
        plain = True
    else:
        kinds = _kinds(np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32))
        kinds[bounds] = kinds[bounds[-1] :] = BETWEEN
        data, plain = kinds.tobytes(), False
    prices, extra = _by_character(kinds, data, plain)
    extra += _runs(kinds, prices)
    units: Places = np.add.reduceat(prices, bounds[:-1], dtype=np.int64) * GRAIN
    for places, more in extra:
        np.add.at(units, np.searchsorted(bounds, places, side="right") - 1, more)
    return units


def _by_character(kinds: Kinds, data: bytes, plain: bool) -> tuple[Prices, list[tuple[Places, Places]]]:
    """Prices of the characters between the first and the last, and at some places units to be added."""
    now, after = kinds[1:-1], kinds[2:]
    letter = kinds == LETTER if plain else (kinds == LETTER) | (kinds == ACCENTED)
    white = kinds < DIGIT
    first = white[1:-1] > white[:-2]
    first &= ~((now == SPACE) & (after > DIGIT))  # a lone space is free, but before a number
    first |= letter[1:-1] > letter[:-2]
    prices: Prices = first.view(np.uint8) * np.uint8(TOKEN)
    two = letter[1:] & letter[:-1]
    four = two[2:] & two[:-2]
    nine = (four[4:] & four[:-4])[1:] & letter[:-8]
    prices[7:] += nine[:-1].view(np.uint8) * np.uint8(LATE)
    if OTHER in data or not plain:
        prices += np.frombuffer(data[1:-1].translate(_each()), dtype=np.uint8)
    extra = []
    if HANGUL in data:
        alone = (now == HANGUL) & (kinds[:-2] != HANGUL) & (after != HANGUL)
        prices += alone.view(np.uint8) * np.uint8(TOKEN - EACH[HANGUL])
    if ACCENTED in data:
        extra.append(_accented(letter, now))
    if FOREIGN in data:
        begins, lengths = _spans(kinds == FOREIGN)
        extra.append((begins, np.maximum(UNIT, 75 * lengths)))
    return prices, extra


def _runs(kinds: Kinds, prices: Prices) -> list[tuple[Places, Places]]:
    """Put prices on the first characters of digits and marks; what is more than they can carry is given back."""
    counted = (kinds >> 1) == DIGIT >> 1
    changed = kinds[1:-1] != kinds[:-2]
    begins = np.flatnonzero(counted[1:-1] & changed)
    lengths = np.flatnonzero(counted[:-2] & changed) - begins
    tokens = np.where(kinds[1:-1][begins] == DIGIT, (lengths + 2) // 3, (lengths + 1) >> 1)
    prices[begins] = np.minimum(tokens, TOP) * TOKEN
    long = np.flatnonzero(tokens > TOP)
    return [(begins[long], (tokens[long] - TOP) * UNIT)] if len(long) else []


def _accented(letter: NDArray[np.bool_], now: Kinds) -> tuple[Places, Places]:
    """Where words with accents begin, and what they cost more than words without."""
    begins, lengths = _spans(letter)
    words = np.unique(np.searchsorted(begins, np.flatnonzero(now == ACCENTED), side="right") - 1)
    begins, lengths = begins[words], lengths[words]
    return begins, np.maximum(UNIT, 60 * lengths) - UNIT - 40 * np.maximum(0, lengths - 8)


def _spans(inside: NDArray[np.bool_]) -> tuple[Places, Places]:
    """Where runs begin, counted from the second character, and their lengths."""
    begins = np.flatnonzero(inside[1:-1] > inside[:-2])
    return begins, np.flatnonzero(inside[1:-1] < inside[:-2]) - begins


@lru_cache(maxsize=1)
def _byte_kinds() -> bytes:
    """Kinds of the 128 ASCII characters, and of the separator."""
    return bytes([_kind(chr(code)) for code in range(128)]) + bytes([BETWEEN] * 128)


@lru_cache(maxsize=1)
def _each() -> bytes:
    """The price of a character by its kind, for kinds that are counted by character."""
    return bytes([EACH.get(kind, 0) for kind in range(256)])


@lru_cache(maxsize=1)
def _plane() -> Kinds:
    """Kinds of the 65,536 characters of the basic plane."""
    table = np.full(1 << 16, OTHER, dtype=np.uint8)
    everything = "".join(map(chr, range(1 << 16)))
    for kind, characters in reversed(_RANGES):  # the first that fits stays
        for found in re.finditer(f"[{characters}]+", everything):
            table[found.start() : found.end()] = kind
    return table


def _kinds(codes: NDArray[np.uint32]) -> Kinds:
    """Kinds of any characters."""
    beyond = codes > 0xFFFF
    if not beyond.any():
        basic: Kinds = _plane()[codes]
        return basic
    kinds: Kinds = _plane()[np.where(beyond, 0, codes)]
    for code in np.unique(codes[beyond]):
        kinds[codes == code] = HAN if 0x20000 <= code <= 0x3FFFF else _kind(chr(int(code)))
    return kinds


def _kind(character: str) -> int:
    return next((kind for kind, characters in _RANGES if re.fullmatch(f"[{characters}]", character)), OTHER)
