"""Sliding window: the opening and the last turns stay in the prompt, older turns fall out of it.

Saves the re-sent turns; loses what they said. It moves in hops, so that prompt caches hold between them.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.messages import Request
from scrimp.core.registry import Card, method
from scrimp.memory.parts.window import Window, fitting, split

CARD = Card(
    name="sliding-window",
    family="context",
    title="Sliding window",
    saves="prompt tokens of old turns",
    against="everything",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
)


@method(CARD)
class SlidingWindow:
    """Keep the opening and at most `turns` turns, fewer where the limit asks for it.

    Args:
        turns: most turns kept.
        hop: turns dropped at once.
    """

    def __init__(self, turns: int = 6, hop: int = 3) -> None:
        if turns < 1 or hop < 1:
            raise ValueError("turns and hop are at least 1")
        self.window = Window(turns, hop)

    async def fit(self, request: Request, limit: int, ctx: Context) -> Request:
        """Drop old turns until the window and the limit are kept, but never the last turn."""
        request = self.window.apply(request)
        opening, turns = split(request.messages)
        first = fitting(opening, turns, request, limit, ctx)
        if first == 0:
            return request
        kept = [message for turn in turns[first:] for message in turn]
        return request.with_(messages=(*opening, *kept))
