"""The other doors: memory, environment, messages, children, time and chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import anyio
import pytest

from scrimp.core.budget import Budget
from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded, DoorClosed
from scrimp.core.messages import Message, Request, ToolCall, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Query, Recall
from scrimp.core.registry import Card
from scrimp.core.task import Episode, Task
from scrimp.core.tool import Tool, ToolResult
from scrimp.core.usage import Usage
from scrimp.testing import Bench, FakeClock, ScriptedModel

ASK = Prompt("ask", 1, "Answer.")


class Notebook:
    """A memory that asks a model to note what it is told, and embeds what it is asked."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    async def write(self, episode: Episode, ctx: Any) -> None:
        self.notes.append((await ctx.complete([user(episode.text)], prompt=Prompt("note", 1, ""))).text)

    async def manage(self, ctx: Any) -> None: ...

    async def read(self, query: Query, ctx: Any) -> Recall:
        await ctx.embed([query.text])
        return Recall("; ".join(self.notes), ("s",))


def test_a_memory_is_metered_from_the_inside_too() -> None:
    async def main() -> None:
        bench = Bench(ScriptedModel(["noted 记下"]), memory=Notebook(), budget={"memory_accesses": 2})
        await bench.ctx.remember(Episode("Ann lives in Oslo."))
        assert await bench.ctx.recall(Query("Ann")) == Recall("noted 记下", ("s",))
        note, write, embed, read = bench.events
        assert (note.kind, note.component, note.phase, note.parent) == ("model", "memory", "write", write.id)
        assert (embed.kind, embed.component, embed.phase, embed.parent) == ("embed", "memory", "read", read.id)
        assert (write.kind, write.component, write.phase) == ("memory_write", "memory", "write")
        assert (read.kind, read.component, read.phase) == ("memory_read", "memory", "read")
        assert [event.key.span for event in bench.events] == ["/0", "/", "/1", "/"]
        ledger = bench.ledger
        assert ledger.components["memory"] == ledger.total == ledger.terms["memory"]
        assert ledger.phases["write"].tokens == note.usage
        assert bench.account.spent["memory_accesses"] == 2
        with pytest.raises(BudgetExceeded):
            await bench.ctx.recall(Query("Ann"))

    anyio.run(main)


def test_time_inside_a_memory_is_counted_once() -> None:
    async def main() -> None:
        clock = FakeClock()
        bench = Bench(ScriptedModel(["x"], latency=2.0, sleep=clock.sleep), memory=Notebook(), clock=clock)
        await bench.ctx.remember(Episode("x"))
        inner, outer = bench.events
        assert (inner.busy_us, outer.busy_us) == (2_000_000, 0)
        assert bench.ledger.to_json()["total"]["busy_seconds"] == "2"

    anyio.run(main)


def test_without_a_memory_nothing_happens() -> None:
    async def main() -> None:
        bench = Bench()
        assert await bench.ctx.recall(Query("x")) == Recall()
        await bench.ctx.remember(Episode("x"))
        assert bench.events == []

    anyio.run(main)


def test_a_memory_that_breaks_is_counted_and_tells_its_own_error() -> None:
    class Broken(Notebook):
        async def read(self, query: Query, ctx: Any) -> Recall:
            raise KeyError("index")

    bench = Bench(memory=Broken(), budget={"memory_accesses": 5})
    with pytest.raises(KeyError, match="index"):
        anyio.run(bench.ctx.recall, Query("x"))
    assert bench.account.spent["memory_accesses"] == 1
    assert [(event.kind, event.status) for event in bench.events] == [("memory_read", "cut")]
    assert not bench.open_calls()


# -- the world and the others ----------------------------------------------------------------------


@dataclass
class Room:
    name: str = "room"
    seen: list[Mapping[str, Any]] = field(default_factory=list)

    async def reset(self, task: Task) -> str:
        return "a room"

    async def step(self, action: Mapping[str, Any], ctx: Context) -> ToolResult:
        self.seen.append(action)
        return ToolResult(f"{len(self.seen)} 步")

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        self.seen.append(action)

    async def clone(self) -> Room:
        return Room(seen=list(self.seen))

    def state(self) -> Mapping[str, Any]:
        return {"steps": len(self.seen)}


class Cut:
    """A transform that leaves nothing of a message."""

    card = Card("cut", "transform", "Cut")

    def apply(self, request: Request) -> Request:
        return replace(request, messages=(user("cut"),))

    def cost(self, request: Request) -> Usage:
        return Usage()


