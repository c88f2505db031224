"""Offload outputs: a long tool result is cut to its beginning and its end as soon as it comes.

Saves the middle of long results in every prompt, and breaks no prompt cache: the cut is the same in each later prompt.
What was left out has to be asked for again, more narrowly.
"""

from __future__ import annotations

from scrimp.core.messages import Message, Request
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.memory.parts.rewriting import Rewritten, with_messages, with_text

CARD = Card(
    name="offload-outputs",
    family="transform",
    title="Offloading of long tool results",
    saves="prompt tokens of long tool results",
    against="everything",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
)
HEAD = 0.7
"""Share of what stays that stands before the cut: most results begin with what matters."""


@method(CARD)
class OffloadOutputs:
    """Send the ends of long tool results.

    Args:
        limit: characters of a result that are sent.
    """

    def __init__(self, limit: int = 4000) -> None:
        if limit < 100:
            raise ValueError(f"limit is {limit}; it is at least 100 characters")
        self.limit = limit
        self._cut = Rewritten(self._ends)

    def apply(self, request: Request) -> Request:
        """The request with its long tool results cut."""
        messages = request.messages
        long = {
            at: self._cut.of(message) for at, message in enumerate(messages)
            if message.role == "tool" and len(message.text) > self.limit
        }  # fmt: skip
        return with_messages(request, long)

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE

    def _ends(self, message: Message) -> Message:
        text, head = message.text, int(self.limit * HEAD)
        left_out = len(text) - self.limit
        middle = f"\n[... {left_out} characters left out; ask for the part you need ...]\n"
        return with_text(message, text[:head] + middle + text[len(text) - (self.limit - head) :])
