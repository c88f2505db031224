"""No gold answer can be reached from what a method is handed."""

from __future__ import annotations

import gc
import importlib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import pytest

from scrimp.core.context import Context
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.gold import Step
from scrimp.testing import Bench

GOLD = "the-gold-answer-4711"
OPAQUE = (types.ModuleType, type, types.CodeType, types.FrameType)


def contents(thing: object) -> Iterator[object]:
    """What one can get at from an object: attributes, slots, items, closures, defaults, bound instances."""
    if isinstance(thing, Mapping):
        for key, value in list(thing.items()):
            yield from (key, value)
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    if isinstance(thing, types.FunctionType):
        yield from (cell.cell_contents for cell in thing.__closure__ or () if cell is not None)
        yield from (thing.__defaults__, thing.__kwdefaults__)
    if isinstance(thing, types.MethodType):
        yield from (thing.__self__, thing.__func__)
    yield from list(getattr(thing, "__dict__", {}).values())
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            yield getattr(thing, slot, None)
    if type(thing).__module__ == "functools" or isinstance(thing, types.BuiltinMethodType | types.CellType):
        # Not so functions: their globals are their module, which is no business of a Context.
        yield from (item for item in gc.get_referents(thing) if not isinstance(item, OPAQUE))


def reach(start: object, found: Callable[[object], bool]) -> list[object]:
    """Everything reachable from `start` that `found` recognises."""
    seen: set[int] = set()
    hits: list[object] = []
    waiting = [start]
    keep = []  # objects made on the way must live, or their ids come twice
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, OPAQUE):
            continue
        seen.add(id(thing))
        keep.append(thing)
        if found(thing):
            hits.append(thing)
        waiting += contents(thing)
    return hits


def holds_gold(thing: object) -> bool:
    return isinstance(thing, str) and GOLD in thing


@dataclass
class Toy:
    """A benchmark whose gold is one unmistakable string."""

    name: str = "toy"
    version: str = "1"
    default_split: str = "test"
    _gold: dict[str, str] = field(default_factory=lambda: {"t1": GOLD})

    def tasks(self, split: str) -> Iterable[Task]:
        tool = Tool("look", "Look.", {"type": "object"}, lambda arguments: "nothing", inline=True)
        return [Task("t1", "What is it?", (tool,), labels={"kind": "toy"})]

    async def score(self, task: Task, answer: Answer, ctx: Any) -> Score:
        success = answer.text == self._gold[task.id]
        return Score(float(success), success)


class Snoop:
    """A planner that keeps the Context it was handed, to be searched."""

    ctx: Context
    task: Task

    async def solve(self, task: Task, ctx: Context) -> Answer:
        self.ctx, self.task = ctx, task
        child = await ctx.spawn("spy")
        await child.tools(task.text)
        return Answer("?")


def test_no_gold_is_reachable_from_a_context_that_runs_a_benchmark_task() -> None:
    benchmark, snoop = Toy(), Snoop()
    (task,) = benchmark.tasks("test")
    bench = Bench(tools=task.tools)
    anyio.run(snoop.solve, task, bench.ctx)
    assert reach(snoop, holds_gold) == []
    assert reach(snoop, lambda thing: thing is benchmark) == []


@pytest.mark.parametrize(
    "hidden",
    [
        lambda: Task("t", "x", labels={"gold": GOLD}),
        lambda: Tool("t", "d", {}, lambda arguments, gold=GOLD: gold),
        lambda: Tool("t", "d", {}, (lambda gold: lambda arguments: gold)(GOLD)),
        lambda: Tool("t", "d", {}, Toy().score),
        lambda: Tool("t", "d", {}, partial(Toy().score, 1)),
        lambda: Bench(tools=[Tool("t", GOLD, {})]).ctx,
    ],
    ids=["label", "default", "closure", "bound method", "partial", "context"],
)
def test_the_search_finds_what_is_hidden(hidden: Callable[[], object]) -> None:
    assert reach(hidden(), holds_gold)


def test_no_gold_of_the_tool_world_is_reachable() -> None:
    """The packaged benchmark: neither the item of any task nor the steps of its gold."""
    toolworld = pytest.importorskip("scrimp.evaluate.benchmarks.toolworld")
    world = toolworld.ToolWorld(16)
    task = next(iter(world.tasks("test")))
    gold = world.gold(task.id)
    snoop = Snoop()
    anyio.run(snoop.solve, task, Bench(tools=task.tools).ctx)
    forbidden = (type(gold), toolworld.ToolWorld)
    assert reach(snoop, lambda thing: isinstance(thing, forbidden)) == []
    assert reach(world, lambda thing: thing is gold), "the search would have found it"


@pytest.mark.parametrize(
    "name",
    [f"{name}?data=sample" for name in (
        "hotpotqa", "locomo", "longmemeval", "membench", "bfcl", "metatool", "seal_tools", "nestools", "ultratool",
        "api_bank", "tau_bench", "tau2_bench", "blocksworld",
    )] + ["dialogues", "compound", "costbench", "stories", "stream", "boundary"],
)  # fmt: skip
def test_no_gold_of_any_benchmark_is_reachable_from_its_task_or_its_world(name: str) -> None:
    catalog = pytest.importorskip("scrimp.evaluate.benchmarks.catalog")
    benchmark = catalog.open_benchmark(name)
    task = next(iter(benchmark.tasks(benchmark.default_split)))
    gold, module = benchmark.gold(task.id), importlib.import_module(type(benchmark).__module__)
    world = catalog.world_of(benchmark, task)
    snoop = Snoop()
    anyio.run(snoop.solve, task, Bench(tools=task.tools, environment=world).ctx)
    forbidden = (type(gold), Step, type(benchmark), *(one for one in [getattr(module, "Item", None)] if one))
    assert reach(snoop, lambda thing: isinstance(thing, forbidden)) == []
