"""Window: the opening and the last turns are sent, older turns are not.

Saves the re-sent turns; loses what they said. It moves in hops, so that prompt caches hold between them.
"""

from __future__ import annotations

from scrimp.core.messages import Request
from scrimp.core.registry import Card, method
from scrimp.core.usage import Usage
from scrimp.memory.parts.window import Window

CARD = Card(
    name="window",
    family="transform",
    title="Window over the turns",
    saves="prompt tokens of old turns",
    against="everything",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
    notes="The same window as the context policy sliding-window, without its limit in tokens.",
)


@method(CARD)
class WindowTransform:
    """Send the opening and the last turns.

    Args:
        turns: most turns that are sent.
        hop: turns that fall out at once.
    """

    def __init__(self, turns: int = 6, hop: int = 3) -> None:
        if turns < 1 or hop < 1:
            raise ValueError("turns and hop are at least 1")
        self._window = Window(turns, hop)

    def apply(self, request: Request) -> Request:
        """The request without its oldest turns."""
        return self._window.apply(request)

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return self._window.cost(request)
