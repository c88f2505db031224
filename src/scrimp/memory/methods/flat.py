"""Flat: raw turns, found by meaning, by words or by both. No model writes anything.

Saves the turns that are not about the question, for one embedding a turn and one a question.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.fusion import fuse
from scrimp.core.protocols import Query, Recall, Scored
from scrimp.core.records import Record
from scrimp.core.registry import Card, method
from scrimp.core.task import Episode
from scrimp.memory.parts import turns
from scrimp.memory.parts.recalled import packed

CARD = Card(
    name="flat",
    family="memory",
    title="Flat top-k",
    saves="prompt tokens of turns that are not asked about",
    against="full-history",
    needs=("store", "embedder"),
    workload="dialogues",
    n=240,
    margin=5.0,
    verdicts={"oracle": "structure only"},
    notes="A baseline of memories. `by` takes it apart: embedding, words (BM25), or both fused.",
)

SCOPE = "flat"
WIDER = 4
"""How many times k each of two rankings gives to be fused."""


@method(CARD)
class Flat:
    """Show the k turns that fit the question best.

    Args:
        k: how many.
        by: `embedding`, `words` or `both`.
    """

    def __init__(self, k: int = 10, by: str = "embedding") -> None:
        if by not in ("both", "embedding", "words"):
            raise ValueError(f"by is {by!r}; it is both, embedding or words")
        if k < 1:
            raise ValueError(f"k is {k}; it is at least 1")
        self.k, self.by = k, by

    async def write(self, episode: Episode, ctx: Context) -> None:
        """Keep the turn."""
        await turns.keep(ctx.store(episode.owner, SCOPE), episode, ctx, embed=self.by != "words")

    async def manage(self, ctx: Context) -> None:
        """Nothing."""

    async def read(self, query: Query, ctx: Context) -> Recall:
        """The k best, in the order of their time."""
        found = await self._found(query, ctx)
        return packed([turns.line(record) for record in found], query.limit, ctx)

    async def _found(self, query: Query, ctx: Context) -> list[Record]:
        records = ctx.store(query.owner, SCOPE)
        if not query.text.strip():
            return []
        wanted = self.k if self.by != "both" else WIDER * self.k
        lists: list[list[Scored[Record]]] = []
        if self.by != "words":
            lists.append(await records.near((await ctx.embed([query.text]))[0], wanted))
        if self.by != "embedding":
            lists.append(await records.match(query.text, wanted))
        known = {one.item.id: one.item for ranking in lists for one in ranking}
        best = fuse(*([one.item.id for one in ranking] for ranking in lists))
        return [known[id] for id, _ in best[: self.k]]
