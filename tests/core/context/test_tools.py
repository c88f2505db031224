"""The door to tools: whatever a tool does, the agent is told and the account is balanced."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import pytest

from scrimp.core.context.tools import MOST_TEXT, as_result
from scrimp.core.errors import BudgetExceeded, InputError, UnknownPrice
from scrimp.core.messages import ToolCall
from scrimp.core.protocols import Decision, Query, Question, Scored
from scrimp.core.tool import Tool, ToolResult, signature
from scrimp.testing import Bench, ScriptedModel

OBJECT = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


def make(name: str, function: Any, **more: Any) -> Tool:
    return Tool(name, f"The {name} tool.", OBJECT, function, **more)


def ask(name: str, number: int = 0, **arguments: Any) -> ToolCall:
    return ToolCall(f"c{number}", name, arguments)


def call(bench: Bench, *calls: ToolCall) -> list[ToolResult]:
    return anyio.run(bench.ctx.call_tools, calls)


def double(arguments: Mapping[str, Any]) -> int:
    return int(arguments["x"]) * 2


async def double_later(arguments: Mapping[str, Any]) -> dict[str, int]:
    await anyio.lowlevel.checkpoint()
    return {"两倍": arguments["x"] * 2}


class Callable_:
    async def __call__(self, arguments: Mapping[str, Any]) -> str:
        return "called"


@pytest.mark.parametrize("inline", [False, True])
def test_every_kind_of_function_is_a_tool(inline: bool) -> None:
    tools = [make("plain", double, inline=inline), make("later", double_later, inline=inline),
             make("object", Callable_(), inline=inline)]  # fmt: skip
    bench = Bench(tools=tools)
    results = call(bench, ask("plain", 0, x=2), ask("later", 1, x=3), ask("object", 2))
    assert [result.text for result in results] == ["4", '{"两倍":6}', "called"]
    assert [(event.name, event.kind, event.component) for event in bench.events].count(("plain", "tool", "tools")) == 1
    assert bench.ledger.terms["tools"].calls == 3


def fail(error: BaseException) -> Any:
    def function(arguments: Mapping[str, Any]) -> Any:
        raise error

    return function


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("tool", "asked", "says"),
    [
        (make("t", fail(ValueError("坏了"))), ask("t"), "error: ValueError: 坏了"),
        (make("t", fail(StopIteration())), ask("t"), "error: "),
        (make("t", fail(ValueError()), inline=True), ask("t"), "error: ValueError"),
        (make("t", lambda arguments: CIRCLE), ask("t"), "error: the result cannot be written"),
        (make("t", lambda arguments: {(1, 2): 3}), ask("t"), "error: TypeError"),
        (make("t", None), ask("t"), "only a description"),
        (make("t", double), ask("s"), "no tool is called 's'; there are: t"),
        (make("t", double), ToolCall("c", "t", None, "{x: 1"), "not a JSON object: {x: 1"),
    ],
)
def test_a_failure_is_an_observation(tool: Tool, asked: ToolCall, says: str) -> None:
    bench = Bench(tools=[tool], budget={"tool_calls": 3, "usd": 1})
    (result,) = call(bench, asked)
    assert result.status == "error"
    assert says in result.text
    assert bench.events[0].status == "error"
    assert bench.account.spent == {"tool_calls": 1, "usd": 0}
    assert not bench.open_calls()


def test_a_tool_that_hangs_is_given_up_and_nobody_knows_whether_it_took_effect() -> None:
    release = threading.Event()

    async def hang(arguments: Mapping[str, Any]) -> None:
        await anyio.sleep_forever()

    tools = [make("thread", lambda arguments: release.wait(5), timeout=0.05), make("task", hang, timeout=0.05)]
    bench = Bench(tools=tools)
    started = time.monotonic()
    try:
        results = call(bench, ask("thread", 0), ask("task", 1))
    finally:
        release.set()
    assert time.monotonic() - started < 2
    assert [result.status for result in results] == ["unknown", "unknown"]
    assert all("within 0.05 s" in result.text for result in results)
    assert [event.status for event in bench.events] == ["unknown", "unknown"]


def test_results_come_in_the_order_of_the_calls() -> None:
    async def slow_first(arguments: Mapping[str, Any]) -> str:
        await anyio.sleep(0.03 / arguments["x"])
        return str(arguments["x"])

    bench = Bench(tools=[make("t", slow_first)])
    results = call(bench, *[ask("t", number, x=number + 1) for number in range(4)])
    assert [result.text for result in results] == ["1", "2", "3", "4"]
    assert sorted(event.key.ordinal for event in bench.events) == [0, 1, 2, 3]


def test_calls_at_once_are_reserved_together_or_not_at_all() -> None:
    seen: list[int] = []
    bench = Bench(tools=[make("t", lambda arguments: seen.append(1))], budget={"tool_calls.t": 2})
    with pytest.raises(BudgetExceeded) as caught:
        call(bench, *[ask("t", number) for number in range(3)])
    assert caught.value.key == "tool_calls.t"
    assert seen == []
    assert [event.kind for event in bench.events] == ["decision"] * 3
    call(bench, ask("t", 3), ask("t", 4))
    assert seen == [1, 1]


@pytest.mark.parametrize("price", [Decimal("0.01"), Decimal(0)])
def test_a_declared_price_is_reserved_and_charged(price: Decimal) -> None:
    bench = Bench(tools=[make("t", double, price=price)], budget={"usd": "0.015"})
    call(bench, ask("t", x=1))
    assert bench.account.spent["usd"] == price
    assert bench.ledger.components["tools"].cost.least == price
    if price:
        with pytest.raises(BudgetExceeded):
            call(bench, ask("t", x=1))


def test_a_tool_without_a_price_is_unknown_and_refused_under_a_money_limit() -> None:
    tools = [make("t", double, price=None)]
    bench = Bench(tools=tools)
    call(bench, ask("t", x=1))
    assert bench.ledger.total.cost.state == "unknown"
    with pytest.raises(UnknownPrice, match="tool 't'"):
        call(Bench(tools=tools, budget={"usd": 1}), ask("t", x=1))


def test_an_error_of_ours_inside_one_of_many_comes_out_as_itself() -> None:
    """A tool may be an agent with a budget of its own; the first error counts, and the others are settled."""

    async def late(arguments: Mapping[str, Any]) -> str:
        await anyio.sleep(0.01)
        return "done"

    stopped = fail(BudgetExceeded("usd", limit=1, spent=1, reserved=0, needed=1))
    bench = Bench(tools=[make("agent", stopped, inline=True), make("late", late)], budget={"tool_calls": 9})
    with pytest.raises(BudgetExceeded, match="usd=1"):
        call(bench, ask("agent", 0), ask("late", 1), ask("late", 2))
    assert not bench.open_calls()
    assert len(bench.events) == 3
    assert bench.account.spent["tool_calls"] == 3


def test_the_deadline_stops_calls_at_once_as_it_stops_one() -> None:
    async def hang(arguments: Mapping[str, Any]) -> None:
        await anyio.sleep_forever()

    for count in (1, 3):
        bench = Bench(tools=[make("t", hang)], budget={"seconds": "0.05"})
        with pytest.raises(BudgetExceeded, match="seconds"):
            call(bench, *[ask("t", number) for number in range(count)])
        assert not bench.open_calls()
        assert len(bench.events) == count


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_that_is_cancelled_at_once_leaves_nothing_reserved(count: int) -> None:
    async def main() -> None:
        bench = Bench(tools=[make("t", double)], budget={"tool_calls": 9})
        with anyio.CancelScope() as scope:
            scope.cancel()
            await bench.ctx.call_tools([ask("t", number, x=1) for number in range(count)])
        assert not bench.open_calls()
        assert bench.account.reserved["tool_calls"] == 0

    anyio.run(main)


def test_a_journal_that_fails_leaves_nothing_reserved() -> None:
    class Full:
        async def reserve(self, worst: Any, amounts: Any) -> None:
            raise InputError("disk full")

        async def commit(self, event: Any, request: Any, response: Any) -> None:
            raise AssertionError("never reached")

    for count in (1, 2):
        bench = Bench(tools=[make("t", double)], budget={"tool_calls": 9}, sink=Full())
        with pytest.raises(InputError, match="disk full"):
            call(bench, *[ask("t", number, x=1) for number in range(count)])
        assert not bench.open_calls()


def test_a_tool_that_calls_a_model_while_another_waits_does_not_lock_up() -> None:
    """Both tools hold tokens' worth of calls; each asks for more inside; nobody waits on an ancestor."""

    async def main() -> None:
        bench = Bench(budget={"tokens": 4000, "model_calls": 1})
        from scrimp.core.prompt import Prompt

        children = [await bench.ctx.spawn() for _ in range(3)]
        ended: list[str] = []

        async def nested(child: Any) -> None:
            try:
                await child.complete((), prompt=Prompt("p", 1, ""))
                ended.append("done")
            except BudgetExceeded:
                ended.append("refused")

        with anyio.fail_after(3):
            async with anyio.create_task_group() as group:
                for child in children:
                    group.start_soon(nested, child)
        assert sorted(ended) == ["done", "refused", "refused"]

    anyio.run(main)


