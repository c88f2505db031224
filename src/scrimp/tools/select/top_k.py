"""Top-k tools by meaning and words: embedding and BM25 ranks fused (reciprocal rank fusion, Cormack et al. 2009).

Saves the prompt tokens of the tools that are not offered, at the price of one short embedding per task and of the
prompt cache: the list differs from task to task, so what a provider caches ends before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Scored
from scrimp.core.registry import Card, method
from scrimp.core.tool import Tool
from scrimp.tools.parts.retrieval import By, K, Retriever

CARD = Card(
    name="top-k",
    family="selector",
    title="Top-k by embedding and words",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    needs=("embedder",),
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="The plain retriever that learned selectors are compared with. `by` takes it apart.",
)


@method(CARD)
class TopK:
    """Offer the k tools that fit the task best.

    Args:
        k: how many tools to offer.
        by: `both`, `embedding` or `words`.
    """

    def __init__(self, k: int = K, by: By = "both") -> None:
        if by not in get_args(By):
            raise ValueError(f"by is {by!r}; it is both, embedding or words")
        self.k = k
        self._retriever = Retriever(k, by)

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Embed the documents of tools that are new; nothing to do for the list that was indexed last."""
        await self._retriever.index(tools, ctx)

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """The k best, best first."""
        return await self._retriever.best(query, ctx)
