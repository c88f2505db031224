"""What a server is held to: it stops at the output cap, and its counts can be true.

What a provider states as used is what it bills, so it is what the ledger takes, also where it is surprising. Two
cases are beyond that. A count that cannot be true (no prompt, or fewer tokens written than were seen) is no count: the
call is charged its reservation, and a warning is logged. A server that writes on past its cap is cut off: the call is
charged a token for every byte that came, since nobody knows how many it would bill.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from scrimp.core.messages import Delta
from scrimp.core.usage import Usage
from scrimp.models.tokens import compact, estimate, upper_bound

LONGEST_TOKEN = 128
"""Bytes of the longest token of any vocabulary known (runs of one character apart)."""

SLACK_FACTOR, SLACK = 3, 256
"""An answer is past its cap when its estimated tokens are above the cap this many times, and this many more."""

_LOG = logging.getLogger("scrimp.models")


class Watch:
    """Watches one answer come in.

    Args:
        name: of the model, for the log.
        bound: the most the call was reserved for.
    """

    def __init__(self, name: str, bound: Usage) -> None:
        self.name, self.bound = name, bound
        self.bytes = self.tokens = self.estimated = 0

    def see(self, delta: Delta) -> bool:
        """Count a piece; whether the answer is now past any doubt longer than its cap."""
        written = delta.text + "".join(call.name + (call.raw or compact(call.arguments)) for call in delta.tool_calls)
        self.bytes += upper_bound(written)
        self.tokens += len(delta.logprobs)
        self.estimated += estimate(written) if written else 0
        return max(self.tokens, self.least) > self.bound.output or (
            # Pieces are estimated one by one, which is over the count of the whole: hence the slack.
            self.bytes > self.bound.output and self.estimated > SLACK_FACTOR * self.bound.output + SLACK
        )

    @property
    def least(self) -> int:
        """Tokens that were surely written."""
        return max(self.tokens, -(-self.bytes // LONGEST_TOKEN))

    def cut(self) -> Delta:
        """The last Delta of an answer that was cut off for being endless."""
        _LOG.warning("%s wrote past its cap of %d tokens and was cut off", self.name, self.bound.output)
        usage = replace(self.bound, output=max(self.bound.output, self.bytes))
        return Delta(finish="cut", usage=usage)

    def checked(self, last: Delta) -> Delta:
        """The last Delta, without its usage where that cannot be true."""
        usage = last.usage
        if usage is None or (usage.prompt > 0 and usage.output >= self.least):
            return last
        _LOG.warning("%s states %d tokens read and %d written, where at least %d were seen: charged what was reserved",
                     self.name, usage.prompt, usage.output, self.least)  # fmt: skip
        return replace(last, usage=None, reported_cost="")
