"""Words of a text, English and Chinese: what every lexical search of ours compares.

A store's full text keeps these words, so a change of them is a change of its files (stores/ counts `WORDS_VERSION`).
"""

from __future__ import annotations

import re

WORDS_VERSION = 1

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
