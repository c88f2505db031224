"""ReAct: thought, calls and observations take turns until a turn calls nothing."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import Image, Request, ToolCall, assistant
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.planning.methods.react import CONCLUDE, PROMPT, ReAct
from scrimp.testing import Bench, ScriptedModel

NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
ADD = Tool("add", "Add.", NUMBERS, lambda given: given["a"] + given["b"], inline=True)


def add(a: Any, b: Any) -> dict[str, Any]:
    return {"tool": "add", "arguments": {"a": a, "b": b}}


def solve(bench: Bench, task: Task | None = None, **options: Any) -> Answer:
    return anyio.run(ReAct(**options).solve, task or Task("t", "What is 1 + 2 + 3?"), bench.ctx)


def roles(request: Request) -> list[str]:
    return [message.role for message in request.messages]


def test_thoughts_calls_and_observations_take_turns() -> None:
    first = assistant("First 1 + 2.", [ToolCall("c1", "add", {"a": 1, "b": 2})])
    model = ScriptedModel([first, add(3, 3), "6"])
    bench = Bench(model, tools=[ADD])
    assert solve(bench) == Answer("6")
    assert [roles(request) for request in model.requests] == [
        ["system", "user"],
        ["system", "user", "assistant", "tool"],
        ["system", "user", "assistant", "tool", "assistant", "tool"],
    ]
    last = model.requests[-1].messages
    assert last[2] == first
    assert (last[3].text, last[3].tool_call_id) == ("3", "c1")
    assert last[5].text == "6"
    assert [event.kind for event in bench.events] == ["model", "tool", "model", "tool", "model"]
    assert [event.round for event in bench.events] == [1, 1, 2, 2, 3]


def test_every_request_begins_with_the_one_before() -> None:
    """So that a provider's prefix cache serves all that was sent before."""
    model = ScriptedModel([add(1, 2), [add(3, 3), add(4, 4)], "14"])
    solve(Bench(model, tools=[ADD]))
    for earlier, later in zip(model.requests, model.requests[1:], strict=False):
        assert later.messages[: len(earlier.messages)] == earlier.messages
        assert later.tools == earlier.tools


def test_calls_of_one_turn_run_at_once() -> None:
    async def main() -> None:
        meeting = [anyio.Event(), anyio.Event()]

        async def meet(given: Any) -> str:
            meeting[given["a"]].set()
            await meeting[1 - given["a"]].wait()
            return f"met {given['a']}"

        model = ScriptedModel([[add(0, 0), add(1, 0)], "done"])
        bench = Bench(model, tools=[Tool("add", "", NUMBERS, meet)])
        with anyio.fail_after(2):
            await ReAct().solve(Task("t", "x"), bench.ctx)
        assert [message.text for message in model.requests[1].messages[-2:]] == ["met 0", "met 1"]

    anyio.run(main)


def test_after_the_last_turn_an_answer_is_asked_for() -> None:
    model = ScriptedModel([add(1, 1), add(2, 2), "4, I think"])
    bench = Bench(model, tools=[ADD])
    assert solve(bench, max_steps=2) == Answer("4, I think")
    last = model.requests[-1]
    assert (last.tools, last.messages[-1].text, last.prompt) == ((), CONCLUDE.text, CONCLUDE.ref)
    assert last.messages[-2].text == "4", "the last observation is there"
    assert bench.ledger.components["answer"].calls == 1
    assert bench.run.steps == 2


def test_what_was_paid_for_is_kept_when_the_steps_run_out() -> None:
    bench = Bench(ScriptedModel([add(1, 1), "2"]), tools=[ADD], budget={"steps": 1})
    with pytest.raises(BudgetExceeded, match="steps"):
        solve(bench)
    assert [message.text for message in bench.ctx.kept[1]][-1] == "2"


def test_what_was_paid_for_is_kept_when_the_conclusion_is_refused() -> None:
    bench = Bench(ScriptedModel([add(1, 1), "2"]), tools=[ADD], budget={"model_calls": 1})
    with pytest.raises(BudgetExceeded, match="model_calls"):
        solve(bench, max_steps=1)
    assert [message.text for message in bench.ctx.kept[1]][-1] == "2"


def test_a_task_that_asks_for_calls_gets_those_of_the_first_turn() -> None:
    bench = Bench(ScriptedModel([[add(1, 2), add(3, 4)]]), tools=[ADD])
    answer = solve(bench, Task("t", "x", answer_with="calls"))
    assert [call.arguments for call in answer.calls] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert [event.kind for event in bench.events] == ["model"]


def test_what_was_recalled_and_attached_stands_before_and_after_the_question() -> None:
    model = ScriptedModel(["ok"])
    solve(Bench(model), Task("t", "谁？", attachments=(Image(url="u"),), background="Ann 住在奥斯陆"))
    system, known, question = model.requests[0].messages
    assert system.text == PROMPT.text
    assert (known.text, question.text) == ("What is known from before:\nAnn 住在奥斯陆", "谁？")
    assert question.parts[-1] == Image(url="u")


def test_an_unknown_tool_is_told_and_the_run_goes_on() -> None:
    model = ScriptedModel([{"tool": "subtract", "arguments": {}}, "fine"])
    assert solve(Bench(model, tools=[ADD])) == Answer("fine")
    assert "no tool is called 'subtract'; there are: add" in model.requests[1].messages[-1].text
