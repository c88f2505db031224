"""Which runs are drawn where not all are looked at: told by their names, so that the same are drawn again."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from scrimp.audit.trace import Trace

FILES = 20
"""Draws of files, where runs are drawn from some files only."""


def drawn(trace: Trace, share: float) -> bool:
    """Whether a run is among the drawn ones."""
    if share >= 1:
        return True
    digest = hashlib.blake2b(f"{trace.path}\0{trace.id}".encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest, "big") < share * 2**32


def from_files(runs: Sequence[int], wanted: int) -> dict[int, float]:
    """By the place of a file, the share of its runs that is drawn, so that few files have to be read again.

    Files are drawn in proportion to their runs, one from each stretch of as many runs, and each draw takes the same
    number of runs, so that every run is as likely as every other (Cochran 1977, Sampling Techniques, section 9A.3).

    Args:
        runs: of each file.
        wanted: runs in all; all of them where there are no more.
    """
    ends = list(accumulate(runs))
    whole = ends[-1] if ends else 0
    if whole <= wanted:
        return {at: 1.0 for at, count in enumerate(runs) if count}
    random = Random(0)
    draws = Counter(bisect_right(ends, int((at + random.random()) * whole / FILES)) for at in range(FILES))
    return {at: min(1.0, draws[at] * wanted / FILES / runs[at]) for at in sorted(draws)}
