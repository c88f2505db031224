"""An oracle's memory: exactly the turns that a question's answer rests on. What no retriever can beat, and no method.

Which turns these are only an experiment knows, on a benchmark whose gold names them; it tells them through `evidence`.
Elsewhere this memory refuses to read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from scrimp.core.context import Context
from scrimp.core.errors import InputError
from scrimp.core.protocols import Query, Recall
from scrimp.core.records import Filter
from scrimp.core.registry import Card, method
from scrimp.core.task import Episode
from scrimp.memory.parts import turns
from scrimp.memory.parts.recalled import packed

CARD = Card(
    name="oracle-retriever",
    family="memory",
    title="Oracle retriever",
    saves="",
    against="",
    needs=("store", "gold"),
    notes="An upper bound, not a method: it is given the gold turns by the experiment.",
)
SCOPE = "oracle-retriever"


@method(CARD)
class OracleRetriever:
    """Recall the gold turns of a question, in their order.

    Attributes:
        evidence: sources of the gold turns, by owner and question; set by an experiment.
    """

    def __init__(self) -> None:
        self.evidence: Callable[[str, str], Collection[str]] | None = None

    async def write(self, episode: Episode, ctx: Context) -> None:
        """Keep the turn."""
        await turns.keep(ctx.store(episode.owner, SCOPE), episode, ctx, embed=False)

    async def manage(self, ctx: Context) -> None:
        """Nothing."""

    async def read(self, query: Query, ctx: Context) -> Recall:
        """The gold turns; nothing where the question has none.

        Raises:
            InputError: nobody told which turns these are.
        """
        if self.evidence is None:
            raise InputError(
                "oracle-retriever knows nothing outside an experiment on a benchmark that names evidence",
                remedy="scrimp compare --bench dialogues, or another memory",
            )
        wanted = set(self.evidence(query.owner, query.text))
        kept = await ctx.store(query.owner, SCOPE).scan(Filter(kinds=(turns.TURN,)))
        return packed([turns.line(one) for one in kept if wanted & set(one.sources)], query.limit, ctx)
