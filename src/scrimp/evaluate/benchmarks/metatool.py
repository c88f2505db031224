"""MetaTool (ToolE): whether a tool is needed, and which. Huang et al., ICLR 2024 (arXiv 2310.03128).

`awareness` asks in words (task 1); the four subtasks of task 2 offer ten tools and want the calls: `similar` the gold
tool beside its nearest, `scenario` the tools of a profession or of popularity, `reliability` without the right one
(nothing may be called), `multi_tool` two at once. Success is the official correct selection (CSR) or, for awareness, a
right yes or no. The official files of `similar` and `scenario` are not published whole: the queries are drawn by fixed
seeds (five a tool for `similar`), and nearest is by TF-IDF of the descriptions, where the authors used embeddings.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field, one_of, texts
from scrimp.evaluate.benchmarks.gold import Gold, Step
from scrimp.tools.parts.words import words

PER_TOOL = 5
"""Queries drawn for each tool: 199 tools make the 995 of the official subtask."""
OFFERED = 10
"""Tools offered in `similar`."""
SCENARIOS = ("Finance_Staff", "Housewife", "Software_Engineer", "Students", "artists_designers", "elders",
             "TopTool_top5", "TopTool_top10", "TopTool_top15")  # fmt: skip
PER_SCENARIO = 100
"""Queries drawn for each scenario."""

CHOOSE = "Call the tool that answers the user's query best; call none if none of them fits.\nQuery: {}"
CHOOSE_TWO = "Call the two tools that answer the user's query together.\nQuery: {}"
AWARE = (
    "Is a tool needed to answer this, or can a language model answer it alone? Reply with yes or no only.\nQuery: {}"
)
_YES_NO = re.compile(r"[a-z]+")
NOTHING = "None of the tools fits."
SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True)
class Item:
    """One query; `tools` are the right ones, `offered` those to choose from."""

    id: str
    query: str
    tools: tuple[str, ...]
    offered: tuple[str, ...]
    where: str


class MetaTool:
    """MetaTool as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "metatool"
    splits = ("similar", "scenario", "reliability", "multi_tool", "awareness")
    default_split = "similar"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("metatool", data)
        self.version = self._source.version("ICLR 2024")
        self._loaded: dict[str, Mapping[str, Item]] = {}

    def tasks(self, split: str = "similar") -> Iterator[Task]:
        """The queries of a subtask."""
        return (self._task(item, split) for item in self._split(split).values())

    def gold(self, task_id: str) -> Gold:
        """The right tools, or the right word; for scorers and the oracle only."""
        split, item = self._item(task_id)
        if split == "awareness":
            other = "no" if item.tools[0] == "yes" else "yes"
            return Gold("text", item.tools, direct=item.tools[0], wrong=other)
        if split == "reliability":
            return Gold("calls", (), direct=NOTHING)
        steps = tuple(Step(tool, {}, ("", None), "any") for tool in item.tools)
        return Gold("calls", item.tools, steps, tuple(range(len(steps))))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether exactly the right tools were called, or the first word is the right yes or no."""
        split, item = self._item(task.id)
        if split == "awareness":
            said = next(iter(_YES_NO.findall(answer.text.lower())), "")
            right = said == item.tools[0]
            return Score(float(right), right, f"expected {item.tools[0]}, got {said or 'nothing'}")
        called = {call.name for call in answer.calls}
        wanted = set() if split == "reliability" else set(item.tools)
        right = called == wanted
        return Score(float(right), right, "" if right else f"expected {_list(wanted)}, got {_list(called)}")

    @cached_property
    def descriptions(self) -> Mapping[str, str]:
        """Every tool's description."""
        found: dict[str, str] = {}
        for file in ("plugin_des", "big_tool_des"):
            data = self._source.document(file)
            if not isinstance(data, dict) or not all(isinstance(text, str) for text in data.values()):
                raise bad(file, "description", "is not a text for each tool")
            found |= data
        return found

    def _task(self, item: Item, split: str) -> Task:
        if split == "awareness":
            return Task(item.id, AWARE.format(item.query), labels={"subtask": split})
        tools = tuple(Tool(name, self.descriptions[name], SCHEMA, source="metatool") for name in item.offered)
        ask = CHOOSE_TWO if split == "multi_tool" else CHOOSE
        return Task(item.id, ask.format(item.query), tools, answer_with="calls", labels={"subtask": split})

    def _item(self, task_id: str) -> tuple[str, Item]:
        split = task_id.rpartition("-")[0]
        if split not in self.splits or task_id not in self._split(split):
            raise UnknownName("task of metatool", task_id)
        return split, self._split(split)[task_id]

    def _split(self, split: str) -> Mapping[str, Item]:
        if split not in self.splits:
            raise UnknownName("split of metatool", split, self.splits)
        if split not in self._loaded:
            self._loaded[split] = by_id(getattr(self, f"_{split}")(), lambda item: item.id, lambda item: item.where)
        return self._loaded[split]

    # -- the subtasks

    @cached_property
    def _single(self) -> Mapping[str, list[tuple[str, str, str]]]:
        """Single-tool queries by tool: id, query, where it stands."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        for where, row in self._source.rows("single_tool_queries"):
            tool = self._known(where, field(where, row, "tool", str))
            found.setdefault(tool, []).append((str(row["id"]), field(where, row, "query", str), where))
        return found

    def _similar(self) -> Iterator[Item]:
        near = _Nearest(self.descriptions)
        for tool in sorted(self._single):
            rng = random.Random(f"metatool similar {tool}")
            for number, query, where in _drawn(rng, self._single[tool], PER_TOOL):
                offered = [tool, *near.of(tool, OFFERED - 1)]
                rng.shuffle(offered)
                yield Item(f"similar-{number}", query, (tool,), tuple(offered), where)

    def _scenario(self) -> Iterator[Item]:
        for scenario in SCENARIOS:
            if not self._source.has(f"scenario/{scenario}"):
                continue
            offered = texts(scenario, self._source.document(f"scenario/{scenario}"), "Tools")
            names = tuple(dict.fromkeys(name for name in offered if name in self.descriptions))
            rng = random.Random(f"metatool scenario {scenario}")
            rows = [(tool, row) for tool in names for row in self._single.get(tool, ())]
            for tool, (number, query, where) in _drawn(rng, rows, PER_SCENARIO):
                yield Item(f"scenario-{scenario}:{number}", query, (tool,), names, where)

    def _reliability(self) -> Iterator[Item]:
        for number, (where, row) in enumerate(self._source.rows("task2_subtask3_reliability", key="query")):
            offered = self._offered(where, row)
            if field(where, row, "tool", str) in offered:
                raise bad(where, "candidates", "holds the right tool, which must be absent here")
            yield Item(f"reliability-{number}", field(where, row, "query", str), (row["tool"],), offered, where)

    def _multi_tool(self) -> Iterator[Item]:
        for number, (where, row) in enumerate(self._source.rows("task2_subtask4_multi_tool", key="query")):
            tools, offered = texts(where, row, "tool"), self._offered(where, row)
            if not set(tools) <= set(offered):
                raise bad(where, "tool", f"is not among the candidates: {_list(set(tools) - set(offered))}")
            yield Item(f"multi_tool-{number}", field(where, row, "query", str), tools, offered, where)

    def _awareness(self) -> Iterator[Item]:
        for number, (where, row) in enumerate(self._source.rows("task1_awareness", key="query")):
            label = one_of(where, "label", row.get("label"), ("positive", "negative"))
            right = "yes" if label == "positive" else "no"
            yield Item(f"awareness-{number}", field(where, row, "query", str), (right,), (), where)

    def _offered(self, where: str, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(self._known(where, name) for name in dict.fromkeys(texts(where, row, "candidates")))

    def _known(self, where: str, name: str) -> str:
        if name not in self.descriptions:
            raise bad(where, "tool", f"names {name!r}, which has no description")
        return name


def figures(rows: Sequence[tuple[bool, bool]]) -> dict[str, float]:
    """Task 1's accuracy, precision, recall and F1 from (needed, said to be needed) pairs."""
    right = sum(needed == said for needed, said in rows)
    hits, said, needed = (sum(map(all, rows)), sum(said for _, said in rows), sum(needed for needed, _ in rows))
    precision, recall = hits / said if said else 0.0, hits / needed if needed else 0.0
    both = precision + recall
    return {"accuracy": right / len(rows), "precision": precision, "recall": recall,
            "f1": 2 * precision * recall / both if both else 0.0}  # fmt: skip


class _Nearest:
    """Tools by the cosine of their descriptions' TF-IDF."""

    def __init__(self, descriptions: Mapping[str, str]) -> None:
        counts = {name: Counter(words(f"{name} {text}")) for name, text in descriptions.items()}
        seen = Counter(word for count in counts.values() for word in count)
        self._vectors = {name: _unit({word: n * math.log(len(counts) / seen[word]) for word, n in count.items()})
                         for name, count in counts.items()}  # fmt: skip

    def of(self, tool: str, count: int) -> list[str]:
        mine = self._vectors[tool]
        others = [name for name in self._vectors if name != tool]
        likeness = {name: sum(mine.get(word, 0.0) * x for word, x in self._vectors[name].items()) for name in others}
        return sorted(others, key=lambda name: (-likeness[name], name))[:count]


def _unit(vector: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(x * x for x in vector.values())) or 1.0
    return {word: x / length for word, x in vector.items()}


def _drawn(rng: random.Random, rows: Sequence[Any], count: int) -> list[Any]:
    return rng.sample(list(rows), min(count, len(rows)))


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
