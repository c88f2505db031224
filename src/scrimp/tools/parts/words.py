"""Words of a text, English and Chinese, and BM25 over a handful of documents.

For tool lists and the like, which live in memory; larger sets belong in a store's full text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

K1, B = 1.5, 0.75
"""BM25's usual constants (Robertson and Zaragoza 2009)."""

_WORD = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+", re.UNICODE)
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_STOP_WORDS = (
    "a an and are as at be by for from has have how i in is it its me of on or please that the this to was what when "
    "where which who will with you your"
)
_COMMON = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Lower-case words without the commonest ones; runs of Chinese, Japanese or Korean as character pairs."""
    lowered = text.lower()
    found = [_stem(word) for word in _WORD.findall(lowered) if word not in _COMMON]
    for run in _IDEOGRAPHS.findall(lowered):
        found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
    return found


def _stem(word: str) -> str:
    """Plurals and the commonest verb endings off; enough for short documents."""
    for ending in ("ies", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


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
