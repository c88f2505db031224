"""The door to records: metered outside a memory, part of what a memory does inside it."""

from __future__ import annotations

import pytest

from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded
from scrimp.core.protocols import Query, Recall
from scrimp.core.records import Record
from scrimp.core.task import Episode
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio


class Keeper:
    """A memory that keeps episodes as they are."""

    async def write(self, episode: Episode, ctx: Context) -> None:
        await ctx.store(episode.owner, "keeper").put([Record(text=episode.text, sources=(episode.source,))])

    async def manage(self, ctx: Context) -> None: ...

    async def read(self, query: Query, ctx: Context) -> Recall:
        found = await ctx.store(query.owner, "keeper").match(query.text, 3)
        return Recall("\n".join(one.item.text for one in found), tuple(one.item.sources[0] for one in found))


async def test_outside_a_memory_each_access_is_an_event() -> None:
    bench = Bench(budget={"memory_accesses": 3, "stored_bytes": 100})
    records = bench.ctx.store("ann", "skills")
    (id,) = await records.put([Record(text="walrus")])
    assert [one.item.id for one in await records.match("walrus", 1)] == [id]
    kinds = [(event.kind, event.component, event.phase) for event in bench.events]
    assert kinds == [("memory_write", "memory", "write"), ("memory_read", "memory", "read")]
    assert bench.account.spent == {"memory_accesses": 2, "stored_bytes": 6}
    with pytest.raises(BudgetExceeded, match="stored_bytes"):
        await records.put([Record("too large", "x" * 95)])
    assert await records.get(["too large"]) == []


async def test_inside_a_memory_they_belong_to_its_own_access() -> None:
    bench = Bench(memory=Keeper(), budget={"memory_accesses": 4, "stored_bytes": 30})
    await bench.ctx.remember(Episode("Ann has a walrus", "ann", "s1"))
    recalled = await bench.ctx.recall(Query("walrus?", "ann", 100))
    assert (recalled.text, recalled.sources) == ("Ann has a walrus", ("s1",))
    assert [event.kind for event in bench.events if event.kind != "spend"] == ["memory_write", "memory_read"]
    assert bench.account.spent == {"memory_accesses": 2, "stored_bytes": 16}
    with pytest.raises(BudgetExceeded, match="stored_bytes"):
        await bench.ctx.remember(Episode("Ann has another walrus", "ann", "s2"))


async def test_a_new_record_gets_the_same_id_in_the_same_place() -> None:
    ids = []
    for _ in range(2):
        bench = Bench(run_id="run")
        ids.append(await bench.ctx.store().put([Record(text="a"), Record(text="a")]))
        ids[-1] += await (await bench.ctx.spawn()).store().put([Record(text="a")])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3
