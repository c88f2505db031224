"""The k tools that fit by words and by embedding, the two rankings fused (reciprocal rank fusion, Cormack et al. 2009).

A baseline of tool selection: it saves the prompt tokens of the tools that are not offered, at the price of one short
embedding per task.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Scored
from scrimp.core.registry import Card, method
from scrimp.core.tool import Tool
from scrimp.tools.parts.retrieval import K, Retriever

CARD = Card(
    name="hybrid",
    family="selector",
    title="Top-k by words and embedding",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    needs=("embedder",),
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="The name under which it stands beside bm25 and embedding in tables; `top-k` is the same with a switch.",
)


@method(CARD)
class Hybrid:
    """Offer the k tools that fit best by words and meaning.

    Args:
        k: how many tools to offer.
    """

    def __init__(self, k: int = K) -> None:
        self._retriever = Retriever(k, "both")

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Take these tools in the place of those before."""
        await self._retriever.index(tools, ctx)

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """The k best, best first."""
        return await self._retriever.best(query, ctx)
