"""Calls made one after the other although the later did not need what the earlier gave.

Both only look, the later one's arguments stood in the conversation before the earlier one's result came, and nothing
was said in between. It is an upper bound: a model may have had reasons that no text shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from scrimp.audit.index import Finding, Index, only_looks
from scrimp.audit.measure import Call
from scrimp.core.messages import ToolCall, canonical

NAME = "sequential-calls"
TITLE = "Calls one by one that did not depend on each other"
HINT = "parallel-calls"


def find(index: Index) -> Iterator[Finding]:
    """Every model call that could have been spared, had its tool call been asked for together with the one before."""
    for first, second in independent(index):
        call = index.run.calls[second].step.answer.tool_calls[0]
        tokens, cost = index.of_call(second)
        detail = f"{call.name} did not need the result before it: both could have been asked for at once"
        seconds = index.run.trace.steps[second].seconds or 0.0
        yield Finding(NAME, second, index.where(second), detail, tokens, cost, seconds,
                      index.run.calls[first].step.answer)  # fmt: skip


def independent(index: Index) -> Iterator[tuple[int, int]]:
    """Pairs of steps, one after the other, whose only tool calls did not depend on each other."""
    for (first, one), (second, other) in pairwise(index.calls):
        before, after = one.step.answer.tool_calls, other.step.answer.tool_calls
        if len(before) != 1 or len(after) != 1 or one.step.agent != other.step.agent or other.step.answer.text:
            continue
        if not (only_looks(before[0].name) and only_looks(after[0].name)):
            continue
        results = [use for use in index.uses_of.get(first, ()) if use.result is not None]
        if len(results) == 1 and not results[0].failed and _known_before(index, one, after[0]):
            yield first, second


def _known_before(index: Index, one: Call, call: ToolCall) -> bool:
    """Whether every value that a call was given stood in the conversation already, when the call before was made."""
    values = [value.lower() for value in _values(call.arguments)]
    asked = [canonical(earlier.arguments).lower() for earlier in one.step.answer.tool_calls]
    said = [*asked, *map(index.low, reversed(one.step.request.messages))]
    return bool(values) and all(any(value in text for text in said) for value in values)


def _values(value: Any) -> Iterator[str]:
    """The values in arguments as texts; those too short to tell anything are left out."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) > 1:
        yield str(value)
