"""Tool results that are a large part of every later prompt."""

from __future__ import annotations

from collections.abc import Iterator

from scrimp.audit.index import Finding, Index

NAME = "oversized-results"
TITLE = "Oversized tool results"
HINT = "offload-outputs"

LARGE = 2000
"""Estimated tokens above which a result is oversized..."""

SHARE = 0.2
"""...where it is more than this share of the prompt that first held it."""


def find(index: Index) -> Iterator[Finding]:
    """Every oversized result; what it has above the limit is what it costs."""
    for use in index.run.trace.tools:
        message = use.message
        if message is None or len(message.text) < 2 * LARGE:
            continue
        size = index.run.sizes.message(message)
        steps = index.sent.get(id(message), [])
        if size > LARGE and steps and size > SHARE * index.run.calls[steps[0]].prompt:
            tokens, cost = index.kept(size - LARGE, steps)
            detail = f"a result of {use.call.name} has about {size:,} tokens and was sent {len(steps)} times"
            yield Finding(NAME, use.step, use.where, detail, tokens, cost, 0.0, message, (0, len(message.text)))
