"""Every key of a budget is kept by a door, and what remains is the same when a run is repeated or goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.agent import Agent, Result
from scrimp.core import registry
from scrimp.core.budget import KEYS, Budget
from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded, InputError, ModelFailed, UnknownPrice
from scrimp.core.messages import Message, ToolCall, user
from scrimp.core.money import PriceList
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Episode, Query, Recall
from scrimp.core.registry import Card
from scrimp.core.system import System
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.journal.journal import Journal
from scrimp.outfit import Parts
from scrimp.testing import PRICES, Bench, ScriptedModel, WordEmbedder
from scrimp.testing.prices import EMBEDDING_RATES, RATES

ASK = Prompt("ask", 1, "Ask.")


class Ledge:
    """A memory that says how many bytes it stores."""

    async def write(self, episode: Episode, ctx: Context) -> None:
        await ctx.spend(stored_bytes=len(episode.text.encode()))

    async def manage(self, ctx: Context) -> None: ...

    async def read(self, query: Query, ctx: Context) -> Recall:
        return Recall("")


class Postman:
    async def deliver(self, sender: str, receiver: str, message: Message) -> None: ...


Act = Callable[[Context], Awaitable[Any]]


def tool(name: str) -> Act:
    return lambda ctx: ctx.call_tool(ToolCall("1", name, {}))


def ask(ctx: Context) -> Awaitable[Any]:
    return ctx.complete([user("x")], prompt=ASK)


def tell(ctx: Context) -> Awaitable[Any]:
    return ctx.send("ann", user("你好"))


# By key: a limit that bears one act but not two, and the act.
ACTS: dict[str, tuple[Any, Act]] = {
    "usd": ("0.00002", lambda ctx: ctx.complete([user("x")], prompt=ASK, max_output=1, min_output=1)),
    "tokens": (35, lambda ctx: ctx.embed(["30 bytes, counted byte by byte"])),
    "model_calls": (1, ask),
    "tool_calls": (1, tool("look")),
    "tool_calls.search": (1, tool("search")),
    "memory_accesses": (1, lambda ctx: ctx.recall(Query("x"))),
    "messages": (1, tell),
    "message_tokens": (9, tell),
    "nodes": (5, lambda ctx: ctx.spend(nodes=3)),
    "stored_bytes": (9, lambda ctx: ctx.remember(Episode("记下"))),
    "steps": (1, lambda ctx: ctx.step()),
}
ELSEWHERE = {"seconds", "request_tokens"}  # no sums: tests/core/context, and tests/faults/test_experiment_budget.py


def test_no_key_is_forgotten() -> None:
    assert {*ACTS, *ELSEWHERE} == {*KEYS, "tool_calls.search"}


@pytest.mark.parametrize("key", ACTS)
def test_a_door_keeps(key: str) -> None:
    limit, act = ACTS[key]
    tools = [Tool(name, "", {"type": "object"}, lambda given: "x", inline=True) for name in ("look", "search")]
    bench = Bench(
        ScriptedModel(["x"], repeat=True), tools=tools, budget={key: limit}, memory=Ledge(), post=Postman()
    )  # fmt: skip
    if key == "tool_calls.search":

        async def main() -> None:
            await tool("look")(bench.ctx)  # others are not limited
            await both()
    else:

        async def main() -> None:
            await both()

    async def both() -> None:
        whole = bench.ctx.remaining()[key]
        await act(bench.ctx)
        left = bench.ctx.remaining()[key]
        assert left < whole
        assert bench.account.spent[key] == whole - left > 0
        for _ in range(3):
            with pytest.raises(BudgetExceeded) as caught:
                await act(bench.ctx)
            assert caught.value.key == key
        assert bench.run.held_back == {key}
        assert bench.ctx.remaining()[key] == left, "a refusal costs nothing"
        assert not bench.open_calls()
        assert not bench.witness.faults

    anyio.run(main)


@pytest.mark.parametrize("amounts", [{}, {"tokens": 1}, {"nodes": -1}, {"nodes": 1, "usd": 1}])
def test_a_method_can_spend_only_what_no_door_sees(amounts: Mapping[str, Any]) -> None:
    async def main() -> None:
        with pytest.raises(InputError, match=r"ctx\.spend"):
            await Bench().ctx.spend(**amounts)

    anyio.run(main)


def test_nodes_and_bytes_are_counts_and_no_calls() -> None:
    async def main() -> None:
        bench = Bench(budget={"nodes": 3, "stored_bytes": 10})
        await bench.ctx.spend(nodes=2, stored_bytes=7)
        assert bench.ctx.remaining() == {"nodes": 1, "stored_bytes": 3}
        with pytest.raises(BudgetExceeded, match="nodes=3"):
            await bench.ctx.spend(nodes=2, stored_bytes=1)
        assert bench.ctx.remaining() == {"nodes": 1, "stored_bytes": 3}, "both or none"
        assert bench.ledger.total.calls == 0
        assert bench.events[0].charged == (("nodes", 2), ("stored_bytes", 7))

    anyio.run(main)


# -- what remains ----------------------------------------------------------------------------------


def test_what_remains_is_the_least_of_a_slice_and_of_what_is_around_it() -> None:
    async def main() -> None:
        bench = Bench(budget={"tokens": 1000, "usd": "0.1", "nodes": 9, "seconds": 30}, last_share=Decimal("0.1"))
        child = await bench.ctx.spawn(budget=Budget(tokens=600, steps=2))
        assert child.remaining() == {"tokens": 600, "steps": 2, "usd": Decimal("0.09"), "nodes": 9, "seconds": 30}
        assert bench.ctx.remaining()["tokens"] == 300, "900 without the last slice, 600 set aside"
        await child.spend(nodes=4)
        assert child.remaining()["nodes"] == bench.ctx.remaining()["nodes"] == 5
        bench.clock.advance(10)
        assert child.remaining()["seconds"] == 20
        await child.close()
        assert bench.ctx.remaining() == {"tokens": 900, "usd": Decimal("0.09"), "nodes": 5, "seconds": 20}

    anyio.run(main)


@pytest.mark.parametrize("key", ["seconds", "request_tokens"])
def test_a_slice_does_not_pretend_to_limit_what_it_cannot(key: str) -> None:
    async def main() -> None:
        with pytest.raises(InputError, match=f"a slice cannot limit {key}"):
            await Bench().ctx.spawn(budget=Budget({key: 5}))

    anyio.run(main)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


SEEN: list[dict[str, Any]] = []


class Careful:
    """A planner that uses up sizes, asks, and looks at what remains before each call."""

    card = Card("careful", "planner", "Careful")

    async def solve(self, task: Task, ctx: Context) -> Answer:
        await ctx.spend(nodes=3)
        await ctx.remember(Episode("记下 this"))
        SEEN.append(ctx.remaining())
        text = (await ctx.complete([user(f"left: {ctx.remaining()['nodes']}")], prompt=ASK)).text
        try:
            await ctx.spend(nodes=3)
        except BudgetExceeded:
            return Answer(f"{text}, no node left", partial=True)
        return Answer(text)


@pytest.fixture
def careful(monkeypatch: pytest.MonkeyPatch) -> System:
    load = registry.load
    for module in ("scrimp.core.registry", "scrimp.outfit", "scrimp.core.system"):
        monkeypatch.setattr(f"{module}.load", lambda family, name: Careful if name == "careful" else load(family, name))
    SEEN.clear()
    return System(planner="careful")


STORED = len("记下 this".encode()) + len(b"Task: t\nAnswer: x, no node left")
LIMITS = Budget(nodes=5, stored_bytes=400, memory_accesses=4, tokens=5000, seconds=60)


def agent(journal: Journal, system: System, *answers: Any) -> Agent:
    model = ScriptedModel(list(answers))
    return Agent(system, budget=LIMITS, parts=Parts({"main": model}, prices=PRICES, memory=Ledge()), journal=journal)


def without_time(seen: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in seen.items() if key != "seconds"}


def test_what_remains_is_the_same_on_a_replay(journal: Journal, careful: System) -> None:
    first = agent(journal, careful, "x").run("t")
    assert (first.status, first.answer, first.stopped_by) == ("budget", "x, no node left", "nodes")
    assert first.budget["stored_bytes"]["spent"] == STORED
    again: Result = anyio.run(agent(journal, careful).replay, first.run)
    assert without_time(SEEN[0]) == without_time(SEEN[1])
    assert SEEN[0].keys() == SEEN[1].keys(), "the key of the clock is there, too"
    assert (again.answer, again.stopped_by, again.budget) == (first.answer, first.stopped_by, first.budget)


def test_what_a_memory_stored_is_still_spent_when_the_run_goes_on(journal: Journal, careful: System) -> None:
    """On a resume the memory is not asked again, so the bytes it stored must be known from the journal."""
    failed = agent(journal, careful, ModelFailed("gone", sent=False)).run("t")
    assert failed.status == "error"
    result = anyio.run(agent(journal, careful, "x").resume, failed.run)
    assert without_time(SEEN[0]) == without_time(SEEN[1])
    assert (result.status, result.stopped_by) == ("budget", "nodes")
    assert result.budget["stored_bytes"]["spent"] == STORED
    assert result.budget["nodes"]["spent"] == 3


# -- unknown is not free ---------------------------------------------------------------------------


def refused(system: System, prices: PriceList, *tools: Tool, budget: Budget | None = None, **parts: Any) -> str:
    """What a run is refused with, before anything is asked."""
    models = {"main": ScriptedModel(["x"]), **parts.pop("models", {})}
    mine = Agent(system, tools=tools, budget=budget or Budget(usd=1), parts=Parts(models, prices=prices, **parts))
    with pytest.raises(UnknownPrice) as caught:
        mine.run("x")
    assert not models["main"].requests
    assert not mine.journal.runs()
    mine.journal.close()
    return str(caught.value)


def test_an_unknown_price_is_refused_before_the_first_call(scrimp_home: Path) -> None:
    system = System(planner="react")
    bare = PriceList("bare", "2026-01-01")
    known = PriceList("known", "2026-01-01", models={"scripted": RATES})
    free = Tool("outside", "", {"type": "object"}, lambda given: "x", price=None)
    assert "a price for model 'scripted' (give one with --prices FILE)" in refused(system, bare)
    assert "a price for embedder 'words'" in refused(system, known, embedder=WordEmbedder())
    assert "a price for tool 'outside'" in refused(system, known, free)
    small = {"small": ScriptedModel(["x"], name="other")}
    two = system.with_(models={"small": "scripted:other"})
    assert "a price for model 'other'" in refused(two, known, models=small)
    every = refused(two, bare, free, models=small, embedder=WordEmbedder())
    assert "model 'scripted', model 'other', embedder 'words', tool 'outside'" in every


def test_what_is_priced_or_not_limited_runs(scrimp_home: Path) -> None:
    prices = PriceList(
        "all", "2026-01-01", models={"scripted": RATES}, tools={"outside": Decimal(0)},
        reference_embedding=EMBEDDING_RATES,
    )  # fmt: skip
    free = Tool("outside", "", {"type": "object"}, lambda given: "x", price=None)
    for limits, list_ in ((Budget(usd=1), prices), (Budget(tokens=5000), PriceList("bare", "2026-01-01"))):
        parts = Parts({"main": ScriptedModel(["x"])}, WordEmbedder(), prices=list_)
        mine = Agent(System(planner="react"), tools=[free], budget=limits, parts=parts)
        assert mine.run("x").status == "done"
        mine.journal.close()
