"""Pictures that were sent again after a newer one had come."""

from __future__ import annotations

from collections.abc import Iterator

from scrimp.audit.index import Finding, Index
from scrimp.core.messages import Image, Message

NAME = "stale-images"
TITLE = "Old pictures sent again"
HINT = "drop-images"


def find(index: Index) -> Iterator[Finding]:
    """Every picture that was sent beside a newer one; each costs its tokens in those prompts."""
    if not index.run.sizes.pictured:
        return
    stale: dict[int, tuple[Message, list[int]]] = {}
    for at, call in index.calls:
        newer = False
        for message in reversed(call.step.request.messages):
            if any(isinstance(part, Image) for part in message.parts):
                if newer:
                    stale.setdefault(id(message), (message, []))[1].append(at)
                newer = True
    for message, steps in stale.values():
        tokens, cost = index.kept(index.run.sizes.images(message), steps)
        detail = f"a picture was sent {len(steps)} more times after a newer one had come"
        yield Finding(NAME, steps[0], index.where(steps[0]), detail, tokens, cost, 0.0, message)
