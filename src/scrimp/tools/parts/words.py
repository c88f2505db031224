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
        self._counts = [Counter(words(document)) for document in documents]
        self._lengths = [sum(counts.values()) for counts in self._counts]
        self._mean = sum(self._lengths) / len(documents) if documents else 0.0
        seen = Counter(word for counts in self._counts for word in counts)
        total = len(documents)
        self._weight = {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in seen.items()}

    def scores(self, query: str) -> list[float]:
        """BM25 of every document; 0 where no word is shared."""
        asked = [word for word in words(query) if word in self._weight]
        result = []
        for counts, length in zip(self._counts, self._lengths, strict=True):
            norm = K1 * (1 - B + B * length / self._mean) if self._mean else K1
            result.append(sum(self._weight[word] * counts[word] * (K1 + 1) / (counts[word] + norm) for word in asked))
        return result


def ranks(scores: Sequence[float]) -> list[int]:
    """Rank of each item from 0, best first; ties keep their order."""
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    result = [0] * len(scores)
    for rank, index in enumerate(order):
        result[index] = rank
    return result
