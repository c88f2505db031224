"""What planners on a graph of calls save: prompt tokens by length of chain, seconds by kind of work, money of tools.

    python benchmarks/planning_graphs.py [SECTION...] [--n 20] [--json FILE]

Sections: tokens, failures, limits, makespan, seconds, money; all of them where none is named. On an oracle without
errors, so structure only (EVIDENCE rule 6). Time is virtual: a model takes FIRST seconds to its first token and TOKEN
for each one it writes (reading is free), a tool its declared latency. Intervals are from 1,000 resamples of the tasks.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scrimp.core.context import Settings
from scrimp.core.messages import Delta, Request
from scrimp.core.registry import create
from scrimp.core.system import System
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool, signature
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.benchmarks.gold import Gold, Step
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.oracle import Oracle
from scrimp.models.embedders import open_embedder
from scrimp.models.tokens import estimate, estimate_tools
from scrimp.planning.methods import llmcompiler, rewoo
from scrimp.stores.sqlite import SQLiteStore
from scrimp.testing import Bench
from scrimp.tools.parts.dag import made
from scrimp.tools.parts.dag_run import Schedule
from tests.support import virtual

FIRST, TOKEN = 0.4, 0.02
"""Seconds to the first token, and for each token written."""
ROOM = Settings(max_output=4000)
ONE_BY_ONE = Settings(max_output=4000, parallel_calls=False)
LENGTHS = {"toolworld": (1, 2, 3, 4, 5), "compound": (8, 12, 16)}
"""Calls a task needs, by benchmark; of compound, that many and up to the next length."""
EXAMPLES = {
    "rewoo": rewoo.PLAN.text.partition("For example")[2],
    "llmcompiler": llmcompiler.PLAN.text.partition("For example")[2],
}
Row = Mapping[str, Any]


class Watched:
    """A model that remembers what it was asked, and takes its time where `timed`."""

    def __init__(self, inner: Oracle, timed: bool = False) -> None:
        self._inner, self._timed = inner, timed
        self.name, self.capabilities, self.bound = inner.name, inner.capabilities, inner.bound
        self.requests: list[Request] = []

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.requests.append(request)
        if self._timed:
            await anyio.sleep(FIRST)
        async for delta in self._inner.stream(request):
            if not self._timed:
                yield delta
                continue
            for line in delta.text.splitlines(keepends=True):
                await anyio.sleep(TOKEN * estimate(line))
                yield Delta(text=line)
            if delta.tool_calls:
                await anyio.sleep(TOKEN * sum(estimate(json.dumps(call.to_json())) for call in delta.tool_calls))
            yield replace(delta, text="")


async def solve(
    name: str, task: Task, oracle: Oracle, *, settings: Settings = ROOM, **options: Any
) -> tuple[Answer, Bench, Watched]:
    """One task by one planner, as it is registered."""
    model = Watched(oracle, options.pop("timed", False))
    parameters = options.pop("parameters", {})
    bench = Bench(model, tools=options.pop("tools", task.tools), settings=settings, **options)
    return await create("planner", name, parameters).solve(task, bench.ctx), bench, model


def interval(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """The ratio of sums of pairs, and its 95 % interval over tasks."""
    table, draw = np.array(pairs, dtype=float), np.random.default_rng(0)
    drawn = [table[draw.integers(0, len(table), len(table))].sum(0) for _ in range(1000)]
    low, high = np.quantile([one[0] / one[1] for one in drawn], [0.025, 0.975])
    total = table.sum(0)
    return float(total[0] / total[1]), float(low), float(high)


def show(found: tuple[float, float, float]) -> str:
    return f"{found[0]:.2f} [{found[1]:.2f}, {found[2]:.2f}]"


# -- prompt tokens by the length of a chain ---------------------------------------------------------


def tasks_of(bench: Any, split: str, least: int, most: int, count: int, kinds: Sequence[str] = ()) -> list[Task]:
    """The first tasks whose gold way has so many calls."""
    found: Iterator[Task] = (
        task for task in bench.tasks(split)
        if least <= len(bench.gold(task.id).steps) <= most and (not kinds or task.labels["kind"] in kinds)
    )  # fmt: skip
    return [task for task, _ in zip(found, range(count), strict=False)]


def prompt_tokens(bench: Bench) -> int:
    total = bench.ledger.total.tokens
    return total.input + total.cached_input


async def tokens(n: int) -> list[Row]:
    """Prompt tokens a task; `alike` counts ReAct's tools as the one-line texts a planner gets, and no example."""
    print("| calls | n | ReAct | ReWOO | LLMCompiler | ReAct / ReWOO [95 %] | alike | ReAct / LLMCompiler | right |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    rows = []
    for name, lengths in LENGTHS.items():
        world, split = open_benchmark(name), "test" if name == "toolworld" else "hard"
        for place, least in enumerate(lengths):
            most = least if name == "toolworld" else [*lengths[1:], 99][place] - 1
            tasks = tasks_of(world, split, least, most, n, ("single", "chained") if name == "toolworld" else ())
            counted = [await _counted(world, task) for task in tasks]
            if not counted:
                continue
            means = [np.mean([one[key] for one in counted]) for key in ("react", "rewoo", "llmcompiler")]
            plain = interval([(one["react"], one["rewoo"]) for one in counted])
            alike = interval([(one["react alike"], one["rewoo alike"]) for one in counted])
            compiled = interval([(one["react"], one["llmcompiler"]) for one in counted])
            right = [sum(one[f"{key} right"] for one in counted) for key in ("react", "rewoo", "llmcompiler")]
            label = f"{least}" if most == least else f"{least} to {most}" if most < 98 else f"{least} and more"
            cells = " | ".join(f"{mean:,.0f}" for mean in means)
            print(f"| {label} | {len(counted)} | {cells} | {show(plain)} | {show(alike)} | {show(compiled)} "
                  f"| {right[0]}, {right[1]}, {right[2]} |", flush=True)  # fmt: skip
            rows.append({"calls": label, "n": len(counted), "means": [float(mean) for mean in means],
                         "ratio": plain, "alike": alike, "llmcompiler": compiled, "right": right})  # fmt: skip
    return rows


async def _counted(world: Any, task: Task) -> dict[str, float]:
    out: dict[str, float] = {}
    for name in ("react", "rewoo", "llmcompiler"):
        parameters = {"max_steps": 40} if name == "react" else {}
        answer, bench, model = await solve(name, task, _oracle(world), settings=ONE_BY_ONE, parameters=parameters)
        out[name] = prompt_tokens(bench)
        out[f"{name} right"] = (await world.score(task, answer, None)).success
        saved = 0
        for request in model.requests:
            saved += estimate_tools(request.tools) - _as_lines(task) if request.tools else 0
            saved += estimate(EXAMPLES[name]) if request.prompt.startswith((f"{name}-plan", f"{name}-go")) else 0
        out[f"{name} alike"] = out[name] - saved
    return out


def _as_lines(task: Task) -> int:
    return _lines(tuple(signature(tool.spec) for tool in task.tools))


@cache
def _lines(texts: tuple[str, ...]) -> int:
    return estimate("\n".join(texts))


def _oracle(world: Any) -> Oracle:
    return Oracle.parse("oracle", world)


# -- tools that fail, and steps that hang on what is seen --------------------------------------------


async def failures(n: int) -> list[Row]:
    """Tokens of chains of three to five calls where each call fails with this chance, its first time."""
    print("\n| chance of failure | planner | n | tokens a task | against none failing [95 %] | right |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    world, rows = open_benchmark("toolworld"), []
    tasks = tasks_of(world, "test", 3, 5, n, ("chained",))
    for name in ("react", "rewoo", "llmcompiler"):
        before: list[int] = []
        for share in (0.0, 0.3):
            used, right = [], 0
            for number, task in enumerate(tasks):
                tools = failing(task.tools, share, number)
                answer, bench, _ = await solve(name, task, _oracle(world), settings=ONE_BY_ONE, tools=tools)
                used.append(bench.ledger.total.tokens.total)
                right += (await world.score(task, answer, None)).success
            against = interval(list(zip(used, before or used, strict=True)))
            before = before or used
            print(f"| {share} | {name} | {len(tasks)} | {np.mean(used):,.0f} | {show(against)} | {right} |", flush=True)
            rows.append(
                {"share": share, "planner": name, "tokens": float(np.mean(used)), "ratio": against, "right": right}
            )
    return rows


def failing(tools: Sequence[Tool], share: float, seed: int) -> list[Tool]:
    """The tools, each call of which fails with this chance where it is made for the first time."""
    draw, met = random.Random(seed), set[str]()

    def wrapped(tool: Tool) -> Tool:
        def call(given: Mapping[str, Any]) -> Any:
            key = f"{tool.name}{given}"
            if key not in met:
                met.add(key)
                if draw.random() < share:
                    raise RuntimeError("the service is down")
            assert tool.call is not None
            return tool.call(given)

        return replace(tool, call=call)

    return [wrapped(tool) for tool in tools] if share else list(tools)


async def limits(n: int) -> list[Row]:
    """Questions whose second step hangs on what the first one shows: HotpotQA, or the three of our own sample."""
    here = bool(os.environ.get("SCRIMP_DATA"))
    source, n = ("hotpotqa", n) if here else ("hotpotqa?data=sample", 3)
    names = ("react", "rewoo", "llmcompiler")
    with tempfile.TemporaryDirectory(prefix="scrimp-graphs-") as folder:
        systems = tuple(System(name=name, planner=name) for name in names)
        document = await run(Experiment(systems, source, model="oracle", n=n, out=Path(folder) / "out", controls=False))
    print("\n| planner | n | success | tokens a task |\n| --- | ---: | ---: | ---: |")
    for side in document["systems"]:
        used = sum(side["tokens"].values()) / side["runs"]
        print(f"| {side['name']} | {document['n']} | {100 * side['effectiveness']['mean']:.1f} % | {used:,.0f} |")
    return [{"planner": side["name"], "success": side["effectiveness"]["mean"]} for side in document["systems"]]


# -- time -------------------------------------------------------------------------------------------


async def makespan(n: int) -> list[Row]:
    """Random graphs of 24 calls: the schedule's seconds beside the critical path, and the bound where few may run."""
    print("\n| calls at once | graphs | makespan / bound, mean | worst |\n| --- | ---: | ---: | ---: |")
    rows = []
    for at_once in (64, 4, 2):
        ratios = []
        for seed in range(10 * n):
            seconds, steps = _graph(seed)
            took = await _took(seconds, steps, at_once)
            ends: dict[int, float] = {}
            for step in steps:
                ends[step.number] = seconds[step.tool] + max((ends[need] for need in step.needs), default=0.0)
            ratios.append(took / max(max(ends.values()), sum(seconds[step.tool] for step in steps) / at_once))
        mean, worst = float(np.mean(ratios)), max(ratios)
        print(f"| {'any' if at_once == 64 else at_once} | {len(ratios)} | {mean:.3f} | {worst:.3f} |", flush=True)
        rows.append({"at_once": at_once, "mean": mean, "worst": worst})
    return rows


def _graph(seed: int) -> tuple[dict[str, float], list[Any]]:
    draw = random.Random(seed)
    seconds = {f"t{number}": draw.choice([0.1, 0.5, 1.0, 3.0]) for number in range(6)}
    steps = []
    for number in range(1, 25):
        needs = " ".join(f"${need}" for need in range(1, number) if draw.random() < 0.12)
        steps.append(made(number, draw.choice(list(seconds)), {"x": f"{needs} {number}"}, range(1, number)))
    return seconds, steps


async def _took(seconds: Mapping[str, float], steps: Sequence[Any], at_once: int) -> float:
    tools = [sleeping(Tool(name, "", {}, lambda given: "x", latency=time)) for name, time in seconds.items()]
    bench = Bench(tools=tools, clock=virtual.VirtualClock())
    schedule = Schedule(bench.ctx, tools, at_once=at_once)

    async def feed() -> None:
        for step in steps:
            await schedule.add(step)

    began = anyio.current_time()
    await schedule.run(feed)
    return anyio.current_time() - began


def sleeping(tool: Tool) -> Tool:
    """The tool, taking its declared latency."""

    async def call(given: Mapping[str, Any]) -> Any:
        await anyio.sleep(tool.latency)
        assert tool.call is not None
        return tool.call(given)

    return replace(tool, call=call, inline=False)


class LookUps:
    """Tasks of eight look-ups that have nothing to do with each other, as of eight films' reviews."""

    name, version, splits, default_split = "look-ups", "1", ("test",), "test"
    WIDTH = 8

    def __init__(self, latency: float) -> None:
        text = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
        tool = Tool(
            "rating_of", "The rating of a film.", text, lambda given: self.rating(given["title"]), latency=latency
        )
        self.tools = (tool,)

    @staticmethod
    def rating(title: str) -> int:
        return int.from_bytes(title.encode()[-2:]) % 97

    def titles(self, number: str) -> list[str]:
        return [f"Film {number}-{place}" for place in range(self.WIDTH)]

    def tasks(self, split: str) -> list[Task]:
        ask = "Find the rating of each of these films, in order, separated by semicolons: {}."
        return [Task(f"{n}", ask.format(", ".join(self.titles(f"{n:03d}"))), self.tools) for n in range(100)]

    def gold(self, task_id: str) -> Gold:
        titles = self.titles(f"{int(task_id):03d}")
        steps = tuple(Step("rating_of", {"title": one}, ("title", "Film"), "number") for one in titles)
        return Gold("several", tuple(map(self.rating, titles)), steps, tuple(range(self.WIDTH)))


async def seconds(n: int) -> list[Row]:
    """Virtual seconds a task; ReAct with one call a turn, as in the paper, is 1."""
    print("\n| work | n | planner | seconds | times as fast [95 %] |\n| --- | ---: | --- | ---: | ---: |")
    easy, hard = open_benchmark("compound"), open_benchmark("compound")
    world = open_benchmark("toolworld")
    works = [(f"8 look-ups of {time} s", LookUps(time), LookUps(time).tasks("test")[:n]) for time in (0.2, 1.0, 3.0)]
    works += [
        ("compound, easy (2 to 5 subtasks)", easy, list(easy.tasks("easy"))[:n]),
        ("compound, hard (6 to 10, chains)", hard, list(hard.tasks("hard"))[:n]),
        ("chains of 3 to 5 calls", world, tasks_of(world, "test", 3, 5, n, ("chained",))),
    ]
    rows = []
    for label, source, tasks in works:
        base: list[float] = []
        for name, planner, settings in (
            ("ReAct, one call a turn", "react", ONE_BY_ONE), ("ReAct, calls at once", "react", ROOM),
            ("plan-then-execute", "plan-then-execute", ROOM), ("ReWOO", "rewoo", ROOM),
            ("LLMCompiler", "llmcompiler", ROOM),
        ):  # fmt: skip
            took = [await _timed(planner, task, source, settings) for task in tasks]
            base = base or took
            faster = interval(list(zip(base, took, strict=True)))
            print(f"| {label} | {len(tasks)} | {name} | {np.mean(took):.1f} | {show(faster)} |", flush=True)
            rows.append({"work": label, "planner": name, "seconds": float(np.mean(took)), "faster": faster})
    return rows


async def _timed(planner: str, task: Task, source: Any, settings: Settings) -> float:
    tools, clock = [sleeping(tool) for tool in task.tools], virtual.VirtualClock()
    parameters = {"max_steps": 40} if planner == "react" else {}
    began = anyio.current_time()
    await solve(
        planner, task, _oracle(source), settings=settings, tools=tools, clock=clock, timed=True, parameters=parameters
    )
    return anyio.current_time() - began


# -- money of tools ---------------------------------------------------------------------------------


async def money(n: int) -> list[Row]:
    """BTP beside ReAct under a budget for tools, in thousandths of a dollar; the history is 10 n tasks of `dev`."""
    print("\n| budget | planner | n | tools a task | above the budget | passed within it | passed |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    world, store, rows = open_benchmark("toolworld"), SQLiteStore(), []
    options = {"embedder": open_embedder("hashing", Path()), "store": store}
    for task in list(world.tasks("dev"))[: 10 * n]:
        await solve("btp", task, _oracle(world), parameters={"budget": "1"}, **options)
    tasks = list(world.tasks("test"))[: 5 * n]
    for budget in ("0.0005", "0.001", "0.002", "0.005"):
        for name, planner, parameters in (
            ("ReAct", "react", {}),
            ("BTP, T = 1", "btp", {"budget": budget, "learn": False}),
            ("BTP, T = 0.05", "btp", {"budget": budget, "learn": False, "temperature": 0.05}),
        ):
            found = [await _spent(planner, task, world, parameters, options) for task in tasks]
            spent = [one[0] for one in found]
            over = sum(one > Decimal(budget) for one in spent)
            within = sum(right and one <= Decimal(budget) for one, right in found)
            passed = sum(right for _, right in found)
            mean = 1000 * float(sum(spent)) / len(found)
            print(f"| {1000 * float(budget):g} | {name} | {len(found)} | {mean:.3f} | {over / len(found):.1%} "
                  f"| {within / len(found):.1%} | {passed / len(found):.1%} |", flush=True)  # fmt: skip
            rows.append(
                {"budget": budget, "planner": name, "mean": mean, "over": over, "within": within, "passed": passed}
            )
    return rows


async def _spent(planner: str, task: Task, world: Any, parameters: Row, options: Row) -> tuple[Decimal, bool]:
    """Dollars that tools cost, and whether the answer is right."""
    answer, bench, _ = await solve(planner, task, _oracle(world), parameters=parameters, **options)
    spent = sum((event.money.least for event in bench.events if event.kind == "tool"), Decimal(0))
    return spent, (await world.score(task, answer, None)).success


SECTIONS: dict[str, Callable[[int], Awaitable[list[Row]]]] = {
    "tokens": tokens, "failures": failures, "limits": limits, "makespan": makespan, "seconds": seconds, "money": money,
}  # fmt: skip
VIRTUAL = ("makespan", "seconds")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--n", type=int, default=20, help="tasks of each row")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"no section is called {', '.join(sorted(unknown))}")
    found = {}
    for name in given.sections or SECTIONS:
        found[name] = (virtual.run if name in VIRTUAL else anyio.run)(SECTIONS[name], given.n)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
