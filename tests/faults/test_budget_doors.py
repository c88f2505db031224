"""Trials of 64 tasks at once through the real doors of a Context, on virtual time.

tests/faults/test_budget_trials.py tries accounts; here whole calls are made: models that answer at length, fail before
and after they were sent or hang, streams that are left in the middle, batches of tools, a memory that asks a model
inside a call, slices inside slices, and cancellation anywhere. After every reservation and every commit all accounts
are looked at. In the end nothing may be open, and the ledger must equal the account to the last digit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import anyio
import pytest

from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded, ModelFailed
from scrimp.core.events import Event, ListSink
from scrimp.core.messages import Request, ToolCall, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Episode, Query, Recall
from scrimp.core.tool import Tool
from scrimp.testing import Bench, ScriptedModel
from tests.support import virtual

TASKS = 64
ASK = Prompt("ask", 1, "Ask.")
NEVER = 1e9  # seconds

Record = Callable[[str, object], None]


class Watch(ListSink):
    """Looks at every account of the tree whenever something is reserved or committed."""

    def __init__(self) -> None:
        super().__init__()
        self.account: LocalAccount | None = None
        self.over: list[str] = []

    def look(self) -> None:
        pots = [self.account] if self.account is not None else []
        for pot in pots:
            pots += pot._slices
            for key, row in pot.balance().items():
                if row["spent"] + row["reserved"] > row["limit"] or min(row["spent"], row["reserved"]) < 0:
                    self.over.append(f"{key}: {row}")

    async def reserve(self, worst: Event, amounts: Any) -> None:
        self.look()

    async def commit(self, event: Event, request: Any, response: Any) -> None:
        self.look()


class Notes:
    """A memory that thinks before it writes, and while it reads: calls inside calls."""

    async def write(self, episode: Episode, ctx: Context) -> None:
        await ctx.complete([user(episode.text)], prompt=ASK, max_output=80)
        await ctx.spend(stored_bytes=len(episode.text.encode()))

    async def manage(self, ctx: Context) -> None: ...

    async def read(self, query: Query, ctx: Context) -> Recall:
        await ctx.embed([query.text])
        async with anyio.create_task_group() as group:
            for child in [await ctx.spawn(), await ctx.spawn()]:
                group.start_soon(_quietly, child, "asks")
        return Recall("seen")


async def _quietly(ctx: Context, what: str) -> None:
    try:
        await ctx.complete([user(what)], prompt=ASK, max_output=60)
    except (BudgetExceeded, ModelFailed):
        return


@dataclass
class Trial:
    """One trial, all of it drawn from a seed."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng, self.watch = Random(self.seed), Watch()
        scale = self.rng.choice((0.02, 0.1, 0.4))
        limits = {
            "usd": Decimal(str(round(0.06 * scale, 6))),
            "tokens": int(60_000 * scale),
            "model_calls": int(200 * scale) + 1,
            "tool_calls.search": int(60 * scale) + 1,
            "stored_bytes": int(2000 * scale),
        }
        kept = [key for key in limits if self.rng.random() < 0.6] or ["usd"]
        search = Tool("search", "", {"type": "object"}, self._search, price=Decimal("0.0001"), inline=True)
        self.bench = Bench(
            ScriptedModel(self._answer, latency=lambda request: self.rng.expovariate(0.5), chunks=4),
            tools=[search],
            budget={key: limits[key] for key in kept},
            memory=Notes(),
            sink=self.watch,
            clock=virtual.VirtualClock(),  # type: ignore[arg-type]
        )
        self.watch.account = self.bench.account

    def _answer(self, request: Request) -> Any:
        draw = self.rng.random()
        if draw < 0.06:
            return ModelFailed("no connection", sent=False)
        if draw < 0.1:
            return ModelFailed("lost", sent=True)
        return "word " * self.rng.randrange(1, 400)

    async def _search(self, given: Any) -> str:
        await anyio.sleep(self.rng.expovariate(0.5))
        if self.rng.random() < 0.1:
            raise ValueError("nothing found")
        return "found"

    async def go(self) -> Counter[str]:
        contexts = [await self.bench.ctx.spawn() for _ in range(TASKS)]
        async with anyio.create_task_group() as group:
            for ctx in contexts:
                group.start_soon(self._task, ctx, self.rng.uniform(0, 15), 0)
        await self.bench.run.wind_up()
        self._judge()
        return self.counts

    async def _task(self, ctx: Context, start: float, depth: int) -> None:
        await anyio.sleep(start)
        patience = self.rng.expovariate(0.3) if self.rng.random() < 0.15 else NEVER
        with anyio.move_on_after(patience) as scope:
            try:
                await self._acts(ctx, depth)
            except BudgetExceeded:
                self.counts["refused"] += 1
            except ModelFailed:
                self.counts["failed"] += 1
        self.counts["cancelled"] += scope.cancelled_caught

    async def _acts(self, ctx: Context, depth: int) -> None:
        if depth < 2 and self.rng.random() < 0.25:
            key, least = self.rng.choice((("tokens", 300), ("usd", Decimal("0.0005")), ("model_calls", 2)))
            child = await ctx.spawn(budget=Budget({key: least * self.rng.randrange(1, 9)}))
            self.counts["slices"] += 1
            try:
                inside = [await child.spawn() for _ in range(self.rng.randrange(1, 4))]
                async with anyio.create_task_group() as group:
                    for item in inside:
                        group.start_soon(self._task, item, 0.0, depth + 1)
            finally:
                await child.close()
        for _ in range(self.rng.randrange(1, 3)):
            await self.rng.choice((self._complete, self._complete, self._stream, self._tools, self._memory))(ctx)

    async def _complete(self, ctx: Context) -> None:
        await ctx.complete(
            [user("ask " * self.rng.randrange(1, 200))], prompt=ASK, max_output=self.rng.choice((50, 500))
        )

    async def _stream(self, ctx: Context) -> None:
        pieces = self.rng.randrange(1, 6)  # of four: some are left in the middle
        async for _ in ctx.stream([user("tell me")], prompt=ASK, max_output=400):
            pieces -= 1
            if not pieces:
                self.counts["streams cut"] += 1
                break

    async def _tools(self, ctx: Context) -> None:
        await ctx.call_tools([ToolCall(str(n), "search", {"n": n}) for n in range(self.rng.randrange(1, 5))])

    async def _memory(self, ctx: Context) -> None:
        if self.rng.random() < 0.5:
            await ctx.recall(Query("what is known"))
        else:
            await ctx.remember(Episode("something to remember 记住"))

    def _judge(self) -> None:
        bench, account = self.bench, self.bench.account
        self.watch.look()
        self.counts["calls"] += sum(event.kind not in ("decision", "now") for event in bench.events)
        self.counts["cut"] += sum(event.status == "cut" for event in bench.events)
        self.counts["overshoot"] += bool(self.watch.over)
        self.counts["leaks"] += len(bench.open_calls()) + sum(
            row["reserved"] != 0 for row in account.balance().values()
        )
        self.counts["leaks"] += len(account._waiters) + account._waiting
        total = bench.ledger.total
        booked = {"usd": total.cost.least, "tokens": total.tokens.total}
        self.counts["unequal"] += any(account.spent[key] != booked[key] for key in booked if key in account.limits)


def sweep(seeds: Iterable[int]) -> str:
    """Run the trials; the line that tells what came of them. Fails where a promise is broken."""
    total: Counter[str] = Counter()
    for seed in seeds:
        total["trials"] += 1
        try:
            total += virtual.run(lambda seed=seed: Trial(seed).go())  # type: ignore[misc]
        except virtual.Stuck:
            total["starved"] += 1
    names = ("calls", "slices", "refused", "failed", "cancelled", "streams cut", "cut", "overshoot", "leaks", "unequal")
    facts = ", ".join(f"{name} {total[name]}" for name in (*names, "starved"))
    line = f"budget, through the doors: trials {total['trials']} of {TASKS} tasks at once on virtual time, {facts}"
    assert not any(total[name] for name in ("overshoot", "leaks", "unequal", "starved")), line
    assert all(total[name] for name in names[:7]), f"too easy: {line}"
    return line


def test_through_the_doors_no_limit_is_passed(record_property: Record) -> None:
    record_property("shown", sweep(range(20)))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_five_hundred_trials_through_the_doors(record_property: Record) -> None:
    record_property("shown", sweep(range(1000, 1500)))
