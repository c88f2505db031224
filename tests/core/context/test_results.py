"""Long results kept aside, failures recognised, equal pure calls in flight made once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.context import Settings
from scrimp.core.context.results import READ
from scrimp.core.errors import BudgetExceeded, InputError
from scrimp.core.messages import ToolCall
from scrimp.core.system import System
from scrimp.core.task import Task, task_to_json
from scrimp.core.tool import Tool
from scrimp.journal.journal import Journal, RunRecord
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import Bench

ANY = {"type": "object"}
LIMIT = 300
LONG = "\n".join(f"line {number}: 第{number}行" for number in range(2000))


def offloading(*tools: Tool, **options: Any) -> Bench:
    return Bench(tools=[*tools, READ], settings=Settings(offload=LIMIT), **options)


def call(bench: Bench, name: str, **arguments: Any) -> Any:
    return anyio.run(bench.ctx.call_tool, ToolCall("c", name, arguments))


def long_tool(text: str = LONG) -> Tool:
    return Tool("book", "Gives a book.", ANY, lambda given: text, inline=True)


# -- long results ---------------------------------------------------------------------------------------


def test_a_long_result_is_shown_by_its_ends_and_read_by_its_handle() -> None:
    bench = offloading(long_tool())
    shown = call(bench, "book").text
    assert shown.startswith("line 0")
    assert shown.endswith("line 1999: 第1999行")
    assert len(shown) < LIMIT + 150
    handle = shown.partition("handle '")[2].partition("'")[0]
    piece = call(bench, "read_result", handle=handle, start=1000, length=50).text
    assert piece == f"[characters 1,000 to 1,050 of {len(LONG):,}]\n{LONG[1000:1050]}"
    found = call(bench, "read_result", handle=handle, find="LINE 77").text
    assert found.splitlines()[0].startswith("[11 lines hold 'LINE 77'")
    assert f"{LONG.index('line 77:')}: line 77: 第77行" in found
    assert len(call(bench, "read_result", handle=handle, length=10**9).text) < LIMIT + 60
    assert Counter(event.name for event in bench.events) == {"book": 1, "read_result": 3}, "each reading is a tool call"


def test_a_handle_is_the_contents_and_reaches_no_other_run() -> None:
    one, other = offloading(long_tool()), offloading(long_tool())
    handle = call(one, "book").text.partition("handle '")[2].partition("'")[0]
    assert call(other, "read_result", handle=handle).status == "error"
    assert "none so far" in call(other, "read_result", handle=handle).text
    assert handle in call(other, "book").text


@pytest.mark.parametrize("odd", [{"handle": 7}, {"handle": "x", "start": -1}, {"handle": None, "find": ".*("}, {}])
def test_odd_readings_are_observations(odd: Mapping[str, Any]) -> None:
    assert call(offloading(), "read_result", **odd).status == "error"


def test_short_results_and_systems_without_it_are_as_they_were() -> None:
    assert call(offloading(long_tool("short")), "book").text == "short"
    assert call(Bench(tools=[long_tool()]), "book").text == LONG


def test_the_journal_holds_it_whole_so_a_replay_keeps_the_same_aside(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    first = offloading(long_tool(), sink=journal)
    journal.begin(RunRecord(first.run_id, task_to_json(Task("t", "?")), {"model": "scripted"}))
    shown = call(first, "book").text
    handle = shown.partition("handle '")[2].partition("'")[0]
    part = call(first, "read_result", handle=handle, start=5).text
    again = offloading(
        long_tool("changed"), recording=journal.recording(first.run_id, strict=True), run_id=first.run_id
    )
    assert call(again, "book").text == shown
    assert call(again, "read_result", handle=handle, start=5).text == part
    journal.close()


def test_a_system_says_so_and_its_identity_stays_where_it_does_not() -> None:
    assert System(offload=4000).to_json()["offload"] == 4000
    assert System().hash({}) != System(offload=4000).hash({})
    with pytest.raises(InputError, match="offload is 10"):
        System(offload=10)


# -- failures -------------------------------------------------------------------------------------------


def fails(given: Mapping[str, Any]) -> str:
    raise ValueError("no such file")


def test_a_failure_that_was_seen_before_is_said_to_be() -> None:
    bench = Bench(tools=[Tool("read", "Read.", ANY, fails, inline=True)])
    texts = [call(bench, "read", path=path).text for path in "aabca"]
    plain = "error: ValueError: no such file"
    assert texts[0] == plain
    assert texts[1] == f"{plain}\n[the same call failed like this once before; change it, or do without it]"
    assert texts[2] == f"{plain}\n[read failed like this twice before, with other arguments]"
    assert texts[4].endswith("[the same call failed like this twice before; change it, or do without it]")
    assert len(bench.events) == 5, "nothing is suppressed: each was made"


def test_branches_count_by_themselves() -> None:
    """Otherwise the order in which branches run would be part of what they are told."""

    async def main() -> list[str]:
        bench = Bench(tools=[Tool("read", "Read.", ANY, fails, inline=True)])
        children = [await bench.ctx.spawn(), await bench.ctx.spawn()]
        return [(await child.call_tool(ToolCall("c", "read", {}))).text for child in children]

    assert len(set(anyio.run(main))) == 1


# -- equal calls in flight --------------------------------------------------------------------------------


class Slow:
    """A pure tool that counts how often it was really called."""

    def __init__(self, price: str = "0.5", fail: bool = False, pure: bool = True) -> None:
        self.calls: list[Any] = []
        self.fail = fail
        self.tool = Tool("look", "Look.", ANY, self.run, price=Decimal(price), pure=pure)

    async def run(self, given: Mapping[str, Any]) -> Any:
        self.calls.append(given["at"])
        await anyio.sleep(0.01)
        if self.fail:
            raise ValueError("gone")
        return f"seen {given['at']}"


def test_equal_pure_calls_at_once_are_made_once_and_paid_once() -> None:
    slow = Slow()
    bench = Bench(tools=[slow.tool], budget={"usd": "1", "tool_calls": 2})
    calls = [ToolCall(str(place), "look", {"at": at}) for place, at in enumerate("aabab")]
    results = anyio.run(bench.ctx.call_tools, calls)
    assert [result.text for result in results] == [f"seen {at}" for at in "aabab"]
    assert sorted(slow.calls) == ["a", "b"]
    assert bench.account.spent["tool_calls"] == 2
    assert bench.account.spent["usd"] == Decimal(1)
    assert Counter(event.kind for event in bench.events) == {"tool": 2, "decision": 3}
    assert bench.ledger.total.calls == 2
    assert bench.open_calls() == []


def test_branches_share_a_call_in_flight_and_none_that_is_over() -> None:
    slow = Slow()

    async def main() -> Bench:
        bench = Bench(tools=[slow.tool])
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon((await bench.ctx.spawn()).call_tool, ToolCall("c", "look", {"at": "a"}))
        await bench.ctx.call_tool(ToolCall("c", "look", {"at": "a"}))
        return bench

    bench = anyio.run(main)
    assert slow.calls == ["a", "a"]
    assert not bench.run.shared


def test_calls_with_effects_are_each_made() -> None:
    slow = Slow(pure=False)
    anyio.run(Bench(tools=[slow.tool]).ctx.call_tools, [ToolCall(str(n), "look", {"at": "a"}) for n in range(3)])
    assert slow.calls == ["a"] * 3


def test_a_failure_is_shared_and_a_refused_batch_leaves_nobody_waiting() -> None:
    slow = Slow(fail=True)
    results = anyio.run(Bench(tools=[slow.tool]).ctx.call_tools, [ToolCall(str(n), "look", {"at": "a"}) for n in "12"])
    assert [result.status for result in results] == ["error", "error"]
    assert len(slow.calls) == 1
    bench = Bench(tools=[Slow().tool], budget={"tool_calls": 0})
    for _ in range(2):
        with pytest.raises(BudgetExceeded):
            anyio.run(bench.ctx.call_tools, [ToolCall(n, "look", {"at": "a"}) for n in "12"])
    assert not bench.run.shared


def test_a_call_whose_leader_is_cancelled_does_not_hang() -> None:
    async def main() -> str:
        started = anyio.Event()

        async def forever(given: Any) -> str:
            started.set()
            await anyio.sleep_forever()
            return ""

        bench = Bench(tools=[Tool("look", "Look.", ANY, forever, pure=True)])
        one, other = await bench.ctx.spawn(), await bench.ctx.spawn()
        told: list[str] = []

        async def follow() -> None:
            told.append((await other.call_tool(ToolCall("c", "look", {}))).status)

        async with anyio.create_task_group() as outer, anyio.create_task_group() as leading:
            leading.start_soon(one.call_tool, ToolCall("c", "look", {}))
            await started.wait()
            outer.start_soon(follow)
            await anyio.sleep(0.01)
            leading.cancel_scope.cancel()
        return told[0]

    assert anyio.run(main) == "unknown"


@given(
    plan=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=12), seed=st.integers(0, 99)
)
def test_sharing_never_changes_results_or_passes_the_budget(plan: list[tuple[str, bool]], seed: int) -> None:
    """Whatever is called at once: results as if each were made, payments as many as were made."""
    rng = random.Random(seed)
    tools = {pure: Slow(pure=pure) for pure in (True, False)}
    named = [Tool(f"look_{pure}", "Look.", ANY, tools[pure].run, price=Decimal("0.1"), pure=pure) for pure in tools]
    bench = Bench(ScriptedModel([]), tools=named, budget={"usd": "100"})
    calls = [ToolCall(str(place), f"look_{pure}", {"at": at}) for place, (at, pure) in enumerate(plan)]
    rng.shuffle(calls)
    results = anyio.run(bench.ctx.call_tools, calls)
    assert [result.text for result in results] == [f"seen {asked.arguments['at']}" for asked in calls]  # type: ignore[index]
    made = sum(len(one.calls) for one in tools.values())
    assert bench.account.spent["usd"] == Decimal("0.1") * made
    assert len(tools[True].calls) == len(set(tools[True].calls))
    assert len(tools[False].calls) == sum(not pure for _, pure in plan)
    assert len(bench.events) == len(plan)
