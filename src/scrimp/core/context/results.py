"""What an agent is shown of a tool's result: a long one is kept aside under a handle, a failure seen before is named.

The journal holds every result whole, so that a replay and a resume keep the same things aside. What is kept lives as
long as its run and is reached by nobody else.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scrimp.core.messages import ToolCall, canonical
from scrimp.core.tool import Tool, ToolResult

if TYPE_CHECKING:
    from scrimp.core.context.doors import Context

MOST_TEXT = 200_000
"""Characters of a result that an agent can be shown at all."""
MOST_KEPT = 20_000_000
"""Characters of a result that are kept aside; the rest is left out, and said to be."""
HEAD = 0.7
"""Share of what is shown that stands before the cut: most results begin with what matters."""
READER = "read_result"


@dataclass
class Results:
    """What one run keeps of its tools' results.

    Attributes:
        aside: long results by handle.
        failures: how often each call, and each error of a tool, was seen, by place in the run.
    """

    aside: dict[str, str] = field(default_factory=dict)
    failures: dict[str, Counter[tuple[str, ...]]] = field(default_factory=dict)

    def shown(self, result: ToolResult, limit: int) -> ToolResult:
        """The result as an agent sees it: beginning, end and a handle where it is longer than `limit` characters."""
        if not limit or len(result.text) <= limit:
            return result
        handle = f"result_{hashlib.sha256(result.text.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"
        self.aside[handle] = result.text
        how = f"{READER} with handle {handle!r} gives any part"
        return replace(result, text=ends(result.text, limit, how))

    def noted(self, span: str, calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> list[ToolResult]:
        """Failures that were seen before in this place of the run are said to be; counted in the order of the calls."""
        seen = self.failures.setdefault(span, Counter())
        told = []
        for call, result in zip(calls, results, strict=True):
            if result.status != "error":
                told.append(result)
                continue
            same, alike = (call.name, canonical(call.arguments), result.text), (call.name, result.text)
            seen[same] += 1
            seen[alike] += 1
            told.append(replace(result, text=result.text + _note(call.name, seen[same], seen[alike])))
        return told


def ends(text: str, limit: int, remedy: str) -> str:
    """Beginning and end of a text, `limit` characters together, and between them what is missing and how to get it."""
    head = int(limit * HEAD)
    left_out = len(text) - limit
    return f"{text[:head]}\n[... {left_out:,} characters left out; {remedy} ...]\n{text[len(text) - (limit - head) :]}"


def bounded(text: str, most: int) -> str:
    """A text that no prompt could hold, or no journal should, cut in the middle."""
    if len(text) <= most:
        return text
    head, tail = text[: most * 3 // 4], text[-(most // 4) :]
    return f"{head}\n[... {len(text) - len(head) - len(tail):,} characters left out ...]\n{tail}"


def _note(tool: str, same: int, alike: int) -> str:
    if same > 1:
        return f"\n[the same call failed like this {_times(same - 1)} before; change it, or do without it]"
    if alike > 2:
        return f"\n[{tool} failed like this {_times(alike - 1)} before, with other arguments]"
    return ""


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


async def _read(given: Mapping[str, Any], ctx: Context) -> ToolResult:
    limit = ctx._means.settings.offload
    aside = ctx._run.results.aside
    text = aside.get(str(given.get("handle", "")))
    if text is None:
        known = ", ".join(aside) or "none so far"
        return ToolResult(
            f"error: nothing is kept under {given.get('handle')!r}; handles of this run: {known}", "error"
        )
    if words := str(given.get("find", "") or ""):
        return ToolResult(_lines_with(text, words, limit))
    start, length = _number(given.get("start"), 0), _number(given.get("length"), limit)
    piece = text[start : start + min(length, limit)]
    return ToolResult(f"[characters {start:,} to {start + len(piece):,} of {len(text):,}]\n{piece}")


def _lines_with(text: str, words: str, limit: int) -> str:
    """The lines that hold the words, each with the place of its first character, as many as fit."""
    found, used, at, wanted, more = [], 0, 0, words.casefold(), 0
    for line in text.split("\n"):
        place = line.casefold().find(wanted)
        if place >= 0:
            piece = f"{at}: {line[max(place - limit // 4, 0) : place + limit // 4]}"
            used += len(piece) + 1
            if used <= limit:
                found.append(piece)
            else:
                more += 1
        at += len(line) + 1
    head = f"[{len(found) + more} lines hold {words!r}{f', {more} of them left out' if more else ''}]"
    return "\n".join([head, *found])


def _number(given: Any, default: int) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else default


READ = Tool(
    READER,
    "Read a part of a long tool result that was left out, by its handle.",
    {
        "type": "object",
        "properties": {
            "handle": {"type": "string", "description": "As the shortened result names it."},
            "start": {"type": "integer", "description": "First character, from 0."},
            "length": {"type": "integer", "description": "Characters to read."},
            "find": {"type": "string", "description": "Instead: the lines that hold these words."},
        },
        "required": ["handle"],
        "additionalProperties": False,
    },
    call_in=_read,
    pure=True,
    source="scrimp",
)
"""Offered where long results are kept aside (`offload` of the System)."""
