"""Tool selectors and gates without an agent: what they find, what they cost, what a new tool costs, when they pay.

    python benchmarks/tool_selection.py metatool           199 tools: recall, complete, tokens, milliseconds
    python benchmarks/tool_selection.py seal-tools         4,076 tools, the same
    python benchmarks/tool_selection.py unseen             tools that the classifier was not, or hardly, trained on
    python benchmarks/tool_selection.py adding             what one more tool costs each selector
    python benchmarks/tool_selection.py break-even         uses until ToolRAG's training has paid
    python benchmarks/tool_selection.py toolworld          16 tools of our own, the paper's size

All but `toolworld` read $SCRIMP_DATA; all use the embedder `multilingual`, and no model is asked. What is measured was
never trained on. Intervals are 95 % bootstraps over groups: queries of one tool (MetaTool), or queries (the others).
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np

from scrimp.core.protocols import Dataset, Query
from scrimp.core.registry import create
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.benchmarks.files import Source
from scrimp.evaluate.benchmarks.metatool import SCHEMA, MetaTool
from scrimp.evaluate.taught import rows as rows_of
from scrimp.journal.home import home
from scrimp.models import prices
from scrimp.models.embedders import MultilingualEmbedder, open_embedder
from scrimp.models.tokens import compact, estimate
from scrimp.testing import Bench

KS = (1, 3, 5, 10)
BASELINES = ("bm25", "embedding", "hybrid")
PER_TOOL = 5
"""Queries of each of MetaTool's tools that are measured."""
TAUGHT = 20
"""Others of each tool that are trained on, of about 83."""
FOLDS = 2
"""Seal-Tools has no training part here: each half of its dev part is trained on for the other."""
NEW = 40
"""Tools of MetaTool that play new ones."""
SHOTS = (0, 1, 2, 5, 10, 20)
"""Queries of a new tool that are trained on."""
TASKS = 600
"""Tasks of the tool world, those that need no tool among them."""
TIMED = 100
"""Queries that are timed, none of whose embeddings is known."""
TEACHER = 500 / 80_000
"""Dollars for a row by a teacher, as the TinyAgent paper states them: about 500 for 80,000."""


@dataclass(frozen=True)
class Row:
    """A query with the names of the tools that it needs; `group` is what is drawn by a bootstrap."""

    query: str
    tools: tuple[str, ...]
    group: str


@dataclass(frozen=True)
class Found:
    """What a selector offered for a row, best first."""

    row: Row
    names: tuple[str, ...]

    def recall(self, k: int) -> float:
        return len(set(self.row.tools) & set(self.names[:k])) / len(self.row.tools)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts: dict[str, Callable[[], Any]] = {
        "metatool": metatool, "seal-tools": seal_tools, "toolworld": toolworld, "unseen": unseen, "adding": adding,
        "break-even": break_even,
    }  # fmt: skip
    parser.add_argument("part", choices=parts)
    anyio.run(parts[parser.parse_args().part])
    return 0


# -- data ---------------------------------------------------------------------------------------------


def metatool_set() -> tuple[tuple[Tool, ...], list[Row], list[Row], list[Row]]:
    """Tools, rows to train on, single-tool rows to measure, and rows that need two tools."""
    bench = MetaTool()
    tools = tuple(Tool(name, text, SCHEMA, source="metatool") for name, text in bench.descriptions.items())
    by_tool: dict[str, list[Row]] = {}
    for _, row in Source("metatool", None).rows("single_tool_queries"):
        by_tool.setdefault(row["tool"], []).append(Row(row["query"], (row["tool"],), row["tool"]))
    train: list[Row] = []
    test: list[Row] = []
    for name, mine in sorted(by_tool.items()):
        mine = random.Random(f"tool selection {name}").sample(mine, len(mine))
        test += mine[:PER_TOOL]
        train += mine[PER_TOOL : PER_TOOL + TAUGHT]
    measured = {row.query for row in test}
    two = [
        Row(row["query"], tuple(row["tool"]), " ".join(sorted(row["tool"])))
        for _, row in Source("metatool", None).rows("task2_subtask4_multi_tool", key="query")
    ]
    return tools, [row for row in train if row.query not in measured], test, two


