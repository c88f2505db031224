"""Plan-then-execute: one call plans, the tools run by their references, one call answers."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from scrimp.core.context import Settings
from scrimp.core.errors import BudgetExceeded
from scrimp.core.protocols import Capabilities
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.planning.methods.plan_then_execute import ANSWER, PLAN, PlanThenExecute
from scrimp.testing import Bench, ScriptedModel

NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}


def add_up(given: Any) -> int:
    return given["a"] + given["b"]  # type: ignore[no-any-return]


def breaks(given: Any) -> str:
    raise ValueError("坏了")


ADD = Tool("add", "Add.", NUMBERS, add_up, inline=True)
BREAK = Tool("break", "Break.", {"type": "object", "properties": {"x": {"type": "string"}}}, breaks, inline=True)


def plan(*steps: tuple[str, dict[str, Any]]) -> str:
    return json.dumps({"steps": [{"tool": tool, "arguments": arguments} for tool, arguments in steps]})


def solve(bench: Bench, task: Task | None = None, **options: Any) -> Answer:
    return anyio.run(PlanThenExecute(**options).solve, task or Task("t", "How much?"), bench.ctx)


def test_one_call_plans_one_answers_and_references_are_filled() -> None:
    model = ScriptedModel([plan(("add", {"a": 1, "b": 2}), ("add", {"a": "$1", "b": 10})), "13"])
    bench = Bench(model, tools=[ADD])
    assert solve(bench) == Answer("13")
    assert [(event.kind, event.component) for event in bench.events] == [
        ("model", "planning"), ("tool", "tools"), ("tool", "tools"), ("model", "answer")
    ]  # fmt: skip
    first, last = model.requests
    assert [message.role for message in first.messages] == ["system", "user"]
    assert "add(a: integer, b: integer) - Add." in first.messages[0].text
    assert (first.prompt, first.tools, last.prompt) == (PLAN.ref, (), ANSWER.ref)
    assert '$2: add({"a": 3, "b": 10}) = 13' in last.messages[-1].text
    assert "You plan" not in last.messages[0].text, "the plan's instructions are not sent again"


@pytest.mark.parametrize("schema", ["grammar", "response_format"])
def test_a_grammar_gets_the_tools_schemas_and_a_server_the_outline(schema: Any) -> None:
    model = ScriptedModel([plan(), "x"])
    model.capabilities = Capabilities(schema=schema)
    solve(Bench(model, tools=[ADD], budget=None))
    assert ("add" in json.dumps(model.requests[0].schema)) == (schema == "grammar")


def test_steps_that_need_nothing_of_each_other_run_at_once() -> None:
    async def main() -> None:
        running = most = 0

        async def count(given: Any) -> str:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await anyio.sleep(0.01)
            running -= 1
            return str(given["a"])

        steps = [("t", {"a": number, "b": 0}) for number in (1, 2, 3)]
        model = ScriptedModel([plan(*steps, ("t", {"a": "$1", "b": "$3"})), "done"])
        bench = Bench(model, tools=[Tool("t", "", NUMBERS, count)])
        await PlanThenExecute().solve(Task("t", "x"), bench.ctx)
        assert most == 3
        assert len([event for event in bench.events if event.kind == "tool"]) == 4

    anyio.run(main)


def test_a_failure_blocks_only_what_depends_on_it_and_is_planned_anew_once() -> None:
    broken = plan(("break", {"x": "1"}), ("add", {"a": "$1", "b": 1}), ("add", {"a": 2, "b": 2}))
    model = ScriptedModel([broken, plan(("add", {"a": 1, "b": 1})), "2"])
    bench = Bench(model, tools=[ADD, BREAK])
    assert solve(bench) == Answer("2")
    assert [event.name for event in bench.events if event.kind == "tool"] == ["break", "add", "add"]
    told = model.requests[1].messages[-1].text
    assert '$1: break({"x": "1"}) = error: ValueError: 坏了' in told
    assert "$2: add was not called, since a call it depends on failed" in told
    assert '$3: add({"a": 2, "b": 2}) = 4' in told
    assert {kind: cell.calls for kind, cell in bench.ledger.retries.items() if cell.calls} == {"replan": 1}
    assert bench.ledger.terms["retries"].calls == 1


def test_it_answers_from_what_there_is_when_the_new_plan_fails_too() -> None:
    model = ScriptedModel([plan(("break", {"x": "1"})), plan(("break", {"x": "2"})), "It cannot be done."])
    bench = Bench(model, tools=[BREAK])
    assert solve(bench).text == "It cannot be done."
    assert "error: ValueError" in model.requests[-1].messages[-1].text
    assert bench.ledger.retries["replan"].calls == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("I would add them.", "not a JSON object"), ("[]", 'needs "steps"'), ('{"steps": [1]}', 'needs "steps"'),
        ('{"steps": [{"tool": "add"}]}', "step 1 is no call"), (plan(("add", {"a": "$2", "b": 1})), "refers to $2"),
        (plan(("add", {"a": "$1", "b": 1})), "refers to $1"),
        (plan(*[("add", {"a": number, "b": 1}) for number in range(1000)]), "50 calls at most"),
        ('{"steps": ' + "[" * 5000 + "]" * 5000 + "}", "not a JSON object"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_read_is_sent_back_with_what_is_wrong(text: str, says: str) -> None:
    model = ScriptedModel([text, plan(("add", {"a": 1, "b": 1})), "2"])
    bench = Bench(model, tools=[ADD], settings=Settings(max_output=50_000))
    assert solve(bench) == Answer("2")
    assert says in model.requests[1].messages[-1].text
    assert {kind: cell.calls for kind, cell in bench.ledger.retries.items() if cell.calls} == {"repair": 1}


def test_a_task_that_needs_no_tool_costs_two_calls() -> None:
    bench = Bench(ScriptedModel([plan(), "Paris"]), tools=[ADD])
    assert solve(bench) == Answer("Paris")
    assert bench.ledger.total.calls == 2
    assert "none were needed" in bench.witness.events[-1][1].messages[-1].text


def test_a_task_that_asks_for_calls_gets_the_plan_and_nothing_is_run() -> None:
    bench = Bench(ScriptedModel([plan(("add", {"a": 1, "b": 2}))]), tools=[ADD])
    answer = solve(bench, Task("t", "x", answer_with="calls"))
    assert [(call.name, call.arguments) for call in answer.calls] == [("add", {"a": 1, "b": 2})]
    assert [event.kind for event in bench.events] == ["model"]


def test_what_was_paid_for_is_kept_when_the_steps_run_out() -> None:
    bench = Bench(ScriptedModel([plan(("break", {"x": "1"}))]), tools=[BREAK], budget={"steps": 1})
    with pytest.raises(BudgetExceeded, match="steps"):
        solve(bench)
    assert "error: ValueError" in bench.ctx.kept[1][-1].text


def test_no_replans() -> None:
    bench = Bench(ScriptedModel(["rubbish", "no idea"]), tools=[ADD])
    assert solve(bench, max_replans=0) == Answer("no idea")
    assert bench.ledger.terms["retries"].calls == 0


def test_a_new_plan_does_not_repeat_a_call_that_went_well() -> None:
    first = plan(("add", {"a": 1, "b": 2}), ("break", {"x": "y"}))
    second = plan(("add", {"a": 1, "b": 2}), ("add", {"a": "$1", "b": 4}))
    bench = Bench(ScriptedModel([first, second, "7"]), tools=[ADD, BREAK])
    assert solve(bench) == Answer("7")
    assert [event.name for event in bench.events if event.kind == "tool"] == ["add", "break", "add"]
