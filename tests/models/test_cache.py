"""The exact cache: the same request is never paid twice, and what a hit would have cost is still known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scrimp.core.errors import JournalFailed
from scrimp.core.messages import Delta, Request, Response, TokenLogprob, ToolCall, fold, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models.cache import Answers, CachedModel
from scrimp.testing.harness import Bench

ASK = Request((user("你好"),), max_output=20)
CALL = ToolCall("1", "f", {"x": "值"})
WHOLE = (
    Delta("a", (CALL,), (TokenLogprob("a", -0.5, (("b", -1.0),)),)),
    Delta(finish="stop", usage=Usage(9, output=3)),
)


class Counting:
    """Says the same each time, and counts how often it was asked."""

    name = "dear"
    capabilities = Capabilities()

    def __init__(self, *deltas: Delta) -> None:
        self.deltas, self.asked = deltas or WHOLE, 0

    def bound(self, request: Request) -> Usage:
        return Usage(input=50, output=request.max_output or 0)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.asked += 1
        for delta in self.deltas:
            yield delta


def ask(model: CachedModel, request: Request = ASK) -> Response:
    async def run() -> Response:
        return fold([delta async for delta in model.stream(request)])

    return asyncio.run(run())


@pytest.mark.parametrize("kept", [True, False])
def test_a_hit_costs_nothing_and_says_what_it_had_used(tmp_path: Path, kept: bool) -> None:
    inner = Counting()
    model = CachedModel(inner, Answers(tmp_path / "cache" / "a.sqlite" if kept else None))
    first, second = ask(model), ask(model)
    assert inner.asked == 1
    assert (first.usage, first.replayed) == (Usage(9, output=3), None)
    assert (second.usage, second.replayed, second.reported_cost) == (NO_USAGE, Usage(9, output=3), "0")
    assert (second.message, second.finish, second.logprobs) == (first.message, first.finish, first.logprobs)
    assert Response.from_json(second.to_json()) == second
    asyncio.run(model.aclose())


def test_another_process_finds_the_answer(tmp_path: Path) -> None:
    ask(CachedModel(Counting(), Answers(tmp_path / "a.sqlite")))
    again = Counting()
    assert ask(CachedModel(again, Answers(tmp_path / "a.sqlite"))).replayed == Usage(9, output=3)
    assert again.asked == 0


def test_anything_else_is_asked_anew() -> None:
    inner = Counting()
    model = CachedModel(inner)
    for request in (ASK, ASK.with_(max_output=21), ASK.with_(messages=(user("你"),)), ASK.with_(seed=3)):
        ask(model, request)
    assert inner.asked == 4
    sampled = ASK.with_(temperature=0.7)
    assert [ask(model, sampled).replayed for _ in range(2)] == [None, None]
    seeded = ASK.with_(temperature=0.7, seed=1)
    assert [ask(model, seeded).replayed is None for _ in range(2)] == [True, False]
    other = Counting()
    other.name = "cheap"
    assert ask(CachedModel(other, model.answers)).replayed is None


@pytest.mark.parametrize(
    "deltas", [(Delta("half"),), (Delta("x"), Delta(finish="error", usage=Usage(1))), (Delta("x", finish="stop"),)]
)
def test_what_is_not_a_whole_answer_is_not_kept(deltas: tuple[Delta, ...]) -> None:
    inner = Counting(*deltas)
    model = CachedModel(inner)
    ask(model)
    ask(model)
    assert inner.asked == 2


def test_in_a_run_a_hit_is_metered_at_nothing_and_its_reservation_is_given_back() -> None:
    scene = Bench(CachedModel(Counting()), budget={"usd": "0.01"})

    async def run() -> list[Response]:
        prompt = Prompt("p", 1, "")
        return [await scene.ctx.complete([user("hello")], prompt=prompt, max_output=20) for _ in range(2)]

    first, second = asyncio.run(run())
    paid = Decimal("0.00021")
    assert [event.money.amount for event in scene.events] == [paid, 0]
    assert [event.status for event in scene.events] == ["ok", "ok"]
    assert scene.account.spent["usd"] == paid
    assert scene.events[1].usage == NO_USAGE
    assert second.replayed == first.usage
    answer: Any = scene.witness.events[1][2]
    assert answer["replayed"]["input"] == 9  # the journal knows what the list price would have been


def test_a_file_that_is_no_cache(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_text("this is not a database, whatever its name says" * 50, encoding="utf-8")
    with pytest.raises(JournalFailed, match=r"a\.sqlite"):
        Answers(path)
