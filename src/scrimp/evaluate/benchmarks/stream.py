"""A stream: the tasks of another benchmark one after the other, with memory carried over (after Evo-Memory).

Wei et al., arXiv 2511.20857, whose data are not published. The agent's memory outlives each task; after each, a System
with a memory is told whether its answer was right, and nothing else. Tables show success, tokens and steps by thirds of
the stream (their learning), and steps to the goal by both conventions. Sequence robustness is how much success moves
between the orders: run `order=0`, 1 and 2.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.gold import Gold

ORDERS = 3
SEED = 20251120


class Stream:
    """A stream of tasks as a Benchmark.

    Args:
        over: the benchmark whose tasks they are, options and all but `&`: `metatool`, `textworld`...
        part: its split; its default one where empty.
        length: tasks of the stream, drawn by a fixed seed.
        order: which of the fixed orders, from 0.
        data: folder of the official files of `over`.
    """

    name = "stream"
    version = "1"
    splits = ("test",)
    default_split = "test"
    stream = True

    def __init__(self, over: str = "toolworld", part: str = "", length: int = 60, order: int = 0,
                 data: Any = None) -> None:  # fmt: skip
        from scrimp.evaluate.benchmarks.catalog import open_benchmark

        if not 0 <= order < ORDERS:
            raise InputError(f"stream has the orders 0 to {ORDERS - 1}, not {order}")
        if length < 2:
            raise InputError("a stream has two tasks or more")
        self.inner: Any = open_benchmark(over, data)
        self.part = part or self.inner.default_split
        self.length, self.order = length, order
        self.roles = getattr(self.inner, "roles", {})
        self.figures = getattr(self.inner, "figures", True)

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The tasks in their order."""
        if split not in self.splits:
            raise UnknownName("split of stream", split, self.splits)
        return iter(self._tasks.values())

    def gold(self, task_id: str) -> Gold:
        """The inner benchmark's gold; for scorers and the oracle only."""
        gold: Gold = self.inner.gold(self._task(task_id).labels["task"])
        return gold

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """The inner benchmark's score."""
        score: Score = await self.inner.score(replace(task, id=task.labels["task"]), answer, ctx)
        return score

    def environment(self, task: Task) -> Any:
        """The inner benchmark's world."""
        return self.inner.environment(replace(task, id=task.labels["task"]))

    def _task(self, task_id: str) -> Task:
        if task_id not in self._tasks:
            raise UnknownName("task of stream", task_id)
        return self._tasks[task_id]

    @cached_property
    def _tasks(self) -> Mapping[str, Task]:
        every = list(self.inner.tasks(self.part))
        if len(every) < self.length:
            raise InputError(f"{self.inner.name} {self.part} has {len(every)} tasks, fewer than {self.length}",
                             remedy=f"length={len(every)}")  # fmt: skip
        if any(task.history for task in every):
            raise InputError(f"{self.inner.name} has histories of its own, which a stream cannot carry over")
        chosen = random.Random(SEED).sample(every, self.length)
        random.Random(f"{SEED} {self.order}").shuffle(chosen)
        found = {}
        for place, task in enumerate(chosen):
            labels = {**task.labels, "task": task.id, "position": str(place + 1)}
            name = f"{place + 1:04d}-{task.id}"
            found[name] = replace(task, id=name, owner=f"stream {self.order}", labels=labels)
        return found
