"""BM25 over a handful of documents.

For tool lists and the like, which live in memory; larger sets belong in a store's full text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from scrimp.core.words import words

__all__ = ["BM25", "ranks", "words"]

K1, B = 1.5, 0.75
"""BM25's usual constants (Robertson and Zaragoza 2009)."""


class BM25:
    """Scores of documents for a query, in the order the documents were given."""

    def __init__(self, documents: Sequence[str]) -> None:
        counts = [Counter(words(document)) for document in documents]
        lengths = [sum(one.values()) for one in counts]
        mean = sum(lengths) / len(documents) if documents else 0.0
        seen = Counter(word for one in counts for word in one)
        self._size = total = len(documents)
        self._gains: dict[str, list[tuple[int, float]]] = {}  # by word: each document that has it, and what it gains
        for place, one in enumerate(counts):
            norm = K1 * (1 - B + B * lengths[place] / mean) if mean else K1
            for word, count in one.items():
                weight = math.log(1 + (total - seen[word] + 0.5) / (seen[word] + 0.5))
                gain = weight * count * (K1 + 1) / (count + norm)
                self._gains.setdefault(word, []).append((place, gain))

    def scores(self, query: str) -> list[float]:
        """BM25 of every document; 0 where no word is shared."""
        result = [0.0] * self._size
        for word in words(query):
            for place, gain in self._gains.get(word, ()):
                result[place] += gain
        return result


def ranks(scores: Sequence[float]) -> list[int]:
    """Rank of each item from 0, best first; ties keep their order."""
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    result = [0] * len(scores)
    for rank, index in enumerate(order):
        result[index] = rank
    return result
