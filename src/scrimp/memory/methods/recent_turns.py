"""Recent turns: the newest that fit, whatever is asked. The window that memories are compared with."""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Recall
from scrimp.core.registry import Card, method
from scrimp.core.task import Episode
from scrimp.memory.parts import turns
from scrimp.memory.parts.recalled import packed

CARD = Card(
    name="recent-turns",
    family="memory",
    title="Recent turns",
    saves="prompt tokens of old turns",
    against="full-history",
    needs=("store",),
    workload="dialogues",
    n=240,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="A baseline of memories.",
)

SCOPE = "recent-turns"


@method(CARD)
class RecentTurns:
    """Show the last turns.

    Args:
        turns: most turns shown.
    """

    def __init__(self, turns: int = 20) -> None:
        if turns < 1:
            raise ValueError(f"turns is {turns}; it is at least 1")
        self.turns = turns

    async def write(self, episode: Episode, ctx: Context) -> None:
        """Keep the turn."""
        await turns.keep(ctx.store(episode.owner, SCOPE), episode, ctx, embed=False)

    async def manage(self, ctx: Context) -> None:
        """Nothing."""

    async def read(self, query: Query, ctx: Context) -> Recall:
        """The newest turns, in their order."""
        kept = await ctx.store(query.owner, SCOPE).scan(newest=True, limit=self.turns)
        return packed([turns.line(one) for one in kept], query.limit, ctx)