@dataclass
class Pigeon:
    sent: list[tuple[str, str, str]] = field(default_factory=list)

    async def deliver(self, sender: str, receiver: str, message: Message) -> None:
        self.sent.append((sender, receiver, message.text))


def test_acting_in_an_environment() -> None:
    async def main() -> None:
        bench = Bench(environment=Room())
        assert (await bench.ctx.act({"go": "north"})).text == "1 步"
        other = Room()
        child = await bench.ctx.spawn(environment=other)
        await child.act({"go": "south"})
        assert len(other.seen) == 1
        assert {(event.kind, event.name) for event in bench.events} == {("environment", "room")}
        assert bench.ledger.terms["tools"].calls == 2

    anyio.run(main)


def test_a_tool_that_acts_is_a_step_in_the_environment_of_its_place() -> None:
    async def main() -> None:
        bench = Bench(environment=Room(), tools=[Tool("go", "Go somewhere.", {"type": "object"}, acts=True)])
        calls = [ToolCall("1", "go", {"to": "north"}), ToolCall("2", "go", {"to": "south"})]
        assert [seen.text for seen in await bench.ctx.call_tools(calls)] == ["1 步", "2 步"]
        child = await bench.ctx.spawn(environment=Room())
        assert (await child.call_tool(ToolCall("3", "go", {"to": "east"}))).text == "1 步"
        assert bench.means.environment.state() == {"steps": 2}  # type: ignore[union-attr]
        assert {event.kind for event in bench.events} == {"tool"}

    anyio.run(main)


def test_a_tool_that_acts_needs_an_environment() -> None:
    async def main() -> None:
        bench = Bench(tools=[Tool("go", "Go somewhere.", {"type": "object"}, acts=True)])
        seen = await bench.ctx.call_tool(ToolCall("1", "go", {}))
        assert seen.status == "error"
        assert "only a description" in seen.text

    anyio.run(main)


def test_sending_a_message() -> None:
    async def main() -> None:
        pigeon = Pigeon()
        bench = Bench(post=pigeon, budget={"messages": 1, "message_tokens": 100})
        ann = await bench.ctx.spawn("ann", component="team")
        await ann.send("ben", user("你好"))
        assert pigeon.sent == [("ann", "ben", "你好")]
        (event,) = bench.events
        assert (event.kind, event.component, event.name, event.agent) == ("message", "team", "ben", "ann")
        assert bench.account.spent == {"messages": 1, "message_tokens": 6}
        with pytest.raises(BudgetExceeded):
            await ann.send("ben", user("again"))

    anyio.run(main)


def test_a_closed_door_says_what_would_open_it() -> None:
    async def main() -> None:
        ctx = Bench(store=None).ctx
        with pytest.raises(DoorClosed, match=r"ctx\.hidden.*white-box"):
            await ctx.hidden([])
        with pytest.raises(DoorClosed, match=r"ctx\.store"):
            ctx.store()
        with pytest.raises(DoorClosed, match=r"ctx\.act.*environment"):
            await ctx.act({})
        with pytest.raises(DoorClosed, match=r"ctx\.send.*team"):
            await ctx.send("x", user("x"))

    anyio.run(main)


# -- children --------------------------------------------------------------------------------------


def test_children_are_numbered_where_they_are_made() -> None:
    async def main() -> None:
        bench = Bench()
        first, second = await bench.ctx.spawn("a"), await bench.ctx.spawn("b")
        grandchild = await second.spawn()
        for ctx in (grandchild, second, first, bench.ctx, grandchild):
            await ctx.complete([user("q")], prompt=ASK)
        keys = [(event.key.span, event.key.ordinal, event.agent) for event in bench.events]
        assert keys == [("/1/0", 0, "b"), ("/1", 0, "b"), ("/0", 0, "a"), ("/", 0, ""), ("/1/0", 1, "b")]

    anyio.run(main)


def test_a_slice_is_given_back_and_a_shared_budget_stays_open() -> None:
    async def main() -> None:
        bench = Bench(budget={"tool_calls": 10})
        sliced = await bench.ctx.spawn(budget=Budget(tool_calls=4))
        assert bench.ctx.remaining() == {"tool_calls": 6}
        await sliced.call_tool(ToolCall("1", "none", {}))
        await sliced.close()
        assert bench.ctx.remaining() == {"tool_calls": 9}
        sharing = await bench.ctx.spawn()
        await sharing.close()
        await bench.ctx.call_tool(ToolCall("2", "none", {}))
        assert bench.ctx.remaining() == {"tool_calls": 8}

    anyio.run(main)


