"""Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): one ranking out of several.

It looks at ranks only, so that a cosine and a BM25 score need no common scale.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

FUSION = 60
"""The constant of the paper: how fast a rank loses weight."""


def fuse(*rankings: Sequence[T], constant: int = FUSION) -> list[tuple[T, float]]:
    """Everything that any ranking holds, with the sum of 1 / (constant + rank), best first.

    Args:
        rankings: things from the best down; each once in each.
        constant: the larger, the less the first ranks stand out.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (constant + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])
