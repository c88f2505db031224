"""Drop images: the newest pictures stay, older ones become a word.

Saves the tokens of stale screenshots, the largest part of what a browsing agent re-sends.
"""

from __future__ import annotations

from dataclasses import replace

from scrimp.core.messages import Image, Message, Request, Text
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.memory.parts.rewriting import Rewritten, older, with_messages

CARD = Card(
    name="drop-images",
    family="transform",
    title="Dropping of stale pictures",
    saves="prompt tokens of old pictures",
    against="everything",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
    notes="The tool world has no pictures: measured on recorded runs only.",
)
DROPPED = Text("[an older picture, dropped]")


@method(CARD)
class DropImages:
    """Keep the newest pictures.

    Args:
        keep: messages with pictures that stay.
        hop: messages whose pictures are dropped at once.
    """

    def __init__(self, keep: int = 1, hop: int = 1) -> None:
        if keep < 0 or hop < 1:
            raise ValueError("keep is 0 or more, hop is 1 or more")
        self.keep, self.hop = keep, hop
        self._without = Rewritten(_without)

    def apply(self, request: Request) -> Request:
        """The request with words for its older pictures."""
        messages = request.messages
        places = [at for at, message in enumerate(messages) if any(isinstance(part, Image) for part in message.parts)]
        return with_messages(
            request, {at: self._without.of(messages[at]) for at in older(places, self.keep, self.hop)}
        )  # fmt: skip

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE


def _without(message: Message) -> Message:
    return replace(message, parts=tuple(DROPPED if isinstance(part, Image) else part for part in message.parts))
