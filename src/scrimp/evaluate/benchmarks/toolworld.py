"""The tool world: invented functions, questions that need them, and the calls that answer.

96 deterministic typed functions in ten families (up to 128, or a 16-tool subset), with look-alikes
planted on purpose: net and list price, statute and nautical miles, calendar and business days. The
tables behind the look-ups are invented and the figures are large, so that an answer is neither known
nor done in the head. Every task offers all tools of its world. Design: the shared tool world of the
project's own notes on tool learning; no outside data.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.gold import Gold, compare, run_steps
from scrimp.evaluate.benchmarks.world.drafts import Pool, draw
from scrimp.evaluate.benchmarks.world.registry import STANDARD, subset, unseen
from scrimp.evaluate.benchmarks.world.wording import WITHOUT, say

KINDS = ("single", "parallel", "chained", "mixed", "none", "unsolvable")

CYCLE = ("single", "chained", "parallel", "mixed", "none", "single", "chained", "unsolvable", "parallel", "single")
"""Kinds in the order they come, so that any first ten tasks hold every kind."""

CYCLE_UNSEEN = (
    "single",
    "chained",
    "parallel",
    "mixed",
    "single",
    "chained",
    "parallel",
    "single",
    "chained",
    "single",
)

SIZES: Mapping[str, int] = {"test": 1600, "dev": 400, "unseen": 400}
"""Tasks per split. `unseen` needs tools that `test` and `dev` never need."""

CHINESE = 0.1
"""Share of tasks asked in Chinese."""


@dataclass(frozen=True)
class _Item:
    task: Task
    gold: Gold


class ToolWorld:
    """The tool world as a Benchmark.

    Args:
        tools: how many tools, 16 to 128; None for the standard 96, 16 for the 16-tool subset.
        seed: which world of tasks; 0 is the standard one. The functions and tables are the same.
    """

    version = "1"
    splits = tuple(SIZES)
    default_split = "test"

    def __init__(self, tools: int | None = None, seed: int = 0) -> None:
        self._entries = subset(tools)
        self.name = "toolworld" if len(self._entries) == STANDARD else f"toolworld{len(self._entries)}"
        self.seed = seed
        self._loaded: dict[str, dict[str, _Item]] = {}

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """The tools every task offers."""
        return tuple(entry.tool for entry in self._entries)

    def tools_subset(self, count: int) -> ToolWorld:
        """The world of the first `count` tools, with tasks that these can do; same seed."""
        return ToolWorld(count, self.seed)

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The tasks of a split, kinds in turn.

        Raises:
            UnknownName: no such split.
        """
        return (item.task for item in self._split(split).values())

    def gold(self, task_id: str) -> Gold:
        """The right answer and the way to it; for scorers and the oracle only.

        Raises:
            UnknownName: no task of that id.
        """
        return self._item(task_id).gold

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Right or wrong by the last line of the answer (rules: `gold.compare`)."""
        return compare(self.gold(task.id), answer.text)

    def check(self) -> dict[str, Any]:
        """Make every task, run its gold calls again and score the gold answer.

        Raises:
            InputError: a task whose gold does not hold.
        """
        tools = {tool.name: tool for tool in self.tools}
        counts: dict[str, Any] = {}
        kinds = dict.fromkeys(KINDS, 0)
        for split in self.splits:
            for item in self._split(split).values():
                said = item.gold.direct or "; ".join(
                    result.text
                    for place, result in enumerate(run_steps(item.gold.steps, tools))
                    if place in item.gold.read
                )
                if not compare(item.gold, said).success:
                    raise InputError(f"{self.name}: the gold of task {item.task.id} does not hold")
                kinds[item.task.labels["kind"]] += 1
            counts[split] = len(self._split(split))
        return {"items": sum(counts.values()), "splits": counts, "kinds": kinds, "tools": len(self.tools)}

    def _item(self, task_id: str) -> _Item:
        for split in self.splits:
            if split == self.default_split or f"-{split}-" in task_id:
                found = self._split(split).get(task_id)
                if found is not None:
                    return found
        raise UnknownName(f"task of {self.name}", task_id)

    def _split(self, split: str) -> Mapping[str, _Item]:
        if split not in SIZES:
            raise UnknownName(f"split of {self.name}", split, self.splits)
        if split not in self._loaded:
            self._loaded[split] = self._make(split)
        return self._loaded[split]

    def _make(self, split: str) -> dict[str, _Item]:
        held = unseen(self._entries)
        pool = Pool(self._entries if split == "unseen" else tuple(e for e in self._entries if e.name not in held))
        cycle = CYCLE_UNSEEN if split == "unseen" else CYCLE
        items: dict[str, _Item] = {}
        texts: set[str] = set()
        counts = dict.fromkeys(KINDS, 0)
        for place in range(SIZES[split]):
            kind = cycle[place % len(cycle)]
            number = counts[kind]
            counts[kind] += 1
            part = "" if split == self.default_split else f"{split}-"
            name = f"{self.name}-{self.seed}-{part}{kind}-{number:04d}"
            rng = random.Random(name)
            language = "zh" if rng.random() < CHINESE else "en"
            text, gold = self._one(rng, pool, kind, language, held if split == "unseen" else frozenset())
            while text in texts:
                text, gold = self._one(rng, pool, kind, language, held if split == "unseen" else frozenset())
            texts.add(text)
            labels = {**gold.labels, "kind": kind, "language": language, "depth": str(gold.depth), "split": split}
            items[name] = _Item(Task(name, text, self.tools, labels=labels), gold)
        return items

    @staticmethod
    def _one(rng: random.Random, pool: Pool, kind: str, language: str, must: frozenset[str]) -> tuple[str, Gold]:
        if kind in WITHOUT:
            text, gold = WITHOUT[kind](rng, language)
            return text, Gold(gold.form, gold.answer, direct=gold.direct, wrong=gold.wrong, labels={"family": "none"})
        draft = draw(rng, pool, kind, must)
        last = draft.entries[-1]
        results = [draft.results[place] for place in draft.read]
        labels = {"family": last.family}
        if len(results) > 1:
            gold = Gold("several", tuple(results), tuple(draft.steps), draft.read, labels=labels)
        elif isinstance(results[0], list):
            gold = Gold("list", tuple(results[0]), tuple(draft.steps), draft.read, labels=labels)
        else:
            form = "text" if isinstance(results[0], str) else "number"
            gold = Gold(form, (results[0],), tuple(draft.steps), draft.read, labels=labels)  # type: ignore[arg-type]
        return say(rng, draft, language), gold
