"""The same tool call again, with the same result, and nothing in between that could have changed it."""

from __future__ import annotations

from collections.abc import Iterator

from scrimp.audit.index import Finding, Index, only_looks, plus
from scrimp.audit.trace import ToolUse

NAME = "repeated-calls"
TITLE = "The same call again, with the same result"
HINT = "deduplicate-calls"


def find(index: Index) -> Iterator[Finding]:
    """Every repetition: its result in all later prompts, and the model call where that asked for nothing else."""
    for use in repeats(index):
        message = use.message
        assert message is not None
        tokens, cost = index.of_message(message)
        if len(index.uses_of[use.step]) == 1:
            more, price = index.of_call(use.step)
            tokens, cost = tokens + more, plus(cost, price)
        detail = f"{use.call.name} was called again with the same arguments and gave the same result"
        yield Finding(NAME, use.step, use.where, detail, tokens, cost, use.seconds or 0.0, message,
                      (0, len(message.text)))  # fmt: skip


def repeats(index: Index) -> Iterator[ToolUse]:
    """Calls of tools that only look, whose equal came before with the same result and no change in between."""
    seen: dict[str, str | None] = {}
    for use, key in index.uses:
        if use.failed:
            continue
        if not only_looks(use.call.name):
            if key not in seen:
                seen.clear()  # what was read before may be different now
            seen[key] = use.result
            continue
        if key in seen and seen[key] == use.result and use.message is not None:
            yield use
        seen[key] = use.result