def seal_set() -> tuple[tuple[Tool, ...], list[Row]]:
    """All tools of Seal-Tools, and the requests of its dev part as their users wrote them."""
    bench = open_benchmark("seal_tools", pool="all")
    queries = {str(row["id"]): row["query"] for _, row in Source("seal_tools", None).rows("dev")}
    rows, tools = [], ()
    for task in bench.tasks("dev"):
        names = tuple(dict.fromkeys(step.tool for step in bench.gold(task.id).steps))
        rows.append(Row(queries[task.id], names, task.id))
        tools = tools or task.tools
    return tools, rows


def asked(rows: Sequence[Row]) -> Dataset:
    return Dataset(tuple({"query": row.query, "tools": list(row.tools)} for row in rows))


# -- measuring ----------------------------------------------------------------------------------------


def bench(*, cached: bool = True) -> Bench:
    """Doors with the packaged embedder, with or without its cache."""
    return Bench(embedder=open_embedder("multilingual", home()) if cached else MultilingualEmbedder(home()))


async def offered(selector: Any, tools: Sequence[Tool], rows: Sequence[Row], limit: int = 0) -> list[Found]:
    """What a selector offers for each row."""
    ctx = bench().ctx
    await selector.index(tools, ctx)
    found = []
    for row in rows:
        chosen = await selector.select(Query(row.query, limit=limit), ctx)
        found.append(Found(row, tuple(scored.item.name for scored in chosen)))
    return found


async def trained(rows: Sequence[Row], folder: str) -> dict[str, Any]:
    """Parameters of a ToolRAG that was trained on these rows."""
    made = await create("selector", "toolrag", {"artifact": f"{folder}/toolrag.npz"}).train(asked(rows), bench().ctx)
    return {"artifact": made.path, "hash": made.hash}


async def timed(selector: Any, tools: Sequence[Tool], rows: Sequence[Row]) -> float:
    """Median milliseconds of a selection, the query's embedding included."""
    raw = bench(cached=False).ctx
    await selector.index(tools, bench().ctx)
    await selector.select(Query("warm up"), raw)
    spans = []
    for row in rows[:TIMED]:
        begun = time.perf_counter()
        await selector.select(Query(row.query), raw)
        spans.append(time.perf_counter() - begun)
    return float(np.median(spans)) * 1000


def line(name: str, found: Sequence[Found], k: int, tokens: dict[str, int], ms: float | None) -> str:
    """A row of a table: recall and complete of the first k, tools and prompt tokens that they take."""
    recall = shown([one.recall(k) for one in found], [one.row.group for one in found])
    complete = shown([float(one.recall(k) == 1) for one in found], [one.row.group for one in found])
    count = np.mean([len(one.names[:k]) for one in found])
    spent = np.mean([sum(tokens[name] for name in one.names[:k]) for one in found])
    took = "" if ms is None else f"{ms:.1f}"
    return f"| {name} | {count:.2f} | {recall} | {complete} | {spent:,.0f} | {took} |"


HEADER = (
    "| selector | tools offered | recall [95 %] | complete [95 %] | prompt tokens | ms |\n"
    + "| --- "
    + "| ---: " * 5
    + "|"
)


async def baselines(tools: Sequence[Tool], rows: Sequence[Row]) -> None:
    """The head of a table, and what asks for no training."""
    tokens, names = sizes(tools), tuple(tool.name for tool in tools)
    print(HEADER)
    print(line("all-tools", [Found(row, names) for row in rows], len(tools), tokens, 0.0), flush=True)
    for name in BASELINES:
        selector = create("selector", name)
        found = await offered(selector, tools, rows, KS[-1])
        ms = await timed(selector, tools, rows)
        for k in KS:
            print(line(f"{name}, k = {k}", found, k, tokens, ms if k == KS[0] else None), flush=True)


async def learned(tools: Sequence[Tool], rows: Sequence[Row], part: dict[str, Any]) -> tuple[list[Found], list[Found]]:
    """What a trained ToolRAG offers by its threshold, and its ranking."""
    by_threshold = await offered(create("selector", "toolrag", part), tools, rows)
    return by_threshold, await offered(create("selector", "toolrag", {**part, "threshold": 0.0}), tools, rows, KS[-1])


def trained_lines(tools: Sequence[Tool], found: list[Found], ranked: list[Found], ms: float) -> None:
    tokens = sizes(tools)
    print(line("toolrag, p > 0.5", found, len(tools), tokens, ms))
    for k in KS:
        print(line(f"toolrag, k = {k}", ranked, k, tokens, None), flush=True)


