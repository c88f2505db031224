"""LLMCompiler: calls begin while the plan is being written, run as a graph, and a joiner answers or asks for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import pytest

from scrimp.core.context import Settings
from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import Request
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.planning.methods.llmcompiler import GO_ON, JOIN, LAST, PLAN, LLMCompiler
from scrimp.testing import Bench, ScriptedModel, conformance
from tests.support import plans, virtual

PAIR = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
TEXT = {"type": "object", "properties": {"q": {"type": "string"}}}
ADD = Tool("add", "Add.", PAIR, lambda given: given["a"] + given["b"], inline=True)
LOOK = Tool("look", "Look up.", TEXT, lambda given: f"<{given['q']}>", inline=True)
WRITING = 0.5
"""Seconds a piece of an answer takes."""
LATENCY = 4.0


def breaks(given: Any) -> str:
    raise ValueError("no")


BREAK = Tool("break", "", {"type": "object", "properties": {"x": {}}}, breaks, inline=True)
TOOLS = (ADD, LOOK, BREAK)
DONE = "Thought: all there.\nFinish(done)"


def solve(answers: Sequence[str], *, task: Task | None = None, **options: Any) -> tuple[Answer, Bench, ScriptedModel]:
    model = ScriptedModel(answers)
    bench = Bench(model, tools=TOOLS, settings=Settings(max_output=50_000))
    return anyio.run(LLMCompiler(**options).solve, task or Task("t", "How much?"), bench.ctx), bench, model


def timed(plan: str, pieces: int) -> tuple[float, list[float]]:
    """Virtual seconds of a run whose plan comes in pieces, and when its calls began."""
    begun: list[float] = []

    async def slow(given: Mapping[str, Any]) -> str:
        begun.append(anyio.current_time())
        await anyio.sleep(LATENCY)
        return f"{given['q']}!"

    def said(request: Request) -> str:
        return plan if request.prompt == PLAN.ref else DONE

    async def main() -> float:
        model = ScriptedModel(said, chunks=pieces, latency=WRITING * pieces, sleep=anyio.sleep)
        bench = Bench(model, tools=[Tool("slow", "", TEXT, slow, latency=LATENCY)], clock=virtual.VirtualClock())
        assert await LLMCompiler().solve(Task("t", "x"), bench.ctx) == Answer("done")
        assert bench.witness.faults == []
        return anyio.current_time()

    return virtual.run(main), begun


def test_a_call_begins_as_soon_as_its_line_is_written() -> None:
    plan = "\n".join(f"{n}. slow(q='{n}')" for n in range(1, 5)) + "\n5. join()"
    took, begun = timed(plan, 10)
    assert begun[0] < begun[-1] <= 10 * WRITING, "the first while the last was not written yet"
    assert took == begun[-1] + LATENCY + 10 * WRITING, "plan, the last call, joiner"


def test_independent_calls_take_as_long_as_one_and_a_chain_as_all_of_it() -> None:
    free, _ = timed("\n".join(f"{n}. slow(q='{n}')" for n in range(1, 9)) + "\n9. join()", 1)
    chain, _ = timed("\n".join(f"{n}. slow(q='${n - 1}')".replace("$0", "x") for n in range(1, 9)) + "\n9. join()", 1)
    assert free == WRITING + LATENCY + WRITING
    assert chain == WRITING + 8 * LATENCY + WRITING, "no speed-up where there is none to be had"


def test_two_turns_and_references_are_filled() -> None:
    lines = [f'{n}. look({{"q": "{n}"}})' for n in range(1, 11)]
    plan = "\n".join(["Thought: look all up.", *lines, '11. look({"q": "$1 and $10"})', "12. join() <END_OF_PLAN>"])
    answer, bench, model = solve([plan, DONE])
    assert answer == Answer("done")
    assert [request.prompt for request in model.requests] == [PLAN.ref, JOIN.ref]
    assert '$11: look({"q": "<1> and <10>"}) = <<1> and <10>>' in model.requests[1].messages[-1].text
    assert [event.component for event in bench.events] == ["planning", *["tools"] * 11, "answer"]


def test_the_joiner_may_ask_for_more_and_numbers_go_on() -> None:
    more = "Thought: b is missing.\nReplan(look b up)"
    first, then = "1. look(q='a')\n2. join()", "2. look(q='a')\n3. look(q='$1 b')\n4. join()"
    answer, bench, model = solve([first, more, then, "both"])
    assert answer == Answer("both")
    assert [request.prompt for request in model.requests] == [PLAN.ref, JOIN.ref, GO_ON.ref, LAST.ref]
    asked = model.requests[2].messages[-1].text
    assert '$1: look({"q": "a"}) = <a>' in asked
    assert more in asked
    assert "numbered from 2 on" in asked
    assert [event.retry for event in bench.events if event.kind == "model"] == ["", "", "replan", ""]
    calls = [event for event in bench.events if event.kind == "tool"]
    assert len(calls) == 2, "what was called is not called again"
    assert "<<a> b>" in model.requests[3].messages[-1].text


def test_in_the_last_round_the_joiner_may_not_replan() -> None:
    answer, _, model = solve(["1. look(q='a')\n2. join()", "Replan(never enough)"], max_replans=0)
    assert model.requests[-1].prompt == LAST.ref
    assert answer == Answer("Replan(never enough)")


def test_a_joiner_that_decides_nothing_has_answered() -> None:
    answer, _, _ = solve(["1. look(q='a')\n2. join()", "It is a."])
    assert answer == Answer("It is a.")


def test_a_failure_blocks_its_descendants_and_the_joiner_is_told() -> None:
    _, _, model = solve(["1. break(x=1)\n2. look(q='$1')\n3. look(q='free')\n4. join()", DONE])
    shown = model.requests[1].messages[-1].text
    assert "$2: look was not called, since a call it depends on failed" in shown
    assert '$3: look({"q": "free"}) = <free>' in shown


THOUSAND = "\n".join(f"{n}. add(a={n}, b=1)" for n in range(1, 1001))
POISON = {
    "cycle": ("1. look(q='$2')\n2. look(q='$1')", "call 1: step 1 refers to $2"),
    "self": ("1. look(q='a')\n2. look(q='$2')", "call 2: step 2 refers to $2"),
    "unknown tool": ("1. rm_rf(q='/')", "no tool is called rm_rf"),
    "a thousand calls": (THOUSAND, "50 calls at most"),
    "a number twice": ("1. look(q='a')\n1. look(q='b')", "numbers go up"),
    "forged JSON": ('1. add({"a": 1, "b": })', "neither a JSON object nor literals"),
    "code": ("1. add(a=__import__('os').getpid(), b=1)", "neither a JSON object nor literals"),
    "no call": ("1. First, look it up.", "that is no call"),
    "no plan": ('{"steps": [{"tool": "look"}]}', "there is no plan"),
    "a number of 5000 digits": (f"{'9' * 5000}. look(q='a')", "that is no call"),
}


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_plan_is_repaired_once_counted_and_never_fatal(name: str) -> None:
    text, fault = POISON[name]
    answer, bench, model = solve([text, text, "I do not know", "no"])
    assert answer == Answer("I do not know")
    assert fault in model.requests[1].messages[-1].text
    models = [event for event in bench.events if event.kind == "model"]
    assert [(event.attempt, event.retry) for event in models] == [(1, ""), (2, "repair"), (1, "")]
    assert bench.ledger.retries["repair"].calls == 1
    made = [event.name for event in bench.events if event.kind == "tool"]
    assert set(made) <= {"add", "look"}
    assert len(made) <= 50


def test_what_was_good_of_a_faulty_plan_is_not_planned_again() -> None:
    answer, bench, model = solve(["1. look(q='a')\n2. nothing()\n", "2. look(q='$1')\n3. join()", DONE])
    assert answer == Answer("done")
    assert '$1: look({"q": "a"}) = <a>' in model.requests[1].messages[-1].text
    assert [event.name for event in bench.events if event.kind == "tool"] == ["look", "look"]


def test_a_task_that_needs_no_tool_is_answered_at_once() -> None:
    answer, _, model = solve(["1. join()", "42"])
    assert answer == Answer("42")
    assert model.requests[-1].prompt == LAST.ref


def test_where_calls_are_wanted_they_are_the_answer() -> None:
    task = Task("t", "x", answer_with="calls")
    answer, bench, _ = solve(["1. add(a=1, b=2)\n2. add(a=$1, b=3)\n3. join()"], task=task)
    assert [(call.id, call.arguments) for call in answer.calls] == [("1", {"a": 1, "b": 2}), ("2", {"a": "$1", "b": 3})]
    assert [event.kind for event in bench.events] == ["model"]


@pytest.mark.parametrize(("budget", "kept"), [({"tool_calls": 1}, "= <a>"), ({"model_calls": 1}, "= <b>")])
def test_at_its_budget_it_leaves_the_results_so_far(budget: dict[str, int], kept: str) -> None:
    bench = Bench(ScriptedModel(["1. look(q='a')\n2. look(q='b')\n3. join()", DONE]), tools=TOOLS, budget=budget)
    with pytest.raises(BudgetExceeded):
        anyio.run(LLMCompiler().solve, Task("t", "How much?"), bench.ctx)
    assert kept in bench.ctx.kept[1][-1].text
    assert bench.open_calls() == []


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    scene = plans.scene(lambda number, tool, given: f"{number}. {tool}({given})", "llmcompiler-plan")
    await conformance.planner(LLMCompiler, scene)
