"""Cache layout: what changes from call to call stands behind what stays.

Tools come in the order of their names, and lines of the system prompt that hold a time, a date or an identifier move to
its end. Nothing is left out, only the order changes, so that a prompt cache finds the same beginning again.
"""

from __future__ import annotations

import re
from functools import lru_cache

from scrimp.core.messages import Message, Request
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.memory.parts.rewriting import Rewritten, with_text

CARD = Card(
    name="cache-layout",
    family="transform",
    title="Prompt-cache layout",
    saves="dollars of prompt tokens that a cache could have served",
    unit="usd",
    against="everything",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
)
VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\b\d{1,2}:\d\d(:\d\d)?\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-|"
    r"(?i:\b(current|today'?s?|now|request|session|trace|run)\b[^\n]{0,24}\b(date|time|id)\b)|\d{4}年\d{1,2}月|当前(时间|日期)"
)
"""What tells a line that changes: a date with a time, a time, a UUID, words like "current time" or "session id"."""


@method(CARD)
class CacheLayout:
    """Order a request so that prompt caches find the same beginning."""

    def __init__(self) -> None:
        self._laid = Rewritten(_laid)

    def apply(self, request: Request) -> Request:
        """The request in a stable order."""
        tools = tuple(sorted(request.tools, key=lambda spec: spec.name))
        first = request.messages[0] if request.messages else None
        laid = self._laid.of(first) if first is not None and first.role == "system" else first
        if tools == request.tools:
            tools = request.tools
        if tools is request.tools and laid is first:
            return request
        messages = request.messages if laid is None else (laid, *request.messages[1:])
        return request.with_(messages=messages, tools=tools)

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE


def _laid(message: Message) -> Message:
    text = message.text
    laid = _reordered(text)
    return message if laid == text else with_text(message, laid)


@lru_cache(maxsize=256)
def _reordered(text: str) -> str:
    """The lines that stay, then those that change; many runs have the same system prompt."""
    staying: list[str] = []
    moving: list[str] = []
    for line in text.split("\n"):
        (moving if VOLATILE.search(line) else staying).append(line)
    return "\n".join([*staying, *moving])