def sizes(tools: Sequence[Tool]) -> dict[str, int]:
    """Prompt tokens of each tool."""
    return {tool.name: estimate(compact(tool.spec.to_json())) for tool in tools}


async def metatool() -> None:
    """MetaTool: single-tool queries, then those that need two."""
    tools, train, test, two = metatool_set()
    with TemporaryDirectory() as folder:
        part = await trained(train, folder)
        for title, rows in (("one tool", test), ("two tools (none of them trained on)", two)):
            print(f"\n{title}: {len(rows)} queries, {len(tools)} tools, ToolRAG trained on {len(train)} others\n")
            ms = await timed(create("selector", "toolrag", part), tools, rows)
            await baselines(tools, rows)
            trained_lines(tools, *await learned(tools, rows, part), ms)


async def seal_tools() -> None:
    """Seal-Tools: every request of the dev part, ToolRAG by cross-fitting."""
    tools, rows = seal_set()
    print(f"{len(rows)} requests, {len(tools)} tools\n")
    await baselines(tools, rows)
    order = random.Random("folds").sample(rows, len(rows))
    found: list[Found] = []
    ranked: list[Found] = []
    known: list[tuple[bool, float]] = []
    with TemporaryDirectory() as folder:
        for fold in range(FOLDS):
            test, train = order[fold::FOLDS], [row for place, row in enumerate(order) if place % FOLDS != fold]
            part = await trained(train, folder)
            here, more = await learned(tools, test, part)
            found, ranked = found + here, ranked + more
            seen = {name for row in train for name in row.tools}
            known += [(name in seen, float(name in one.names)) for one in here for name in one.row.tools]
        trained_lines(tools, found, ranked, await timed(create("selector", "toolrag", part), tools, rows))
    print(f"\nToolRAG was trained on {len(train)} others in each of {FOLDS} folds")
    for label, which in (("trained on", True), ("not trained on", False)):
        hits = [hit for seen_, hit in known if seen_ is which]
        print(f"needed tools that it was {label}: {len(hits)}, recall {np.mean(hits):.3f}")


async def toolworld() -> None:
    """Our own 16 tools: tasks of the dev part train, those of the test part that need a tool are measured."""
    world = open_benchmark("toolworld?tools=16")
    train = [Row(row["query"], tuple(row["tools"]), "") for row in rows_of(world).rows]
    rows = [
        Row(task.text, tuple(dict.fromkeys(step.tool for step in world.gold(task.id).steps)), task.id)
        for task in list(world.tasks("test"))[:TASKS]
        if world.gold(task.id).needs_call
    ]
    tools = next(iter(world.tasks("test"))).tools
    with TemporaryDirectory() as folder:
        part = await trained(train, folder)
        print(f"{len(rows)} tasks, {len(tools)} tools, ToolRAG trained on {len(train)} others\n")
        await baselines(tools, rows)
        ms = await timed(create("selector", "toolrag", part), tools, rows)
        trained_lines(tools, *await learned(tools, rows, part), ms)


# -- new tools ----------------------------------------------------------------------------------------


async def unseen() -> None:
    """Recall of tools that came after the training, by how many of their queries a new training had."""
    tools, train, test, _ = metatool_set()
    new = set(random.Random("new tools").sample(sorted({row.tools[0] for row in test}), NEW))
    rows, others = [r for r in test if r.tools[0] in new], [r for r in test if r.tools[0] not in new]
    print(f"{NEW} new tools of {len(tools)}; {len(rows)} queries of new tools, {len(others)} of old ones\n")
    print("| selector | queries of each new tool | recall, new [95 %] | recall, old [95 %] | tools offered |")
    print("| --- | ---: | ---: | ---: | ---: |")

    async def show(name: str, shots: str, parameters: dict[str, Any]) -> None:
        selector = create("selector", name, parameters)
        cells, counts = [], []
        for group in (rows, others):
            found = await offered(selector, tools, group)
            cells.append(shown([one.recall(len(tools)) for one in found], [one.row.group for one in found]))
            counts += [len(one.names) for one in found]
        print(f"| {name} | {shots} | {cells[0]} | {cells[1]} | {np.mean(counts):.2f} |", flush=True)

    for name in BASELINES:
        await show(name, "none needed", {})
    with TemporaryDirectory() as folder:
        for shots in SHOTS:
            taken = dict.fromkeys(new, 0)
            kept = []
            for row in train:
                if row.tools[0] in new:
                    taken[row.tools[0]] += 1
                    if taken[row.tools[0]] > shots:
                        continue
                kept.append(row)
            part = await trained(kept, folder)
            await show("toolrag", str(shots), part)
            if not shots:
                await show("toolrag", "0, unseen = always", {**part, "unseen": "always"})


