"""Tool results that nothing later refers to, and that were sent again and again all the same.

A later text refers to a result where it holds one of the result's distinctive words: numbers of three digits and more,
words of four letters and more, and pairs of Chinese characters, that stood in no earlier message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile

from scrimp.audit.index import Finding, Index
from scrimp.core.messages import Message

NAME = "unused-results"
TITLE = "Tool results that nothing later refers to"
HINT = "clear-tool-results"

AT_LEAST = 100
"""Estimated tokens under which a result is no waste worth telling."""

SENT_AGAIN = 2
"""Prompts that must have held it: the first is how the agent saw it."""

_WORDS = re.compile(r"\d[\d.,:-]{2,}|[^\W\d_\u3400-\u9fff]{4,}")
_PLAIN = re.compile(r"\d[\d.,:-]{2,}|[a-z]{4,}")
"""The same for ASCII, which is faster."""

_CHINESE = re.compile(r"[\u3400-\u9fff]{2,}")


def find(index: Index) -> Iterator[Finding]:
    """Every large result without a reference; it costs its tokens in every prompt after the first."""
    candidates = [
        use for use in index.run.trace.tools
        if use.message is not None and len(use.message.text) > 3 * AT_LEAST
        and index.run.sizes.message(use.message) >= AT_LEAST
        and len(index.sent.get(id(use.message), ())) >= SENT_AGAIN
    ]  # fmt: skip
    if not candidates:
        return
    said = [(at, index.words(call.step.answer, words_of), index.low(call.step.answer)) for at, call in index.calls]
    before = Before(index)
    for use in candidates:
        message = use.message
        assert message is not None
        first = index.sent[id(message)][0]
        words = index.words(message, words_of) - before.of(message, first)
        later = [(own, text) for at, own, text in said if at >= first]
        if not words or not all(words.isdisjoint(own) for own, _ in later):
            continue
        if not any(word in text for _, text in later for word in words):
            tokens, cost = index.of_message(message, after=first)
            detail = f"nothing that was written later refers to this result of {use.call.name}"
            yield Finding(NAME, use.step, use.where, detail, tokens, cost, 0.0, message, (0, len(message.text)))


class Before:
    """Words of the messages before a result; those that were before the result asked for last are looked at once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._messages: tuple[Message, ...] = ()
        self._words: set[str] = set()

    def of(self, message: Message, first: int) -> set[str]:
        """Words of what stands before a message in the prompt of a step."""
        prompt = self._index.run.calls[first].step.request.messages
        before = tuple(takewhile(lambda earlier: earlier is not message, prompt))
        if before[: len(self._messages)] != self._messages:
            self._messages, self._words = (), set()
        for earlier in before[len(self._messages) :]:
            self._words |= self._index.words(earlier, words_of)
        self._messages = before
        return self._words


@lru_cache(maxsize=64)
def words_of(low: str) -> frozenset[str]:
    """Words by which a text in small letters could be referred to; remembered: runs have the same system prompt."""
    if low.isascii():
        return frozenset(_PLAIN.findall(low))
    pairs = {run[at : at + 2] for run in _CHINESE.findall(low) for at in range(len(run) - 1)}
    return frozenset(pairs.union(_WORDS.findall(low)))
