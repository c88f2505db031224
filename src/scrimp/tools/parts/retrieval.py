"""Tools ranked for a query by the words and the embeddings of their documents; for every selector that retrieves.

What a description says is text to be compared, whatever it says: nothing of it is followed. A longer list costs only
the embeddings of the tools that are new in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Scored
from scrimp.core.tool import Tool
from scrimp.tools.parts.words import BM25, ranks

FUSION = 60
"""Constant of reciprocal rank fusion, as in its paper (Cormack et al. 2009)."""
K = 5
"""Tools that are offered where nobody says how many."""

By = Literal["both", "embedding", "words"]


class Retriever:
    """The k tools that fit a query best.

    Args:
        k: how many tools.
        by: what they are ranked by: `words` (BM25), `embedding` (cosine), or `both`, the two rankings fused.
    """

    def __init__(self, k: int, by: By) -> None:
        if k < 1:
            raise ValueError(f"k is {k}; it is at least 1")
        self.k, self.by = k, by
        self._tools: Sequence[Tool] = ()
        self._lexical: BM25 | None = None
        self._rows: dict[str, Any] = {}  # vectors of length 1 by document
        self._vectors: Any = None  # the same in the order of the tools

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Take these tools in the place of those before; what was embedded already is not embedded again."""
        if self._tools is tools or list(self._tools) == list(tools):
            return
        documents = [tool.document for tool in tools]
        rows = {} if self.by == "words" else await self._embedded(documents, ctx)
        self._tools, self._rows = tools, rows
        self._lexical = BM25(documents) if self.by != "embedding" else None
        self._vectors = _stacked([rows[document] for document in documents]) if rows else None

    async def best(self, query: Query, ctx: Context) -> list[Scored[Tool]]:
        """The k best, or as many as the query allows, best first; ties keep their order.

        A score is BM25, a cosine, or the sum of 1 / (FUSION + rank) of both.
        """
        scores = await self.scores(query.text, ctx)
        best = sorted(range(len(scores)), key=lambda place: -scores[place])[: query.limit or self.k]
        return [Scored(self._tools[place], scores[place]) for place in best]

    async def scores(self, text: str, ctx: Context) -> list[float]:
        """How well each tool fits, in the order they were indexed."""
        by_words = self._lexical.scores(text) if self._lexical is not None else []
        by_meaning: list[float] = []
        if self._vectors is not None:
            by_meaning = [float(score) for score in self._vectors @ (await ctx.embed([text]))[0]]
        if self.by == "both":
            return fused(by_words, by_meaning)
        return by_words or by_meaning

    async def _embedded(self, documents: Sequence[str], ctx: Context) -> dict[str, Any]:
        known = {document: self._rows[document] for document in documents if document in self._rows}
        fresh = [document for document in dict.fromkeys(documents) if document not in known]
        if fresh:
            known |= dict(zip(fresh, await ctx.embed(fresh), strict=True))
        return known


def fused(by_words: Sequence[float], by_meaning: Sequence[float]) -> list[float]:
    """Reciprocal rank fusion of two lists of scores of the same things.

    What shares no word with the query has no rank by words: the order of the list must not stand in for one.
    """
    words, meaning = ranks(by_words), ranks(by_meaning)
    return [
        (1 / (FUSION + words[place] + 1) if by_words[place] > 0 else 0.0)
        + (1 / (FUSION + meaning[place] + 1) if by_meaning else 0.0)
        for place in range(len(by_words))
    ]


def _stacked(rows: Sequence[Any]) -> Any:
    import numpy as np

    return np.stack(rows)
