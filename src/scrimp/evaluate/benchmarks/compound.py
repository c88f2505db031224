"""Compound tasks over the tool world, made here (after TPS-Bench: its two sorts, its measures).

Each task joins subtasks of the tool world. `easy`: two to five that have nothing to do with each other. `hard`: six to
ten, among them chains of calls. Value: the task completion rate, the share of subtasks that are right; success: all
are. Tokens, end-to-end time, tool-call turns and cost of pass come with every table; `selection` scores the tools.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.gold import Gold, Ref, Step, last_line, same
from scrimp.evaluate.benchmarks.toolworld import ToolWorld

SIZES: Mapping[str, int] = {"easy": 100, "hard": 100}
SUBTASKS: Mapping[str, tuple[int, int]] = {"easy": (2, 5), "hard": (6, 10)}
KINDS: Mapping[str, tuple[str, ...]] = {"easy": ("single",), "hard": ("single", "chained")}

ASK = (
    "Do all of these subtasks and reply with one line: their answers in order, separated by semicolons, in the form "
    "each asks for.\n{}"
)


class Compound:
    """Compound tasks as a Benchmark.

    Args:
        tools: how many tools the world has, 16 to 128; None for the standard 96.
        seed: which tasks; 0 is the standard one.
    """

    name = "compound"
    version = "1"
    splits = tuple(SIZES)
    default_split = "easy"

    def __init__(self, tools: int | None = None, seed: int = 0) -> None:
        self._world, self.seed = ToolWorld(tools, seed), seed

    def tasks(self, split: str = "easy") -> Iterator[Task]:
        """The compound tasks of a split."""
        return (task for task, _ in self._split(split).values())

    def gold(self, task_id: str) -> Gold:
        """The right answers and the calls that lead to them; for scorers and the oracle only."""
        split = task_id.split("-")[0]
        if split not in SIZES or task_id not in self._split(split):
            raise UnknownName("task of compound", task_id)
        return self._split(split)[task_id][1]

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """The share of subtasks whose part of the last line is right."""
        gold = self.gold(task.id).answer
        parts = [part.strip() for part in last_line(answer.text).replace("；", ";").split(";")]
        right = [same(wanted, said) for wanted, said in zip(gold, parts, strict=False)]
        value = sum(right) / len(gold)
        return Score(value, value == 1.0 and len(parts) == len(gold), f"{sum(right)} of {len(gold)} subtasks right")

    def selection(self, task_id: str, called: Sequence[str]) -> float:
        """Tool selection score: the F1 of the tools that were called and those that gold calls."""
        wanted, made = {step.tool for step in self.gold(task_id).steps}, set(called)
        return 2 * len(wanted & made) / (len(wanted) + len(made)) if made else 0.0

    @cached_property
    def _pool(self) -> Mapping[str, list[tuple[Task, Gold]]]:
        """Subtasks by kind: in English, with one answer of one part."""
        found: dict[str, list[tuple[Task, Gold]]] = {}
        for task in self._world.tasks("test"):
            gold = self._world.gold(task.id)
            if task.labels["language"] == "en" and gold.form in ("number", "text") and gold.steps:
                found.setdefault(task.labels["kind"], []).append((task, gold))
        return found

    def _split(self, split: str) -> Mapping[str, tuple[Task, Gold]]:
        if split not in SIZES:
            raise UnknownName("split of compound", split, SIZES)
        return self._easy if split == "easy" else self._hard

    @cached_property
    def _easy(self) -> Mapping[str, tuple[Task, Gold]]:
        return self._made("easy")

    @cached_property
    def _hard(self) -> Mapping[str, tuple[Task, Gold]]:
        return self._made("hard")

    def _made(self, split: str) -> Mapping[str, tuple[Task, Gold]]:
        out = {}
        for number in range(SIZES[split]):
            name = f"{split}-{self.seed}-{number:03d}"
            rng = random.Random(f"compound {name}")
            count = rng.randint(*SUBTASKS[split])
            kinds = [KINDS[split][place % len(KINDS[split])] for place in range(count)]
            chosen = [rng.choice(self._pool[kind]) for kind in kinds]
            text = ASK.format("\n".join(f"{place}. {task.text}" for place, (task, _) in enumerate(chosen, 1)))
            labels = {"subtasks": str(count), "sort": split}
            out[name] = Task(name, text, self._world.tools, labels=labels), joined([gold for _, gold in chosen])
        return out


def joined(golds: Sequence[Gold]) -> Gold:
    """One gold way of several: their steps one after the other, their answers in order."""
    steps: list[Step] = []
    read: list[int] = []
    for gold in golds:
        shift = len(steps)
        read += [shift + place for place in gold.read]
        for step in gold.steps:
            moved = {key: Ref(value.step + shift) if isinstance(value, Ref) else value
                     for key, value in step.arguments.items()}  # fmt: skip
            steps.append(Step(step.tool, moved, step.slip, step.gives))
    return Gold("several", tuple(gold.answer[0] for gold in golds), tuple(steps), tuple(read))
