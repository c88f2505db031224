"""A graph of calls on virtual time: begins when its needs are done, without polling, longest way first."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest

from scrimp.core.errors import BudgetExceeded
from scrimp.core.tool import Tool, ToolResult
from scrimp.testing import Bench
from scrimp.tools.parts.dag import Step, made
from scrimp.tools.parts.dag_run import Schedule
from tests.support import virtual

ANY = {"type": "object", "properties": {"x": {}}}


def slow(name: str, seconds: float, begun: list[tuple[str, float]] | None = None) -> Tool:
    """A tool that takes its declared latency and gives its argument and its name."""

    async def call(given: Mapping[str, Any]) -> str:
        if begun is not None:
            begun.append((name, anyio.current_time()))
        await anyio.sleep(seconds)
        return f"{given.get('x', '')}{name}"

    return Tool(name, "", ANY, call, latency=seconds)


class Clockwork:
    """A world in which each step takes two seconds."""

    name = "clockwork"

    def __init__(self) -> None:
        self.pressed: list[str] = []

    async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
        before = len(self.pressed)
        await anyio.sleep(2)
        assert len(self.pressed) == before, "two steps at once"
        self.pressed.append(action["arguments"]["x"])
        return ToolResult("pressed")


def breaking(given: Mapping[str, Any]) -> str:
    raise ValueError("no")


BREAK = Tool("break", "", ANY, breaking, inline=True)


def plan(*steps: tuple[str, str]) -> list[Step]:
    return [made(number, name, {"x": text}, range(1, number)) for number, (name, text) in enumerate(steps, 1)]


def run(tools: Sequence[Tool], steps: Sequence[Step], **options: Any) -> tuple[Schedule, float, Bench]:
    """The schedule after the run, the virtual seconds it took, and the bench; a budget must refuse."""
    budget = options.pop("budget", None)

    async def main() -> tuple[Schedule, float, Bench]:
        bench = Bench(tools=tools, clock=virtual.VirtualClock(), budget=budget)
        schedule = Schedule(bench.ctx, tools, **options)

        async def feed() -> None:
            for step in steps:
                await schedule.add(step)

        began = anyio.current_time()
        if budget is None:
            await schedule.run(feed)
        else:
            with pytest.raises(BudgetExceeded):
                await schedule.run(feed)
        return schedule, anyio.current_time() - began, bench

    return virtual.run(main)


def critical_path(steps: Sequence[Step], seconds: Mapping[str, float]) -> float:
    """By the textbook: the longest way through the graph."""
    ends: dict[int, float] = {}
    for step in steps:
        ends[step.number] = seconds[step.tool] + max((ends[need] for need in step.needs), default=0.0)
    return max(ends.values())


@pytest.mark.parametrize("seed", range(20))
def test_the_makespan_is_the_critical_path(seed: int) -> None:
    draw = random.Random(seed)
    seconds = {f"t{number}": draw.choice([0.1, 0.5, 1.0, 3.0]) for number in range(6)}
    steps = [
        made(
            number,
            draw.choice(list(seconds)),
            {"x": " ".join(f"${need}" for need in range(1, number) if draw.random() < 0.2) + f" {number}"},
            range(1, number),
        )
        for number in range(1, 25)
    ]
    schedule, took, bench = run([slow(name, time) for name, time in seconds.items()], steps)
    assert took == pytest.approx(critical_path(steps, seconds))
    assert len(schedule.results) == 24
    assert not bench.witness.faults


def test_the_longest_way_goes_first_where_not_all_can() -> None:
    begun: list[tuple[str, float]] = []
    tools = [slow("short", 1, begun), slow("head", 1, begun), slow("tail", 5, begun)]
    steps = plan(("short", "a"), ("short", "b"), ("head", "c"), ("tail", "$3"))
    _, took, _ = run(tools, steps, at_once=1)
    assert [name for name, _ in begun][:2] == ["short", "head"], "the first began before the others were known"
    assert took == 8


def test_references_are_filled_and_a_tenth_is_not_a_first() -> None:
    tools = [slow("t", 1)]
    steps = plan(*[("t", str(number)) for number in range(1, 11)], ("t", "$1-$10-$10"))
    schedule, took, _ = run(tools, steps)
    assert schedule.calls[11].arguments == {"x": "1t-10t-10t"}
    assert took == 2


def test_a_result_is_data_whatever_it_says() -> None:
    """A tool that answers in the notation of a plan is not filled in once more."""
    forged = Tool("forged", "", ANY, lambda given: "$1 and ${2}", inline=True)
    schedule, _, _ = run([forged, slow("t", 1)], plan(("t", "secret"), ("forged", ""), ("t", "so: $2")))
    assert schedule.calls[3].arguments == {"x": "so: $1 and ${2}"}


def test_steps_in_an_environment_follow_each_other_in_the_order_of_the_plan() -> None:
    world = Clockwork()
    tools = [Tool("press", "", ANY, acts=True), slow("t", 1)]

    async def main() -> float:
        bench = Bench(tools=tools, clock=virtual.VirtualClock(), environment=world)
        schedule = Schedule(bench.ctx, tools)

        async def feed() -> None:
            for step in plan(("press", "1"), ("press", "2"), ("t", "free"), ("press", "3"), ("press", "1")):
                await schedule.add(step)

        await schedule.run(feed)
        return anyio.current_time()

    assert virtual.run(main) == 8
    assert world.pressed == ["1", "2", "3", "1"], "and the same step is taken again"


def test_a_failure_blocks_what_depends_on_it_and_nothing_else() -> None:
    steps = plan(("break", "1"), ("t", "$1"), ("t", "$2"), ("t", "free"))
    schedule, _, bench = run([BREAK, slow("t", 1)], steps)
    assert sorted(schedule.results) == [1, 4]
    assert schedule.failed
    assert [event.name for event in bench.events] == ["break", "t"]
    lost = "t was not called, since a call it depends on failed"
    assert schedule.report().splitlines()[1:3] == [f"$2: {lost}", f"$3: {lost}"]


def test_with_words_instead_it_goes_on() -> None:
    schedule, _, _ = run([BREAK, slow("t", 1)], plan(("break", "1"), ("t", "$1")), instead="nothing found")
    assert schedule.calls[2].arguments == {"x": "nothing found"}


def test_the_same_call_of_a_pure_tool_is_made_once() -> None:
    steps = plan(("t", "a"), ("t", "$1"), ("t", "at"), ("t", "$3"))
    for pure, made_calls in ((True, 3), (False, 4)):
        schedule, took, bench = run([replace(slow("t", 1), pure=pure)], steps)
        assert schedule.results[2].text == schedule.results[3].text == "att"
        assert len(bench.events) == made_calls, "what 2 asks for, 3 had asked before"
        assert took == 2


def test_a_budget_stops_what_has_not_begun_and_keeps_what_has() -> None:
    steps = plan(*[("t", str(number)) for number in range(6)])
    schedule, _, bench = run([slow("t", 1)], steps, at_once=2, budget={"tool_calls": 3})
    assert len(schedule.results) == 3
    assert bench.open_calls() == []
    assert schedule.report().splitlines()[3:] == [
        "$4: t was not called",
        "$5: t was not called",
        "$6: t was not called",
    ]


def test_replayed_calls_have_the_same_identity_whatever_the_timing() -> None:
    steps = plan(("a", "1"), ("b", "2"), ("a", "$2"), ("b", "$1"))
    keys = []
    for first, second in ((1, 3), (3, 1)):
        _, _, bench = run([slow("a", first), slow("b", second)], steps)
        keys.append({(event.key.span, event.key.ordinal, event.name) for event in bench.events})
    assert keys[0] == keys[1]
