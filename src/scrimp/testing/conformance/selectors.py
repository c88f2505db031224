"""What every tool selector promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from scrimp.core.protocols import Query, Scored, ToolSelector
from scrimp.core.tool import Tool
from scrimp.testing.conformance import promises
from scrimp.testing.conformance.promises import require
from scrimp.testing.conformance.scene import Scene, Stall, world
from scrimp.testing.harness import Bench

QUERIES = ("What is the weather?", "上海今天会下雨吗？", "", "zzzz qqqq", "add " * 400)


async def selector(factory: Callable[[], ToolSelector], scene: Scene | None = None) -> None:
    """Try every promise of a tool selector.

    Args:
        factory: makes a fresh selector.
        scene: a scene whose script says what this selector's prompts ask for.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    scene = scene or Scene()

    def choosing(tools: Sequence[Tool], query: Query) -> promises.Act:
        async def act(bench: Bench) -> list[tuple[str, float]]:
            chooser, ctx = factory(), bench.ctx.child("tools")
            await chooser.index(tools, ctx)
            return [(scored.item.name, scored.score) for scored in await chooser.select(query, ctx)]

        return act

    tools = many()
    await promises.all_of_them(choosing(tools, Query(QUERIES[0])), scene)
    for text in QUERIES:
        for limit in (0, 1, 3):
            found = await promises.perform(choosing(tools, Query(text, limit=limit)), scene.stage(), "takes any query")
            _is_selection([name for name, _ in found], tools, limit, repr(text[:20]))
            scores = [score for _, score in found]
            require(scores == sorted(scores, reverse=True), "offers the best first", f"{scores}")
    for few in ((), tools[:1]):
        promise = f"copes with {len(few)} tools"
        found = await promises.perform(choosing(few, Query("weather")), scene.stage(), promise)
        _is_selection([name for name, _ in found], few, 0, promise)
    await _forgets(factory, tools, scene)


def many() -> tuple[Tool, ...]:
    """Twelve tools; three that differ in kind, and look-alikes."""
    first = world(Stall(), [])
    return first + tuple(replace(first[place % 3], name=f"{first[place % 3].name}_{place}") for place in range(9))


def _is_selection(names: Sequence[str], tools: Sequence[Tool], limit: int, where: str) -> None:
    known = {tool.name for tool in tools}
    require(set(names) <= known, "offers indexed tools only", f"{where}: {sorted(set(names) - known)}")
    require(len(set(names)) == len(names), "offers no tool twice", f"{where}: {names}")
    require(
        not limit or len(names) <= limit, "offers no more than the query's limit", f"{where}: {len(names)} of {limit}"
    )


async def _forgets(factory: Callable[[], ToolSelector], tools: Sequence[Tool], scene: Scene) -> None:
    """What is indexed anew replaces what was indexed before."""

    async def act(bench: Bench) -> list[Sequence[Scored[Any]]]:
        chooser, ctx, seen = factory(), bench.ctx.child("tools"), []
        for few in (tools[:6], tools[6:], (), tools[:2]):
            await chooser.index(few, ctx)
            seen.append(await chooser.select(Query("weather 天气"), ctx))
        return seen

    promise = "forgets the tools of before when it indexes others"
    seen = await promises.perform(act, scene.stage(), promise)
    for few, found in zip((tools[:6], tools[6:], (), tools[:2]), seen, strict=True):
        _is_selection([scored.item.name for scored in found], few, 0, promise)
