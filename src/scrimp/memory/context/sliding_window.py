"""Sliding window: the opening and the last turns stay in the prompt, older turns fall out of it.

Saves the re-sent turns; loses what they said. It moves in hops, so that prompt caches hold between them.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.messages import Message, Request, canonical
from scrimp.core.registry import Card, method
from scrimp.memory.parts.window import Window, split

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

AROUND_MESSAGE = 4
"""Tokens that chat templates put around a message or a call."""


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
        sizes = [sum(_size(message, ctx) for message in turn) for turn in turns]
        # The tools and the schema are sent as well, whatever is dropped.
        around = [tool.to_json() for tool in request.tools] + ([request.schema] if request.schema is not None else [])
        fixed = sum(_size(message, ctx) for message in opening) + sum(ctx.estimate(canonical(item)) for item in around)
        first = 0
        while first < len(turns) - 1 and fixed + sum(sizes[first:]) > limit:
            first += 1
        if first == 0:
            return request
        kept = [message for turn in turns[first:] for message in turn]
        return request.with_(messages=(*opening, *kept))


def _size(message: Message, ctx: Context) -> int:
    """About how many tokens a message takes, its calls included."""
    calls = [call.name + (call.raw or canonical(call.arguments)) for call in message.tool_calls]
    return AROUND_MESSAGE * (1 + len(calls)) + ctx.estimate(message.text) + sum(map(ctx.estimate, calls))
