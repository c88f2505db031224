"""ToolRAG of TinyAgent (arXiv 2409.00608, section 3.3): a classifier says of every tool whether the query needs it.

One sigmoid per tool over the query's sentence embedding; all tools above a threshold of 0.5 are offered, however many
they are. It saves the prompt tokens of the others, at the price of its training and of one short embedding per task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from scrimp.core.context import Context
from scrimp.core.errors import InputError
from scrimp.core.protocols import Artifact, Dataset, Query, Scored
from scrimp.core.registry import Card, method
from scrimp.core.tool import Tool
from scrimp.tools.parts.head import Head, chosen
from scrimp.tools.parts.learned import fetch, keep

CARD = Card(
    name="toolrag",
    family="selector",
    title="TinyAgent's ToolRAG",
    paper="2409.00608",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    needs=("embedder", "training"),
    provides=("ToolSelector", "Trainer"),
    claim="16 tools: recall 0.998 with 3.97 tools, 1,397 of 2,762 prompt tokens, success 80.06 against 78.89 (1.1B)",
    claimed_ratio=0.506,
    workload="toolworld?tools=16",
    n=250,
    margin=5.0,
    verdicts={"oracle": "structure only"},
    notes="A linear head on frozen embeddings where the paper tunes DeBERTa-v3-small; examples are not retrieved.",
)

THRESHOLD = 0.5
POSITIVE = 60.0
"""Weight of a needed tool in the loss: plain cross-entropy was reported to reach about 93 % recall, this about 99 %."""
HELD_OUT = 10
"""One row in so many is kept out of the training: it chooses how strong the weights' decay is, and tells what came."""


@method(CARD)
class ToolRAG:
    """Offer the tools that a trained classifier finds needed.

    Args:
        artifact: file that `train` writes and selections read; hash: what a System names beside it.
        threshold: probability above which a tool is offered.
        positive: weight of a needed tool in the loss of a training.
        unseen: what becomes of a tool that the classifier was not trained on: `never` offered, as in the paper, where
            a new tool means training again, or `always`.
    """

    def __init__(
        self, artifact: str = "", hash: str = "", threshold: float = THRESHOLD, positive: float = POSITIVE,
        unseen: Literal["never", "always"] = "never",
    ) -> None:  # fmt: skip
        if unseen not in ("never", "always"):
            raise ValueError(f"unseen is {unseen!r}; it is never or always")
        if not 0 <= threshold < 1 or positive <= 0:
            raise ValueError("threshold is from 0 to below 1, and positive above 0")
        self.artifact, self.hash, self.unseen = artifact, hash, unseen
        self.threshold, self.positive = threshold, positive
        self._tools: Sequence[Tool] = ()
        self._head: Head | None = None
        self._places: dict[str, int] = {}  # label of each tool that the classifier knows

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Take these tools, by their names; their descriptions play no part.

        Raises:
            InputError: there is no artifact, or not the one that is named.
        """
        if self._head is None:
            arrays, facts = fetch(self.artifact, self.hash, CARD.name)
            try:
                self._head = Head(arrays["weights"], arrays["bias"])
                self._places = {name: place for place, name in enumerate(facts["tools"])}
            except KeyError as missing:
                raise InputError(f"{self.artifact} is no classifier of tools: it lacks {missing}") from missing
        self._tools = tools

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """All above the threshold by their probability, most probable first; none is an answer too."""
        assert self._head is not None
        if not self._tools:
            return []
        chances = self._head.probabilities(await ctx.embed([query.text]))[0]
        other = 1.0 if self.unseen == "always" else 0.0
        found = [
            Scored(tool, float(chances[self._places[tool.name]]) if tool.name in self._places else other)
            for tool in self._tools
        ]
        best = sorted((one for one in found if one.score > self.threshold), key=lambda one: -one.score)
        return best[: query.limit or None]

    async def train(self, data: Dataset, ctx: Context) -> Artifact:
        """Train the classifier on rows with a `query` and the names of the `tools` it needs; write it to `artifact`.

        The facts of the artifact say how many rows there were and, of a tenth that was held out, the recall of needed
        tools and how many were offered.

        Raises:
            InputError: a row lacks one of these, there are too few rows, or no place to write to.
        """
        import numpy as np

        rows = [_read(place, row) for place, row in enumerate(data.rows)]
        names = sorted({name for _, needed in rows for name in needed})
        if len(rows) < HELD_OUT or not names:
            raise InputError(f"{CARD.name} is trained on {HELD_OUT} rows or more, some of which need a tool")
        vectors = await ctx.embed([query for query, _ in rows])
        labels = np.array([[name in needed for name in names] for _, needed in rows], dtype=np.float32)
        rng = ctx.random()
        order = rng.sample(range(len(rows)), len(rows))
        kept, aside = order[len(rows) // HELD_OUT :], order[: len(rows) // HELD_OUT]
        head = chosen((vectors[kept], labels[kept]), (vectors[aside], labels[aside]), self.positive, rng)
        offered = head.probabilities(vectors[aside]) > self.threshold
        needed = labels[aside] > 0
        facts = {
            "tools": names, "rows": len(rows), "held_out": len(aside), "source": data.source,
            "recall": float((offered & needed).sum() / max(1, needed.sum())),
            "offered": float(offered.sum(1).mean()),
        }  # fmt: skip
        return keep(self.artifact, {"weights": head.weights, "bias": head.bias}, facts)


def _read(place: int, row: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    query, tools = row.get("query"), row.get("tools")
    if not isinstance(query, str) or not isinstance(tools, list | tuple):
        raise InputError(f"row {place} has no query, or no list of tools", remedy='{"query": TEXT, "tools": [NAME...]}')
    return query, frozenset(map(str, tools))
