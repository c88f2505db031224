"""Who hears whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def complete(names: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair of (speaker, hearer): what complete debate sends in each round."""
    return [(speaker, hearer) for hearer in names for speaker in names if speaker != hearer]


def groups(names: Sequence[str], size: int = 0) -> list[tuple[str, ...]]:
    """Groups of neighbours, as even as they can be.

    Args:
        size: most agents of a group; about the square root of all of them where 0, the cheapest by GroupDebate's
            count (arXiv 2409.14051).
    """
    count = math.ceil(len(names) / size) if size else round(math.sqrt(len(names)))
    borders = [round(place * len(names) / count) for place in range(count + 1)]
    return [tuple(names[low:high]) for low, high in pairwise(borders)]