async def adding() -> None:
    """What one more tool costs: tokens embedded, labelled queries, and seconds of work besides the embedding."""
    tools, train, _, _ = metatool_set()
    last, before = tools[-1], tools[:-1]
    print("| selector | tools before | tokens embedded | labelled queries | seconds besides |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in BASELINES:
        one = bench(cached=False)
        selector = create("selector", name)
        await selector.index(before, one.ctx)
        spent, count = one.ledger.total.tokens.input, len(one.events)
        begun = time.perf_counter()
        await selector.index(tools, one.ctx)
        busy = sum(event.busy_us for event in one.events[count:]) / 1e6
        print(f"| {name} | {len(before)} | {one.ledger.total.tokens.input - spent} | 0 | "
              f"{max(0.0, time.perf_counter() - begun - busy):.4f} |")  # fmt: skip
    fresh = [row for row in train if row.tools[0] == last.name] or train[:TAUGHT]
    with TemporaryDirectory() as folder:
        await trained(train, folder)  # every embedding is known now
        begun = time.perf_counter()
        await trained(train, folder)
        took = time.perf_counter() - begun
    _, used = await MultilingualEmbedder(home()).embed([row.query for row in fresh])
    print(f"| toolrag | {len(before)} | {used.input} | {len(fresh)} | {took:.2f} |")


async def break_even() -> None:
    """Queries until ToolRAG's training has paid, against all tools fresh or cached, and against the embedding."""
    tools, train, test, _ = metatool_set()
    listed = prices.load()
    rates = listed.rates("local", local=True)
    assert rates is not None
    tokens = sizes(tools)
    whole = sum(tokens.values())
    sample = train[:1000]
    _, used = await MultilingualEmbedder(home()).embed([row.query for row in sample])
    read = listed.price("multilingual", used, local=True, embedding=True).least
    embedded = float(read) * len(train) / len(sample)
    with TemporaryDirectory() as folder:
        found = await offered(create("selector", "toolrag", await trained(train, folder)), tools, test)
    shown_ = float(np.mean([sum(tokens[name] for name in one.names) for one in found]))
    near = await offered(create("selector", "embedding", {"k": 5}), tools, test)
    nearest = float(np.mean([sum(tokens[name] for name in one.names) for one in near]))
    per = float(read) / len(sample)
    rate, kept = float(rates.input) / 1e6, float(rates.cached_input) / 1e6
    print(
        f"{len(train)} rows; embedding them ${embedded:.5f}; a teacher at ${TEACHER} a row ${TEACHER * len(train):.2f}"
    )
    print(f"price list {listed.label}")
    print(f"prompt tokens of tools: all {whole:,}, embedding k = 5 {nearest:,.0f}, ToolRAG {shown_:,.0f}\n")
    print("| against | saved by a query | uses, labels at hand | uses, labels by a teacher |")
    print("| --- | ---: | ---: | ---: |")
    for name, cost in (("all tools, fresh", whole * rate), ("all tools, cached", whole * kept),
                       ("embedding, k = 5", nearest * rate + per)):  # fmt: skip
        saved = cost - shown_ * rate - per
        uses = [f"{math.ceil(price / saved):,}" if saved > 0 else "never" for price in
                (embedded, embedded + TEACHER * len(train))]  # fmt: skip
        print(f"| {name} | ${saved:.7f} | {uses[0]} | {uses[1]} |")


# -- shared -------------------------------------------------------------------------------------------


def shown(values: Sequence[float], groups: Sequence[str]) -> str:
    """A mean with its 95 % bootstrap interval over groups."""
    by: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        by.setdefault(group, []).append(value)
    draw = np.random.default_rng(0)
    sums, sizes = np.array([sum(one) for one in by.values()]), np.array([len(one) for one in by.values()])
    picks = draw.integers(0, len(sums), (2000, len(sums)))
    low, high = np.quantile(sums[picks].sum(1) / sizes[picks].sum(1), [0.025, 0.975])
    return f"{np.mean(values):.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    raise SystemExit(main())
