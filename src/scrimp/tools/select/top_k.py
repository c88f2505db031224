"""Top-k tools by meaning and words: embedding and BM25 ranks fused (reciprocal rank fusion, Cormack et al. 2009).

Saves the prompt tokens of the tools that are not offered, at the price of one short embedding per task and of the
prompt cache: the list differs from task to task, so what a provider caches ends before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Scored, Vectors
from scrimp.core.registry import Card, method
from scrimp.core.tool import Tool
from scrimp.tools.parts.words import BM25, ranks

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

FUSION = 60
"""Constant of reciprocal rank fusion, as in its paper."""


@method(CARD)
class TopK:
    """Offer the k tools that fit the task best.

    Args:
        k: how many tools to offer.
        by: `both`, `embedding` or `words`.
    """

    def __init__(self, k: int = 5, by: str = "both") -> None:
        if by not in ("both", "embedding", "words"):
            raise ValueError(f"by is {by!r}; it is both, embedding or words")
        if k < 1:
            raise ValueError(f"k is {k}; it is at least 1")
        self.k, self.by = k, by
        self._tools: Sequence[Tool] = ()
        self._lexical: BM25 | None = None
        self._vectors: Vectors = None

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Embed the tools' documents; nothing to do for the list that was indexed last."""
        if self._tools is tools or list(self._tools) == list(tools):
            return
        documents = [tool.document for tool in tools]
        self._tools = tools
        self._lexical = BM25(documents) if self.by != "embedding" else None
        self._vectors = await ctx.embed(documents) if self.by != "words" and documents else None

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """The k best, best first."""
        fused = [0.0] * len(self._tools)
        rankings: list[list[int | None]] = []
        if self._lexical is not None:
            scores = self._lexical.scores(query.text)
            # A tool that shares no word has no rank by words: the order of the list must not stand in for one.
            rankings.append([rank if scores[index] > 0 else None for index, rank in enumerate(ranks(scores))])
        if self._vectors is not None:
            vector = (await ctx.embed([query.text]))[0]
            rankings.append([*ranks([float(score) for score in self._vectors @ vector])])
        for ranking in rankings:
            for index, rank in enumerate(ranking):
                fused[index] += 0.0 if rank is None else 1 / (FUSION + rank + 1)
        best = sorted(range(len(fused)), key=lambda index: -fused[index])[: query.limit or self.k]
        return [Scored(self._tools[index], fused[index]) for index in best]