# -- what is offered -------------------------------------------------------------------------------


class Closed:
    async def decide(self, question: Question, ctx: Any) -> Decision:
        return Decision("call" in question.text)


class Last:
    def __init__(self) -> None:
        self.indexed: list[int] = []

    async def index(self, tools: Any, ctx: Any) -> None:
        self.indexed.append(len(tools))
        self._tools = tools

    async def select(self, query: Query, ctx: Any) -> list[Scored[Tool]]:
        await ctx.embed([query.text])
        return [Scored(self._tools[-1], 1.0)]


def test_what_is_offered() -> None:
    tools = (make("a", double), make("b", double))
    assert anyio.run(Bench(tools=tools).ctx.tools, "q") == tools
    bench = Bench(tools=tools, gate=Closed(), selector=Last())
    assert anyio.run(bench.ctx.tools, "just talk") == ()
    assert [tool.name for tool in anyio.run(bench.ctx.tools, "call it")] == ["b"]
    assert [(event.kind, event.component) for event in bench.events] == [("embed", "tools")]
    assert bench.ledger.terms["tools"].calls == 1
    assert anyio.run(Bench(selector=Last()).ctx.tools, "q") == ()


def test_results_as_text() -> None:
    assert as_result("雨").text == "雨"
    assert as_result({"a": [1, None]}).text == '{"a":[1,null]}'
    assert as_result(Decimal("1.5")).text == '"1.5"'
    given = ToolResult("x", "unknown")
    assert as_result(given) is given
    assert not given.ok


