"""The k tools whose documents share most words with the task (BM25, Robertson and Zaragoza 2009).

A baseline of tool selection: it saves the prompt tokens of the tools that are not offered, and asks no model.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Scored
from scrimp.core.registry import Card, method
from scrimp.core.tool import Tool
from scrimp.tools.parts.retrieval import K, Retriever

CARD = Card(
    name="bm25",
    family="selector",
    title="Top-k by words",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="The lexical baseline of learned selectors; 5 tools unless told otherwise.",
)


@method(CARD)
class TopByWords:
    """Offer the k tools that share most words with the task.

    Args:
        k: how many tools to offer.
    """

    def __init__(self, k: int = K) -> None:
        self._retriever = Retriever(k, "words")

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Take these tools in the place of those before."""
        await self._retriever.index(tools, ctx)

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """The k best, best first."""
        return await self._retriever.best(query, ctx)
