"""Deduplicate results: a tool result that stands in the prompt already becomes a pointer to where it stands.

Saves the second copy in every prompt and loses nothing: the first is still there.
"""

from __future__ import annotations

from scrimp.core.messages import Message, Request
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.memory.parts.rewriting import Rewritten, names_of_results, with_messages, with_text

CARD = Card(
    name="deduplicate-results",
    family="transform",
    title="Pointers in place of repeated tool results",
    saves="prompt tokens of repeated tool results",
    against="everything",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
)


@method(CARD)
class DeduplicateResults:
    """Send a tool result once.

    Args:
        at_least: characters under which a result stays as it is.
    """

    def __init__(self, at_least: int = 200) -> None:
        if at_least < 0:
            raise ValueError(f"at_least is {at_least}; it is 0 or more characters")
        self.at_least = at_least
        self._pointer = Rewritten(_pointer)

    def apply(self, request: Request) -> Request:
        """The request with pointers for repeated results."""
        seen: set[tuple[str, str]] = set()
        names: dict[str, str] | None = None
        changed: dict[int, Message] = {}
        for at, message in enumerate(request.messages):
            if message.role != "tool" or len(message.text) <= self.at_least:
                continue
            names = names_of_results(request.messages) if names is None else names
            key = (names.get(message.tool_call_id, ""), message.text)
            if key in seen:
                changed[at] = self._pointer.of(message)
            seen.add(key)
        return with_messages(request, changed)

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE


def _pointer(message: Message) -> Message:
    return with_text(message, "[the same result as the earlier one of this tool, above]")
