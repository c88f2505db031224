"""How the question-answering sets compare words: normalising, equality, and the F1 of shared words."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from scrimp.core.errors import InputError

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ARTICLES_AND = re.compile(r"\b(?:a|an|the|and)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_EITHER_OR = ("yes", "no", "noanswer")


def normal(text: str) -> str:
    """Small letters, no punctuation, no articles, single blanks (SQuAD's rule, as HotpotQA and NQ use it)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def f1(said: Sequence[str], gold: Sequence[str]) -> float:
    """F1 of two bags of words; 0 where nothing is shared."""
    shared = sum((Counter(said) & Counter(gold)).values())
    return 2 * shared / (len(said) + len(gold)) if shared else 0.0


def exact(said: str, gold: str) -> bool:
    """HotpotQA's exact match."""
    return normal(said) == normal(gold)


def hotpot_f1(said: str, gold: str) -> float:
    """HotpotQA's answer F1: 0 where one side is yes, no or noanswer and the other is not the same."""
    one, other = normal(said), normal(gold)
    if one != other and (one in _EITHER_OR or other in _EITHER_OR):
        return 0.0
    return f1(one.split(), other.split())


def stemmed(text: str) -> list[str]:
    """LoCoMo's words: small letters, no punctuation, no a/an/the/and, each cut to its Porter stem."""
    words = _ARTICLES_AND.sub(" ", text.replace(",", "").lower().translate(_PUNCTUATION)).split()
    stem = _stemmer()
    return [stem(word) for word in words]


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    try:
        from snowballstemmer import stemmer
    except ImportError as error:
        raise InputError("LoCoMo's F1 needs a Porter stemmer", remedy="pip install 'scrimp[bench]'") from error
    stem: Callable[[str], str] = stemmer("porter").stemWord
    return stem
