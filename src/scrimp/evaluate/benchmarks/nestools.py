"""NesTools: calls nested in each other. Han et al., COLING 2025 (arXiv 2410.11805).

A task offers the documents of the tools it needs. Success: every call and parameter right (the tree is). `figures`
gives the set's own: format, tools, order, parameters, nested parameters, trees, and their average. Order is read here
as the pairs of tools of which one takes a value of the other; the official code was not at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks import nested
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field
from scrimp.evaluate.benchmarks.gold import Gold


@dataclass(frozen=True)
class Item:
    """One request with its tools and gold calls."""

    id: str
    request: str
    documents: tuple[nested.Document, ...]
    calls: tuple[nested.Call, ...]
    where: str

    @property
    def made(self) -> list[nested.Made]:
        """The gold calls as a model would make them."""
        return [(nested.presented(call.tool), call.parameters) for call in self.calls]

    @property
    def counts(self) -> dict[str, int]:
        """How many values each tool gives."""
        return {nested.presented(one.name): len(one.gives) for one in self.documents}


class NesTools:
    """NesTools as a Benchmark; tasks ask for the calls themselves.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "nestools"
    splits = ("test",)
    default_split = "test"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("nestools", data)
        self.version = self._source.version("COLING 2025")

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The requests."""
        if split not in self.splits:
            raise UnknownName("split of nestools", split, self.splits)
        return map(_task, self._items.values())

    def gold(self, task_id: str) -> Gold:
        """The gold calls; for scorers and the oracle only."""
        item = self._item(task_id)
        steps = nested.gold_steps(item.calls)
        return Gold("calls", tuple(item.made), steps, tuple(range(len(steps))))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether the whole tree is right."""
        item = self._item(task.id)
        wrong = nested.wrong(self.said(task.id, answer), item.made)
        return Score(float(not wrong), not wrong, wrong)

    def said(self, task_id: str, answer: Answer) -> list[nested.Made]:
        """The calls of an answer, in the set's own way of writing earlier values."""
        return nested.named([(one.name, one.arguments or {}) for one in answer.calls], self._item(task_id).counts)

    def figures(self, rows: Sequence[tuple[str, Sequence[nested.Made] | None]]) -> dict[str, Any]:
        """The set's figures over (task id, calls) rows; None stands for an answer that could not be parsed."""
        parts = {name: nested.Hits() for name in ("tool", "order", "parameter", "nested")}
        trees = parsed = 0
        for task_id, calls in rows:
            item, made = self._item(task_id), list(calls or ())
            gold, parsed = item.made, parsed + (calls is not None)
            names = {name for name, _ in gold}
            parts["tool"].add(sum(name in names for name, _ in made), len(made), len(gold))
            parts["parameter"].add(*nested.parameter_hits(made, gold))
            for name, mine, wanted in (
                ("order", _pairs(made, item.counts), _pairs(gold, item.counts)),
                ("nested", _links(made), _links(gold)),
            ):
                parts[name].add(len(mine & wanted), len(mine), len(wanted))
            trees += calls is not None and not nested.wrong(made, gold)
        found: dict[str, Any] = {name: hits.figures() for name, hits in parts.items()}
        average = sum(one["f1"] for one in found.values()) / len(found)
        return {"format_accuracy": parsed / len(rows), **found, "tree_accuracy": trees / len(rows), "average": average}

    def _item(self, task_id: str) -> Item:
        if task_id not in self._items:
            raise UnknownName("task of nestools", task_id)
        return self._items[task_id]

    @cached_property
    def _items(self) -> Mapping[str, Item]:
        rows = self._source.rows("test_data", key="test_id")
        return by_id((_read(where, row) for where, row in rows), lambda item: item.id, lambda item: item.where)


def _task(item: Item) -> Task:
    tools = tuple(document.tool() for document in item.documents)
    return Task(item.id, nested.ASK.format(item.request), tools, answer_with="calls")


def _read(where: str, row: Mapping[str, Any]) -> Item:
    rows = [one for one in field(where, row, "api", list) if isinstance(one, dict)]
    documents = by_id((nested.Document.read(where, one) for one in rows), lambda one: one.name, lambda one: where)
    calls = tuple(nested.Call.read(where, one, "api_name") for one in field(where, row, "call", list))
    if not calls:
        raise bad(where, "call", "holds no call")
    for call in calls:
        if call.tool not in documents:
            raise bad(where, "call", f"calls {call.tool!r}, which the item does not offer")
    return Item(str(row["test_id"]), field(where, row, "task", str), tuple(documents.values()), calls, where)


def _links(calls: Sequence[nested.Made]) -> set[tuple[str, str, str]]:
    """Nested parameters: tool, parameter, the value it takes."""
    return {
        (tool, key, str(value))
        for tool, arguments in calls
        for key, value in arguments.items()
        if nested.value_number(value) is not None
    }


def _pairs(calls: Sequence[nested.Made], counts: Mapping[str, int]) -> set[tuple[str, str]]:
    """Pairs of tools of which the second takes a value of the first."""
    owners = [tool for tool, _ in calls for _ in range(counts.get(tool, 1))]
    numbers = [(tool, nested.value_number(value)) for tool, arguments in calls for value in arguments.values()]
    return {(owners[number], tool) for tool, number in numbers if number is not None and number < len(owners)}