def test_components_of_children() -> None:
    async def main() -> None:
        bench = Bench()
        await bench.ctx.child("answer").complete([user("q")], prompt=ASK)
        await (await bench.ctx.spawn(component="team")).complete([user("q")], prompt=ASK)
        assert [event.component for event in bench.events] == ["answer", "team"]

    anyio.run(main)


# -- time, chance, progress ------------------------------------------------------------------------


def test_the_time_is_written_down() -> None:
    async def main() -> None:
        bench = Bench()
        before = await bench.ctx.now()
        bench.clock.advance(60)
        assert await bench.ctx.now() - before == 60
        assert [event.kind for event in bench.events] == ["now", "now"]
        assert [response for _, _, response in bench.witness.events] == [before, before + 60]
        assert bench.ledger.total.calls == 0

    anyio.run(main)


def test_chance_depends_on_the_seed_and_the_place_only() -> None:
    async def numbers(seed: int) -> list[float]:
        ctx = Bench(seed=seed).ctx
        child = await ctx.spawn()
        return [ctx.random().random(), ctx.random().random(), child.random().random()]

    one, again, other = (anyio.run(numbers, seed) for seed in (1, 1, 2))
    assert one == again
    assert len({*one, *other}) == 6


def test_steps_are_counted_and_limited() -> None:
    async def main() -> None:
        bench = Bench(budget={"steps": 2})
        assert [await bench.ctx.step(), await bench.ctx.step()] == [1, 2]
        with pytest.raises(BudgetExceeded, match="steps=2"):
            await bench.ctx.step()
        assert bench.run.steps == 2
        await bench.ctx.complete([user("q")], prompt=ASK)
        assert bench.events[0].round == 2

    anyio.run(main)


def test_what_is_left() -> None:
    bench = Bench(budget={"tokens": 100, "seconds": 30, "request_tokens": 50}, last_share=Decimal("0.1"))
    bench.clock.advance(10)
    assert bench.ctx.remaining() == {"tokens": 90, "seconds": 20}
    assert bench.ctx.estimate("three short words") == 3
    assert bench.ctx.capabilities().window == 131072


def test_what_is_kept_for_the_end() -> None:
    ctx = Bench().ctx
    assert ctx.kept[1] == ()
    messages = [user("a")]
    ctx.keep(messages, "best so far")
    messages.append(user("b"))
    answer, kept = ctx.kept
    assert (answer.text, answer.partial, [message.text for message in kept]) == ("best so far", True, ["a"])


def test_a_tool_call_inside_a_child_waits_for_its_sibling() -> None:
    """Two children want the only model call that is left; one gets what the other gives back."""

    async def main() -> None:
        def describe(arguments: Mapping[str, Any]) -> str:
            return "ok"

        tool = Tool("t", "d", {"type": "object"}, describe, inline=True, price=Decimal("0.6"))
        bench = Bench(tools=[tool], budget={"usd": 1})
        one, other = await bench.ctx.spawn(), await bench.ctx.spawn()
        ends: list[str] = []

        async def work(ctx: Any, name: str) -> None:
            try:
                await ctx.call_tool(ToolCall("1", name, {}))
                ends.append(f"{name} done")
            except BudgetExceeded:
                ends.append(f"{name} refused")

        async with anyio.create_task_group() as group:
            group.start_soon(work, one, "t")
            group.start_soon(work, other, "t")
        assert sorted(ends) == ["t done", "t refused"]

    anyio.run(main)


def test_what_a_world_asks_of_a_model_is_the_harnesss() -> None:
    class Talks(Room):
        async def step(self, action: Mapping[str, Any], ctx: Context) -> ToolResult:
            said = await ctx.complete([user("Who is there, and why? " * 40)], prompt=ASK, model="user")
            return ToolResult(said.text)

    async def main() -> None:
        player = ScriptedModel(["It is me."])
        talk = Tool("talk", "Talk to the user.", {"type": "object"}, acts=True)
        bench = Bench({"main": ScriptedModel(["x"]), "user": player}, tools=[talk], environment=Talks(),
                      transforms=(Cut(),), budget={"tokens": 60, "tool_calls": 1, "request_tokens": 50})  # fmt: skip
        assert (await bench.ctx.call_tool(ToolCall("1", "talk", {}))).text == "It is me."
        assert len(player.requests[0].messages[0].text) > 800, "no transform of the System shapes it"
        assert bench.ledger.total.tokens.total == 0
        assert bench.ledger.harness.calls == 1
        assert bench.account.remaining()["tokens"] == 60, "the agent's budget does not pay for it"

    anyio.run(main)
