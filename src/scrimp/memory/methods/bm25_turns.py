"""BM25: raw turns, found by their words. Neither a model nor an embedder is asked.

Saves the turns that share no word with the question; it is the cheapest memory there is, and a hard one to beat.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Recall
from scrimp.core.registry import Card, method
from scrimp.core.task import Episode
from scrimp.memory.parts import turns
from scrimp.memory.parts.recalled import packed

CARD = Card(
    name="bm25-turns",
    family="memory",
    title="BM25 over turns",
    saves="prompt tokens of turns that share no word with the question",
    against="full-history",
    needs=("store",),
    workload="dialogues",
    n=240,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="A baseline of memories.",
)

SCOPE = "bm25-turns"


@method(CARD)
class BM25Turns:
    """Show the k turns whose words fit the question best.

    Args:
        k: how many.
    """

    def __init__(self, k: int = 10) -> None:
        if k < 1:
            raise ValueError(f"k is {k}; it is at least 1")
        self.k = k

    async def write(self, episode: Episode, ctx: Context) -> None:
        """Keep the turn."""
        await turns.keep(ctx.store(episode.owner, SCOPE), episode, ctx, embed=False)

    async def manage(self, ctx: Context) -> None:
        """Nothing."""

    async def read(self, query: Query, ctx: Context) -> Recall:
        """The k best, in the order of their time."""
        found = await ctx.store(query.owner, SCOPE).match(query.text, self.k)
        return packed(turns.lines(found), query.limit, ctx)
