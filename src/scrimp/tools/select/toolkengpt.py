"""ToolkenGPT: tools as further rows of a frozen model's output head (arXiv 2305.11554, NeurIPS 2023).

Saves the prompt tokens of all tool documents while a tool is chosen: their number does not grow with the tools. The
model is frozen; a row of the head is learned for each tool from the hidden states where its calls begin (section 3.2),
which are read once. As a selector it ranks tools by that head; as a planner it decodes over words and tools together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scrimp.core.context import Context
from scrimp.core.errors import InputError
from scrimp.core.messages import ToolCall, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Artifact, Dataset, Look, Query, Scored
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool, ToolResult
from scrimp.tools.parts.learned import fetch, keep

CARD = Card(
    name="toolkengpt",
    family="selector",
    title="ToolkenGPT",
    paper="2305.11554",
    saves="prompt tokens of tool documents, and nearly all training",
    against="all-tools",
    needs=("hidden",),
    provides=("ToolSelector", "Planner", "Trainer"),
    claim="0.95 against 0.48 (30 tools) and 0.50 against 0.20 (234 tools) for tools in the prompt, on KAMEL, 13B model",
    unit="tokens",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "contradicted"},
    notes="The check has no weights of a language model: a random model of two layers, whose states say too little of "
    "a question for its tool to be among those offered. It shows the tokens saved, not the choice.",
)

CONTEXT = "Question: {}\nAnswer:"
"""What stands before the place where a call may begin."""
RATE, EPOCHS = 1e-3, 10
"""Of the head on GSM8K-XL."""
BIAS = 3.0
"""Added to every tool's logit while text is written, as in the paper's code on GSM8K-XL: it sets how often tools are
called."""
CALL = Prompt(
    "calls",
    1,
    "Write the call that the text below needs next.$examples\n\nText: $context\n\nReply with the call alone.",
)
"""Tool mode: examples of that tool only, then the context."""


@dataclass
class Head:
    """One row of the output head for each tool: `weights` of shape (tools, hidden size), in the order of `names`."""

    names: list[str]
    weights: Any

    def logits(self, states: Any) -> Any:
        """Of shape (states, tools)."""
        return states @ self.weights.T


def fit(states: Any, labels: Any, words: Any, tools: int, rate: float, epochs: int, draw: Any) -> Any:
    """Learn the rows by cross-entropy over words and tools, with Adam; the words' own rows are frozen.

    Args:
        states: float32 (rows, hidden size), where a call begins or, as negative evidence, text goes on.
        labels: the tool of each row, -1 where text goes on.
        words: of each row, the log of the sum of the exponentiated logits of all words.
        draw: a numpy generator, for the order of the rows.
    """
    import numpy as np

    weights = np.zeros((tools, states.shape[1]), dtype=np.float32)
    mean, square, step = np.zeros_like(weights), np.zeros_like(weights), 0
    for _ in range(epochs):
        for place in draw.permutation(len(states)):
            state, label, step = states[place], int(labels[place]), step + 1
            logits = weights @ state
            top = max(float(logits.max()), float(words[place]))
            raised = np.exp(logits - top)
            slope = raised / (raised.sum() + np.exp(words[place] - top))
            if label >= 0:
                slope[label] -= 1
            gradient = np.outer(slope, state)
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient * gradient
            weights -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


@method(CARD)
class ToolkenGPT:
    """Choose tools by a learned head over a frozen model's hidden states.

    Args:
        artifact: file that `train` writes; hash: what a System names beside it.
        k: tools offered by the selector.
        bias: added to every tool's logit while the planner writes.
        rate, epochs: of a training.
        most: tokens that the planner writes, results included.
    """

    prompts = (CALL,)

    def __init__(
        self, artifact: str = "", hash: str = "", k: int = 5, bias: float = BIAS, rate: float = RATE,
        epochs: int = EPOCHS, most: int = 64,
    ) -> None:  # fmt: skip
        if k < 1 or epochs < 1 or most < 1 or rate <= 0:
            raise ValueError("k, epochs and most are at least 1, and rate is above 0")
        self.artifact, self.hash, self.k, self.bias = artifact, hash, k, bias
        self.rate, self.epochs, self.most = rate, epochs, most
        self._tools: Sequence[Tool] = ()
        self._head: Head | None = None
        self._examples: Mapping[str, Sequence[str]] = {}

    # -- the trainer --

    async def train(self, data: Dataset, ctx: Context) -> Artifact:
        """Learn a row for each tool; write them to `artifact`, over rows of other tools that stand there already.

        A row of the data has a `query` and the names of its `tools`, each of which it calls; none is text that goes
        on. `text`, where there is one, is the whole context instead of the query's. Tools that the artifact knows
        already keep their rows untouched: adding a tool is adding a row. Where all are known, all are learned anew.

        Raises:
            InputError: no row, no tool, or no place to write to.
        """
        import numpy as np

        before = self._before()
        rows = [one for place, row in enumerate(data.rows) for one in _read(place, row)]
        every = {name for _, name in rows if name}
        if every <= set(before.names):
            before = Head([], np.zeros((0, 0), dtype=np.float32))
        names = sorted(every - set(before.names))
        rows = [(text, name) for text, name in rows if not name or name in names]
        if not names:
            raise InputError(f"{CARD.name} learns from rows that need a tool, and there are none")
        texts = dict.fromkeys(text for text, _ in rows)
        seen = {text: await ctx.hidden(text, Look(top=1)) for text in texts}  # once: the model is frozen
        states = np.concatenate([seen[text]["states"] for text, _ in rows])
        words = np.array([seen[text]["lse"] for text, _ in rows], dtype=np.float32)
        labels = np.array([names.index(name) if name else -1 for _, name in rows])
        draw = np.random.default_rng(ctx.random().getrandbits(32))
        weights = fit(states, labels, words, len(names), self.rate, self.epochs, draw)
        right = float(((states @ weights.T).argmax(1) == labels)[labels >= 0].mean())
        whole = np.concatenate([before.weights.reshape(-1, states.shape[1]), weights])
        facts = {
            "tools": [*before.names, *names], "rows": len(rows), "source": data.source, "right_of_trained": right,
            "examples": {**dict(self._examples), **_examples(data.rows, names)},
        }  # fmt: skip
        self._head = None
        return keep(self.artifact, {"weights": whole}, facts)

    def _before(self) -> Head:
        """The rows that stand in the artifact; none where there is no file yet."""
        from pathlib import Path

        import numpy as np

        if not self.artifact or not Path(self.artifact).is_file():
            return Head([], np.zeros((0, 0), dtype=np.float32))
        return self._load()

    def _load(self) -> Head:
        if self._head is None:
            arrays, facts = fetch(self.artifact, self.hash, CARD.name)
            try:
                self._head = Head([str(name) for name in facts["tools"]], arrays["weights"])
                self._examples = facts["examples"]
            except KeyError as missing:
                raise InputError(f"{self.artifact} holds no toolkens: it lacks {missing}") from missing
        return self._head

    # -- the selector --

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Take these tools, by their names: no document is read.

        Raises:
            InputError: there is no artifact, or not the one that is named.
        """
        self._load()
        self._tools = tools

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """The k tools whose rows fit the state where a call would begin; a tool without a row is never among them."""
        head = self._load()
        state = (await ctx.hidden(CONTEXT.format(query.text)))["states"]
        by_name = dict(zip(head.names, map(float, head.logits(state)[0]), strict=True))
        known = [Scored(tool, by_name[tool.name]) for tool in self._tools if tool.name in by_name]
        return sorted(known, key=lambda one: -one.score)[: query.limit or self.k]

    # -- the planner --

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Write greedily over words and tools; a tool's result takes the place of its call in the text."""
        head = self._load()
        tools = {tool.name: tool for tool in await ctx.tools(task.text)}
        asked = CONTEXT.format(task.text)
        said, barred = "", frozenset[str]()
        number = False  # the text ends with a number that a tool gave
        for _ in range(self.most):
            seen = await ctx.hidden(asked + said, Look(top=8))
            name = self._tool(head, seen, tools, barred)
            if name:
                result = await self._call(tools[name], asked + said, ctx)
                if result is None or not result.ok:
                    barred |= {name}  # the next best token is taken instead
                    continue
                said, number, barred = f"{said} {result.text}", result.text[-1:].isdigit(), frozenset()
                ctx.keep([user(task.text)], said.strip())
                continue
            word = next((word for word in seen["tokens"] if not (number and word[:1].isdigit())), "\n")
            if "\n" in word or not word:
                break
            said, number, barred = said + word, False, frozenset()
        return Answer(said.strip())

    def _tool(self, head: Head, seen: Mapping[str, Any], tools: Mapping[str, Tool], barred: frozenset[str]) -> str:
        """The tool that beats every word, empty where a word does."""
        logits = head.logits(seen["states"])[0] + self.bias
        able = [(float(logit), name) for logit, name in zip(logits, head.names, strict=True)
                if name in tools and name not in barred]  # fmt: skip
        best, name = max(able, default=(float("-inf"), ""))
        return name if best > float(seen["logits"][0]) else ""

    async def _call(self, tool: Tool, context: str, ctx: Context) -> ToolResult | None:
        """Tool mode: the frozen model writes the arguments; None where it writes no call of this tool."""
        shown = self._examples.get(tool.name, ())
        examples = "".join(f"\n\nText: {example}" for example in shown)
        prompt = CALL.render(context=context, examples=examples)
        response = await ctx.complete([user(prompt)], prompt=CALL, tools=[tool], max_output=96)
        calls: Sequence[ToolCall] = [call for call in response.tool_calls if call.name == tool.name]
        return await ctx.call_tool(calls[0]) if calls else None


def _read(place: int, row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Context and tool of each call of a row; an empty tool where text goes on."""
    query, tools = row.get("query"), row.get("tools")
    if not isinstance(query, str) or not isinstance(tools, list | tuple):
        raise InputError(f"row {place} has no query, or no list of tools", remedy='{"query": TEXT, "tools": [NAME...]}')
    context = str(row.get("text") or CONTEXT.format(query))
    return [(context, str(tool)) for tool in tools] or [(context, "")]


def _examples(rows: Sequence[Mapping[str, Any]], names: Sequence[str], most: int = 2) -> dict[str, list[str]]:
    """A few contexts of each tool, for tool mode."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for row in rows:
        for name in row["tools"]:
            if name in found and len(found[name]) < most:
                found[name].append(str(row["query"]))
    return found
