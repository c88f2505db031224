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
from scrimp.core.messages import Message, canonical

NAME = "unused-results"
TITLE = "Tool results that nothing later refers to"
HINT = "clear-tool-results"

AT_LEAST = 100
"""Estimated tokens under which a result is no waste worth telling."""

SENT_AGAIN = 2
"""Prompts that must have held it: the first is how the agent saw it."""

_WORDS = re.compile(r"\d[\d.,:-]{2,}|[^\W\d_\u3400-\u9fff]{4,}")
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
    said = [(at, said_by(call.step.answer)) for at, call in index.calls]
    words_said = [(at, set(_WORDS.findall(text)), text) for at, text in said]
    for use in candidates:
        message = use.message
        assert message is not None
        first = index.sent[id(message)][0]
        later = [(own, text) for at, own, text in words_said if at >= first]
        if _plainly_used(index, message, first, set[str]().union(*(own for own, _ in later))):
            continue
        words = distinctive(index, message, first)
        if words and not any(word in text for _, text in later for word in words):
            tokens, cost = index.of_message(message, after=first)
            detail = f"nothing that was written later refers to this result of {use.call.name}"
            yield Finding(NAME, use.step, use.where, detail, tokens, cost, 0.0, message, (0, len(message.text)))


def _plainly_used(index: Index, message: Message, first: int, later: set[str]) -> bool:
    """Whether a word of a result was said later that no text before it holds: the common case, and cheap to see."""
    said = later & index.words(message, words_of)
    if not said:
        return False
    before = "\n".join(index.low(earlier) for earlier in _before(index, message, first))
    return any(word not in before for word in said)


def distinctive(index: Index, message: Message, first: int) -> frozenset[str]:
    """Words of a result that stood nowhere before it."""
    words = index.words(message, words_of)
    for earlier in _before(index, message, first):
        words = words - index.words(earlier, words_of)
    return words


def _before(index: Index, message: Message, first: int) -> Iterator[Message]:
    """The messages before one, in the prompt that it came in first."""
    return takewhile(lambda earlier: earlier is not message, index.run.calls[first].step.request.messages)


@lru_cache(maxsize=64)
def words_of(text: str) -> frozenset[str]:
    """Words by which a text could be referred to; remembered, since runs have the same system prompt."""
    words = frozenset(_WORDS.findall(text.lower()))
    if not text.isascii():
        words |= {run[at : at + 2] for run in _CHINESE.findall(text) for at in range(len(run) - 1)}
    return words


def said_by(message: Message) -> str:
    """What a model wrote, calls included, in small letters."""
    calls = (call.raw or canonical(call.arguments) for call in message.tool_calls)
    return "\n".join((message.text, *calls)).lower()
