"""BTP: the plan by history and knapsack, the guard that keeps to it, and the history it adds to."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import anyio
import pytest

from scrimp.core.errors import BudgetExceeded, UnknownPrice
from scrimp.core.messages import ToolCall
from scrimp.core.protocols import Scored
from scrimp.core.records import Record
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.planning.methods.btp import BTP, Guard, laid_out, weighed
from scrimp.testing import Bench, ScriptedModel, conformance

ANY = {"type": "object", "properties": {"x": {}}}


def tool(name: str, price: str | None, gives: str = "found") -> Tool:
    return Tool(name, "", ANY, lambda given: gives, price=None if price is None else Decimal(price), inline=True)


def call(name: str, x: Any = 1) -> ToolCall:
    return ToolCall(f"{name}{x}", name, {"x": x})


def run(likeness: float, **calls: tuple[int, int]) -> Scored[Record]:
    """An earlier run: calls asked for and useful ones, by tool."""
    return Scored(Record(data={"calls": {name: list(pair) for name, pair in calls.items()}}), likeness)


def guarded(*tools: Tool, limits: Mapping[str, int | None] | None = None, left: str = "1") -> tuple[Guard, Bench]:
    bench = Bench(tools=tools)
    each = dict(limits) if limits is not None else {one.name: 9 for one in tools}
    return Guard(bench.ctx, tools, each, Decimal(left)), bench


def test_value_and_frequency_are_the_papers() -> None:
    history = [run(1.0, a=(4, 4)), run(0.5, a=(3, 0)), run(0.2, b=(1, 1))]
    near, far = 1.0, math.exp(-0.5)
    value, calls = weighed("a", history)
    assert value == pytest.approx((near + 0.1) / (near + far + 1.0))
    assert calls == round((near * 4 + far * 1) / (near + far)), "useless calls count once"
    assert weighed("never", history) == (0.1, 1), "without a history, one call is tried"
    assert weighed("bad", [run(1.0, bad=(1, 0))])[1] == 0, "0.05 is less than 0.15"


def test_the_plan_spends_its_budget_on_what_was_useful() -> None:
    tools = [tool("good", "0.004"), tool("new", "0.004"), tool("bad", "0.001"), tool("free", "0")]
    history = [run(1.0, good=(2, 2), bad=(1, 0))] * 3
    assert laid_out(tools, history, Decimal("0.008")) == {"good": 2, "new": 0, "bad": 0, "free": None}
    assert laid_out(tools, history, Decimal("0.02")) == {"good": 2, "new": 1, "bad": 0, "free": None}
    assert laid_out(tools, history, Decimal(0)) == {"good": 0, "new": 0, "bad": 0, "free": None}


def test_a_tool_without_a_price_cannot_be_planned() -> None:
    with pytest.raises(UnknownPrice, match="outside"):
        laid_out([tool("outside", None)], [], Decimal(1))


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_asked_for_the_budget_is_never_exceeded(seed: int) -> None:
    """Random tools, histories and calls: what was spent stays within the budget, no tool goes beyond its plan."""
    draw = random.Random(seed)
    tools = [tool(f"t{n}", str(Decimal(draw.randint(0, 90)).scaleb(-4)), draw.choice(["x", ""])) for n in range(6)]
    history = [run(draw.random(), **{one.name: (draw.randint(1, 4), draw.randint(0, 2)) for one in tools})
               for _ in range(3)]  # fmt: skip
    budget = Decimal(draw.randint(0, 200)).scaleb(-4)
    plan = laid_out(tools, history, budget)

    def wild(request: Any) -> Any:
        return [call(draw.choice(tools).name, draw.randint(0, 3)) for _ in range(draw.randint(1, 5))]

    bench = Bench(ScriptedModel(wild), tools=tools)

    async def main() -> None:
        guard = Guard(bench.ctx, tools, dict(plan), budget)
        for _ in range(10):
            await guard.call(wild(None))
        assert guard.left >= 0

    anyio.run(main)
    made = [event for event in bench.events if event.kind == "tool"]
    assert sum((event.money.least for event in made), Decimal(0)) <= budget
    for one in tools:
        limit = plan[one.name]
        assert limit is None or sum(event.name == one.name for event in made) <= limit


def test_the_same_call_again_costs_nothing() -> None:
    guard, bench = guarded(tool("a", "0.3"))
    results = [anyio.run(guard.call, [call("a"), call("a"), call("a", 2)]), anyio.run(guard.call, [call("a")])]
    assert [result.text for row in results for result in row] == ["found"] * 4
    assert len(bench.events) == 2
    assert guard.left == Decimal("0.4")


def test_a_tool_that_gave_nothing_is_not_called_again() -> None:
    guard, bench = guarded(tool("empty", "0", "[]"), tool("a", "0"))
    anyio.run(guard.call, [call("empty")])
    (refused,) = anyio.run(guard.call, [call("empty", 2)])
    assert not refused.ok
    assert "gave nothing before" in refused.text
    assert "Not to be called any more: empty" in guard.told()
    assert len(bench.events) == 1
    assert (guard.asked, guard.useful) == ({"empty": 2}, {"empty": 0})


def test_limits_and_money_refuse_within_one_turn() -> None:
    guard, bench = guarded(tool("a", "0.4"), tool("b", "0.4"), limits={"a": 1, "b": 5}, left="1")
    calls = [call("a"), call("a", 2), call("b"), call("b", 2), call("rm_rf")]
    texts = [result.text for result in anyio.run(guard.call, calls)]
    assert [text == "found" for text in texts] == [True, False, True, False, False]
    assert "used up" in texts[1]
    assert "more than is left" in texts[3]
    assert "no tool" in texts[4]
    assert guard.left == Decimal("0.2")
    assert "$0.2" in guard.told()
    assert len(bench.events) == 2


def test_a_run_adds_to_the_history_and_the_next_plan_uses_it() -> None:
    tools = [tool("cheap", "0.01", ""), tool("dear", "0.02")]
    script = [call("dear"), "first", call("cheap"), "second", "third"]
    model = ScriptedModel(script)
    bench = Bench(model, tools=tools)
    planner = BTP(budget="0.03")
    answers = [anyio.run(planner.solve, Task(f"{n}", "How is the weather?"), bench.ctx) for n in range(3)]
    assert answers == [Answer("first"), Answer("second"), Answer("third")]
    offered = [{spec.name for spec in request.tools} for request in model.requests]
    assert offered[0] == {"cheap", "dear"}
    assert offered[-1] == {"dear"}, "what was useless is not paid for again"
    kept = anyio.run(bench.ctx.store("", "btp").scan)
    assert [record.data["calls"] for record in kept] == [{"dear": [1, 1]}, {"cheap": [1, 0]}]


def test_the_model_is_told_what_is_left() -> None:
    model = ScriptedModel([call("a"), "x"])
    bench = Bench(model, tools=[tool("a", "0.005")])
    anyio.run(BTP().solve, Task("t", "q"), bench.ctx)
    assert model.requests[1].messages[-1].text == "Budget left for tools: $0.015. Not to be called any more: a."


def test_where_calls_are_wanted_they_are_the_answer() -> None:
    bench = Bench(ScriptedModel([call("a")]), tools=[tool("a", "0")])
    answer = anyio.run(BTP().solve, Task("t", "q", answer_with="calls"), bench.ctx)
    assert [one.name for one in answer.calls] == ["a"]
    assert "tool" not in {event.kind for event in bench.events}


def test_at_its_budget_it_leaves_the_conversation_and_what_it_learned() -> None:
    bench = Bench(ScriptedModel([call("a"), call("a", 2)], repeat=True), tools=[tool("a", "0")], budget={"steps": 1})
    with pytest.raises(BudgetExceeded):
        anyio.run(BTP().solve, Task("t", "q"), bench.ctx)
    assert any(message.role == "tool" for message in bench.ctx.kept[1])
    assert anyio.run(bench.ctx.store("", "btp").count) == 1


@pytest.mark.parametrize("budget", ["-1", "nan", "inf"])
def test_a_budget_that_is_none_is_refused(budget: str) -> None:
    with pytest.raises(ValueError, match="0 dollars or more"):
        BTP(budget=budget)


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    await conformance.planner(BTP)
