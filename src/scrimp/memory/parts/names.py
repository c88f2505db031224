"""Which of the known names a name means: cheap ways first, so that a model is asked about the rest only.

Exact after normalising; then, for names that are long and varied enough to tell, shingles compared through MinHash and
locality-sensitive hashing (Broder 1997; constants of Zep's engine).
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

PERMUTATIONS, BAND = 32, 4
SHINGLE = 3
LIKE = 0.9
"""Share of common shingles from which on two names are one."""
LONG, VARIED = 6, 1.5
"""Characters (or two words), and bits of entropy, below which a fuzzy match would be a guess."""


def normal(name: str) -> str:
    """A name without case, accents and blanks that mean nothing."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def resolve(name: str, known: Sequence[str]) -> int | None:
    """The place of the known name that is surely meant; None where that cannot be told cheaply."""
    wanted = normal(name)
    plain = [normal(other) for other in known]
    if wanted in plain:
        return plain.index(wanted)
    if not telling(wanted):
        return None
    mine = shingles(wanted)
    bands = _bands(mine)
    best: tuple[float, int] | None = None
    for place, other in enumerate(plain):
        if not telling(other):
            continue
        theirs = shingles(other)
        if bands & _bands(theirs):
            like = len(mine & theirs) / len(mine | theirs)
            if like >= LIKE and (best is None or like > best[0]):
                best = like, place
    return None if best is None else best[1]


def telling(name: str) -> bool:
    """Whether a name is long and varied enough to be matched though it differs."""
    counts = Counter(name.replace(" ", ""))
    total = sum(counts.values())
    entropy = -sum(count / total * math.log2(count / total) for count in counts.values()) if total else 0.0
    return (len(name) >= LONG or len(name.split()) >= 2) and entropy >= VARIED


def shingles(name: str) -> frozenset[str]:
    """Runs of three characters."""
    body = name.replace(" ", "")
    return frozenset(body[place : place + SHINGLE] for place in range(max(1, len(body) - SHINGLE + 1)))


def _bands(pieces: frozenset[str]) -> frozenset[tuple[int, ...]]:
    """The bands of a MinHash signature; two sets of pieces that share one are worth comparing."""
    signature = [min(crc32(f"{seed}:{piece}".encode()) for piece in pieces) for seed in range(PERMUTATIONS)]
    return frozenset(
        (place, *signature[place : place + BAND]) for place in range(0, PERMUTATIONS, BAND)
    )  # fmt: skip
