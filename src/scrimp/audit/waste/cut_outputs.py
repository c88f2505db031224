"""Answers that were cut off and asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scrimp.audit.index import Finding, Index

NAME = "cut-outputs"
TITLE = "Reasoning or output that was cut and repeated"
HINT = "raise the output limit of these calls, or ask for less"


def find(index: Index) -> Iterator[Finding]:
    """Every cut answer behind which the same prompt was sent again, or had to go on with it."""
    for (at, call), (_, following) in pairwise(index.calls):
        if call.step.finish not in ("length", "cut") or call.step.agent != following.step.agent:
            continue
        sent, again = call.step.request.messages, following.step.request.messages
        if again[: len(sent)] == sent:
            same = len(again) == len(sent)
            tokens, cost = index.of_call(at)
            detail = "the answer was cut off and " + (
                "the same request was sent again" if same else "had to be resumed"
            )
            yield Finding(NAME, at, index.where(at), detail, tokens, cost, call.step.seconds or 0.0, call.step.answer,
                          (0, len(call.step.answer.text)))  # fmt: skip
