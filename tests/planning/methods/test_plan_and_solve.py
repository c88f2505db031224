"""Plan-and-solve: the plan stands in the conversation before its first call, and is carried out in it."""

from __future__ import annotations

import anyio
import pytest

from scrimp.core.messages import ToolCall, assistant
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.planning.methods.plan_and_solve import CONCLUDE, PROMPT, PlanAndSolve
from scrimp.testing import Bench, ScriptedModel, conformance

NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
ADD = Tool("add", "Add.", NUMBERS, lambda given: given["a"] + given["b"], inline=True)


def call(a: int, b: int) -> ToolCall:
    return ToolCall(f"c{a}", "add", {"a": a, "b": b})


def test_the_plan_is_written_first_and_carried_out_below() -> None:
    plan = "Plan:\n1. Add 1 and 2.\n2. Add 10 to it."
    model = ScriptedModel([assistant(plan, (call(1, 2),)), call(3, 10), "Answer: 13"])
    bench = Bench(model, tools=[ADD])
    assert anyio.run(PlanAndSolve().solve, Task("t", "How much?"), bench.ctx) == Answer("13")
    assert "devise a plan" in model.requests[0].messages[0].text
    assert {request.prompt for request in model.requests} == {PROMPT.ref}
    assert plan in model.requests[-1].messages[2].text, "each step sees the plan"
    assert [message.text for message in model.requests[-1].messages if message.role == "tool"] == ["3", "13"]


def test_where_turns_run_out_the_answer_is_asked_for() -> None:
    model = ScriptedModel([call(1, 2), "So far 3.\nAnswer: 3"])
    bench = Bench(model, tools=[ADD])
    assert anyio.run(PlanAndSolve(max_steps=1).solve, Task("t", "How much?"), bench.ctx) == Answer("3")
    assert model.requests[-1].prompt == CONCLUDE.ref


def test_without_tools_it_is_one_call() -> None:
    model = ScriptedModel(["1. Think.\nAnswer: 4"])
    assert anyio.run(PlanAndSolve().solve, Task("t", "2 + 2?"), Bench(model).ctx) == Answer("4")


def test_where_calls_are_wanted_they_are_the_answer() -> None:
    model = ScriptedModel([assistant("Plan: add.", (call(1, 2),))])
    bench = Bench(model, tools=[ADD])
    answer = anyio.run(PlanAndSolve().solve, Task("t", "x", answer_with="calls"), bench.ctx)
    assert [(one.name, one.arguments) for one in answer.calls] == [("add", {"a": 1, "b": 2})]
    assert [event.kind for event in bench.events] == ["model"], "they are not made"


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    await conformance.planner(PlanAndSolve)