def test_a_tool_in_one_line() -> None:
    schema = {"type": "object", "required": ["x"], "properties": {
        "x": {"type": "integer", "description": "How many."}, "unit": {"enum": ["km", "里"]},
        "names": {"type": "array", "items": {"type": "string"}}, "any": {},
        "two": {"type": ["string", "null"]}}}  # fmt: skip
    tool = Tool("go", "Go\n there.", schema, None)
    assert signature(tool.spec) == (
        'go(x: integer (How many), unit?: "km" | "里", names?: string[], any?: any, two?: string|null) - Go there.'
    )
    assert tool.document.startswith("go. Go")
    assert "x: How many." in tool.document


def test_partial_application_is_a_tool_too() -> None:
    bench = Bench(tools=[make("t", partial(lambda extra, arguments: extra + arguments["x"], 5))])
    assert call(bench, ask("t", x=1))[0].text == "6"


def test_fifty_megabytes_are_shown_by_their_ends_and_the_books_balance() -> None:
    huge = Tool(
        "huge", "Gives far too much.", {"type": "object"}, lambda given: "头" + "x" * 50_000_000 + "尾", inline=True
    )
    bench = Bench(ScriptedModel(["-"]), tools=[huge], budget={"usd": "1"})
    result = anyio.run(bench.ctx.call_tool, ToolCall("1", "huge", {}))
    assert len(result.text) < MOST_TEXT + 100
    assert (result.text[0], result.text[-1]) == ("头", "尾")
    assert "49,800,002 characters left out" in result.text
    assert bench.account.reserved["usd"] == 0
