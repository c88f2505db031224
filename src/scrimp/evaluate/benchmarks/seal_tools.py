"""Seal-Tools: choosing among 4,076 tools and filling their slots, nested calls included. Wu et al., NLPCC 2024
(arXiv 2405.08355).

Each task offers its gold tools beside others of their fields and, where those do not suffice, of the pool, drawn by a
fixed seed. Success: all tools and all parameters right. `figures` gives the official micro figures.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks import nested
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field
from scrimp.evaluate.benchmarks.gold import Gold

POOL = 10


@dataclass(frozen=True)
class Item:
    """One request with its gold calls."""

    id: str
    query: str
    calls: tuple[nested.Call, ...]
    where: str

    @property
    def made(self) -> list[nested.Made]:
        """The gold calls as a model would make them."""
        return [(nested.presented(call.tool), call.parameters) for call in self.calls]


class SealTools:
    """Seal-Tools as a Benchmark; tasks ask for the calls themselves.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
        pool: how many tools a task offers, or `all`.
    """

    name = "seal_tools"
    splits = ("test_in_domain", "test_out_domain", "dev")
    default_split = "test_in_domain"

    def __init__(self, data: Path | str | None = None, pool: int | str = POOL) -> None:
        if not (pool == "all" or (isinstance(pool, int) and 1 <= pool <= 5000)):
            raise InputError(f"seal_tools offers a pool of 1 to 5000 tools, or all, not {pool}")
        self._source, self._pool = Source("seal_tools", data), pool
        self.version = self._source.version("NLPCC 2024")
        self._loaded: dict[str, Mapping[str, Item]] = {}

    def tasks(self, split: str = "test_in_domain") -> Iterator[Task]:
        """The requests of a split."""
        return map(self._task, self._split(split).values())

    def gold(self, task_id: str) -> Gold:
        """The gold calls; for scorers and the oracle only."""
        item = self._item(task_id)
        steps = nested.gold_steps(item.calls)
        return Gold("calls", tuple(item.made), steps, tuple(range(len(steps))))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether every call is right, by the official comparison of values as text."""
        wrong = nested.wrong(self.said(answer), self._item(task.id).made)
        return Score(float(not wrong), not wrong, wrong)

    def said(self, answer: Answer) -> list[nested.Made]:
        """The calls of an answer, in the set's own way of writing earlier values."""
        return nested.named([(call.name, call.arguments or {}) for call in answer.calls], self._counts)

    def figures(self, rows: Sequence[tuple[str, Sequence[nested.Made] | None]]) -> dict[str, Any]:
        """The official figures over (task id, calls) rows; None stands for an answer that could not be parsed.

        A predicted call counts as right where some gold call has its name; micro over all calls, and over all
        parameters.
        """
        tools, parameters, parsed = nested.Hits(), nested.Hits(), 0
        for task_id, calls in rows:
            gold, made = self._item(task_id).made, list(calls or ())
            parsed += calls is not None
            names = {name for name, _ in gold}
            tools.add(sum(name in names for name, _ in made), len(made), len(gold))
            parameters.add(*nested.parameter_hits(made, gold))
        return {"format_accuracy": parsed / len(rows), "tool": tools.figures(), "parameter": parameters.figures()}

    def _task(self, item: Item) -> Task:
        labels = {"sort": "difficult" if "difficult" in item.id else "easy"}
        return Task(item.id, nested.ASK.format(item.query), self._offered(item), answer_with="calls", labels=labels)

    def _offered(self, item: Item) -> tuple[Tool, ...]:
        if self._pool == "all":
            return tuple(self._tools.values())
        needed = list(dict.fromkeys(call.tool for call in item.calls))
        rng = random.Random(f"seal_tools {item.id}")
        fields = list(dict.fromkeys(self._fields[name] for name in needed))
        near = [name for one in fields for name in self._by_field[one] if name not in needed]
        wanted = max(0, min(int(self._pool), len(self._tools)) - len(needed))
        others = rng.sample(near, min(wanted, len(near)))
        while len(others) < wanted:
            name = rng.choice(self._names)
            if name not in needed and name not in others:
                others.append(name)
        names = needed + others
        rng.shuffle(names)
        return tuple(self._tools[name] for name in names)

    def _item(self, task_id: str) -> Item:
        split = task_id.split("-")[0]
        if split not in self.splits or task_id not in self._split(split):
            raise UnknownName("task of seal_tools", task_id)
        return self._split(split)[task_id]

    def _split(self, split: str) -> Mapping[str, Item]:
        if split not in self.splits:
            raise UnknownName("split of seal_tools", split, self.splits)
        if split not in self._loaded:
            items = (self._read(where, row) for where, row in self._source.rows(split))
            self._loaded[split] = by_id(items, lambda item: item.id, lambda item: item.where)
        return self._loaded[split]

    def _read(self, where: str, row: Mapping[str, Any]) -> Item:
        calls = tuple(nested.Call.read(where, one, "api") for one in field(where, row, "calling", list))
        if not calls:
            raise bad(where, "calling", "holds no call")
        for call in calls:
            if call.tool not in self._documents:
                raise bad(where, "calling", f"calls {call.tool!r}, which is not in the pool of tools")
        return Item(str(row["id"]), field(where, row, "query", str), calls, where)

    @cached_property
    def _rows(self) -> list[tuple[str, dict[str, Any]]]:
        return list(self._source.rows("tool", key="api_name"))

    @cached_property
    def _documents(self) -> Mapping[str, nested.Document]:
        read = ((where, nested.Document.read(where, row)) for where, row in self._rows)
        found = by_id(read, lambda one: one[1].name, lambda one: one[0])
        return {name: one for name, (_, one) in found.items()}

    @cached_property
    def _counts(self) -> Mapping[str, int]:
        return {nested.presented(name): len(one.gives) for name, one in self._documents.items()}

    @cached_property
    def _fields(self) -> Mapping[str, str]:
        return {row["api_name"]: str(row.get("field", "")) for _, row in self._rows}

    @cached_property
    def _by_field(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, one in self._fields.items():
            found.setdefault(one, []).append(name)
        return found

    @cached_property
    def _names(self) -> list[str]:
        return list(self._fields)

    @cached_property
    def _tools(self) -> Mapping[str, Tool]:
        return {name: one.tool() for name, one in self._documents.items()}
