"""The k tools whose documents are nearest to the task by their sentence embeddings.

A baseline of tool selection: it saves the prompt tokens of the tools that are not offered, at the price of one short
embedding per task. "Basic RAG" of the TinyAgent paper (arXiv 2409.00608, section 3.3) is this with k = 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Scored
from scrimp.core.registry import Card, method
from scrimp.core.tool import Tool
from scrimp.tools.parts.retrieval import K, Retriever

CARD = Card(
    name="embedding",
    family="selector",
    title="Top-k by embedding",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    needs=("embedder",),
    claim="top 3 of 16 tools: recall 0.949, 1,674 of 2,762 prompt tokens, success 74.88 against 78.89 (TinyAgent)",
    claimed_ratio=0.606,
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="The dense baseline of learned selectors; 5 tools unless told otherwise.",
)


@method(CARD)
class Nearest:
    """Offer the k tools that mean most nearly what the task says.

    Args:
        k: how many tools to offer.
    """

    def __init__(self, k: int = K) -> None:
        self._retriever = Retriever(k, "embedding")

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Take these tools in the place of those before."""
        await self._retriever.index(tools, ctx)

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """The k best, best first."""
        return await self._retriever.best(query, ctx)
