"""Full history: every turn is shown, oldest first. With a prompt cache, what every memory must beat.

It saves nothing: the history is the longest part of each prompt, and a cache makes it cheap only while it lives.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Recall
from scrimp.core.registry import Card, method
from scrimp.core.task import Episode
from scrimp.memory.parts import turns
from scrimp.memory.parts.recalled import packed

CARD = Card(
    name="full-history",
    family="memory",
    title="Full history",
    saves="",
    against="",
    needs=("store",),
    notes="A baseline. The newest turns are kept where the limit does not bear all.",
)

SCOPE = "full-history"


@method(CARD)
class FullHistory:
    """Show everything that was said.

    Attributes:
        recall_tokens: it wants all that the window bears.
    """

    recall_tokens = 1_000_000

    async def write(self, episode: Episode, ctx: Context) -> None:
        """Keep the turn."""
        await turns.keep(ctx.store(episode.owner, SCOPE), episode, ctx, embed=False)

    async def manage(self, ctx: Context) -> None:
        """Nothing."""

    async def read(self, query: Query, ctx: Context) -> Recall:
        """All turns in their order."""
        kept = await ctx.store(query.owner, SCOPE).scan(newest=True)
        return packed([turns.line(one) for one in kept], query.limit, ctx)
