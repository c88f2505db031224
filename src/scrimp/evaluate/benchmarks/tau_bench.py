"""tau-bench: service conversations with tools, a policy and a simulated user. Yao et al. 2024 (arXiv 2406.12045).

An agent at a retail or airline desk. Reward 1 where the database ends as the gold actions leave it and every required
output was said, else 0. The tools are our own; runs that the authors recorded agree with them (see the tests).

The user is `scripted` (says the whole instruction at once and then agrees: a test of the harness, without a success
figure), `none` (our solo variant: the instruction stands in the task's text and nobody is asked), or a model by name,
which plays the user; the official figures are of this kind. What the agent says with the tool `message_user` is what
officially is a message to the user; its final answer is its last one. Officially 30 steps, of which a message is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Environment
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.checking import check
from scrimp.evaluate.benchmarks.files import Source, by_id, field, texts
from scrimp.evaluate.benchmarks.gold import Gold
from scrimp.evaluate.benchmarks.tau_parts import SCRIPTED, Desks, Item, Setting, early, read_calls, total
from scrimp.evaluate.environments.desk_world import House

FILES: Mapping[str, tuple[str, str]] = {
    "retail": ("retail", "retail_tasks_test"),
    "airline": ("airline", "airline_tasks_test"),
    "retail_train": ("retail", "retail_tasks_train"),
}
"""Domain and file of each split."""

STEPS = 30
STOP = "###STOP###"

PLAYER = Prompt(
    "tau-bench-user",
    1,
    "You are a customer who talks to a service agent. This is who you are and what you want:\n$instruction\n\n"
    "Write one short message at a time, in your own words, and say only what is needed now, never all at once. Make "
    "nothing up: what does not stand above you do not remember or do not have. Keep to the character above. As soon as "
    f"you have what you want, write {STOP} and nothing else.",
)
SETTING = Setting(
    second=False,
    policy="{}_policy_wiki.md",
    database="db_{}/",
    house=House(stops=(STOP,), transfer_ends=True, steps=STEPS - 1),
    player=PLAYER,
    steps=STEPS,
)


class TauBench:
    """tau-bench as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
        user: `scripted`, `none`, or the name of the model that plays the user.
    """

    name = "tau_bench"
    title = "tau-bench: service conversations under a policy"
    splits = tuple(FILES)
    default_split = "retail"
    metrics = ("reward: database and outputs (success)",)
    licence = "MIT"

    def __init__(self, data: Path | str | None = None, user: str = SCRIPTED) -> None:
        self._source = Source("tau_bench", data)
        self._desks = Desks(self._source, SETTING, user)
        self.version = self._source.version("59a200c")
        self.roles, self.figures = self._desks.roles, self._desks.figures
        self._split = cache(self._read)

    def tasks(self, split: str = "retail") -> Iterator[Task]:
        """The conversations of a split.

        Raises:
            UnknownName: no such split.
        """
        if split not in FILES:
            raise UnknownName("split of tau_bench", split, FILES)
        return (self._desks.task(item) for item in self._split(split).values())

    def gold(self, task_id: str) -> Gold:
        """The gold actions and what must be said; for scorers and the oracle only."""
        return self._desks.gold(self._item(task_id))

    def environment(self, task: Task) -> Environment:
        """A fresh world for a task."""
        return self._desks.world(self._item(task.id))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """The official reward."""
        item = self._item(task.id)
        return early(answer) or total(item, self._desks.parts(item, answer))

    def check(self) -> dict[str, Any]:
        """Take every gold way and score it (`checking.check`); `refused`: official gold actions that the tools
        refuse."""
        items = [item for split in FILES for item in self._split(split).values()]
        return {**check(self), "refused": self._desks.refusals(items)}

    def _item(self, task_id: str) -> Item:
        split = task_id.rpartition("-")[0]
        items = self._split(split) if split in FILES else {}
        if task_id not in items:
            raise UnknownName("task of tau_bench", task_id)
        return items[task_id]

    def _read(self, split: str) -> Mapping[str, Item]:
        domain, name = FILES[split]
        numbered = split == "retail_train"
        found = []
        for number, (where, row) in enumerate(self._source.rows(name, key="" if numbered else "task_id")):
            found.append(
                Item(
                    f"{split}-{number if numbered else row['task_id']}",
                    domain,
                    split,
                    field(where, row, "instruction", str),
                    read_calls(self._desks.service(domain), where, row, "kwargs"),
                    texts(where, row, "outputs"),
                    where,
                )
            )
        return by_id(found, lambda item: item.id, lambda item: item.where)
