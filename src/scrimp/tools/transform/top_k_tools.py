"""Top-k tools: the tools that fit the task best by words, and those that were called already.

Saves the schemas of tools that are not offered. The choice rests on the first thing the user said, so that it is the
same for every request of a run and prompt caches hold; a tool that only a later turn needs may be missing.
"""

from __future__ import annotations

from scrimp.core.messages import Request, ToolSpec
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.tools.parts.words import BM25, ranks

CARD = Card(
    name="top-k-tools",
    family="transform",
    title="Top-k tools by words",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="BM25 over name, description and parameters' names; the selector top-k adds embeddings.",
)
REMEMBERED = 256


@method(CARD)
class TopKTools:
    """Offer the k tools that fit best.

    Args:
        k: how many tools are offered, beside those that the conversation called.
    """

    def __init__(self, k: int = 8) -> None:
        if k < 1:
            raise ValueError(f"k is {k}; it is at least 1")
        self.k = k
        self._chosen: dict[tuple[int, str], tuple[tuple[ToolSpec, ...], set[str]]] = {}
        self._lists: dict[tuple[int, frozenset[str]], tuple[tuple[ToolSpec, ...], tuple[ToolSpec, ...]]] = {}
        self._words: dict[int, tuple[tuple[ToolSpec, ...], BM25]] = {}

    def apply(self, request: Request) -> Request:
        """The request with fewer tools, in their order."""
        tools = request.tools
        if len(tools) <= self.k:
            return request
        called = {call.name for message in request.messages for call in message.tool_calls}
        names = frozenset(self._best(request) | called)
        known = self._lists.get((id(tools), names))
        if known is None or known[0] is not tools:
            known = (tools, tuple(spec for spec in tools if spec.name in names))
            self._remember()
            self._lists[id(tools), names] = known
        return request if len(known[1]) == len(tools) else request.with_(tools=known[1])

    def cost(self, request: Request) -> Usage:
        """Nothing: words are compared, no model is asked."""
        return NO_USAGE

    def _best(self, request: Request) -> set[str]:
        """Names of the k tools that fit the first thing that the user said."""
        asked = next((message.text for message in request.messages if message.role == "user"), "")
        key = (id(request.tools), asked)
        found = self._chosen.get(key)
        if found is None or found[0] is not request.tools:
            scores = self._index(request.tools).scores(asked)
            best = {request.tools[at].name for at, rank in enumerate(ranks(scores)) if rank < self.k}
            found = (request.tools, best)
            self._chosen[key] = found
        return found[1]

    def _index(self, tools: tuple[ToolSpec, ...]) -> BM25:
        known = self._words.get(id(tools))
        if known is None or known[0] is not tools:
            known = (tools, BM25([_document(spec) for spec in tools]))
            self._words[id(tools)] = known
        return known[1]

    def _remember(self) -> None:
        for kept in (self._chosen, self._lists, self._words):
            if len(kept) >= REMEMBERED:
                kept.clear()


def _document(spec: ToolSpec) -> str:
    parameters = " ".join(spec.parameters.get("properties", {}))
    return f"{spec.name.replace('_', ' ')} {spec.description} {parameters}"
