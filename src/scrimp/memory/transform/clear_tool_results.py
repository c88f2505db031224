"""Clear tool results: the last few stay, of older ones only that they were there.

Saves the re-sent results, mostly the largest part of a long run; what was in them has to be asked for again. They are
cleared in hops: between two, the prompt's beginning stays the same and prompt caches hold.
"""

from __future__ import annotations

from scrimp.core.messages import Message, Request
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.memory.parts.rewriting import Rewritten, older, with_messages, with_text

CARD = Card(
    name="clear-tool-results",
    family="transform",
    title="Clearing of stale tool results",
    saves="prompt tokens of old tool results",
    against="everything",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
)


@method(CARD)
class ClearToolResults:
    """Keep the last tool results, and replace older ones by a word.

    Args:
        keep: tool results that always stay.
        hop: results that are cleared at once.
        at_least: characters under which a result stays as it is.
    """

    def __init__(self, keep: int = 3, hop: int = 3, at_least: int = 200) -> None:
        if keep < 0 or hop < 1 or at_least < 0:
            raise ValueError("keep and at_least are 0 or more, hop is 1 or more")
        self.keep, self.hop, self.at_least = keep, hop, at_least
        self._cleared = Rewritten(_cleared)

    def apply(self, request: Request) -> Request:
        """The request with its older tool results cleared."""
        messages = request.messages
        places = [
            at for at, message in enumerate(messages)
            if message.role == "tool" and len(message.text) > self.at_least
        ]  # fmt: skip
        return with_messages(
            request, {at: self._cleared.of(messages[at]) for at in older(places, self.keep, self.hop)}
        )  # fmt: skip

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE


def _cleared(message: Message) -> Message:
    return with_text(message, f"[result cleared: {len(message.text)} characters; call the tool again if needed]")
