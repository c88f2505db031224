"""MemoryBank: what is not recalled fades by the curve, recalling it resets the clock, days leave summaries."""

from __future__ import annotations

import itertools
import math

import pytest

from scrimp.core.protocols import Query
from scrimp.core.records import Filter, Record
from scrimp.core.task import Episode
from scrimp.memory.methods.memorybank import SCOPE, MemoryBank
from scrimp.memory.parts.forgetting import DAY, retention
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import conformance
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio
START = 1_900_000_000.0


def bench(**options: object) -> Bench:
    return Bench(ScriptedModel(["A short text."], repeat=True), memory=MemoryBank(**options))  # type: ignore[arg-type]


async def test_it_keeps_the_promises_of_a_memory() -> None:
    await conformance.memory(MemoryBank)


@pytest.mark.parametrize("strength", [1, 2, 4])
@pytest.mark.parametrize("days", [1, 5, 10])
async def test_turns_are_kept_with_the_chance_of_the_curve(days: int, strength: int) -> None:
    one = bench(scale=5.0)
    memory, records = one.means.memory, one.ctx.store("ann", SCOPE)
    count = 5000
    await records.put([
        Record(str(place), "x", "turn", {"day": "d", "strength": strength, "recalled": START}) for place in range(count)
    ])  # fmt: skip
    await memory._fade(records, START + days * DAY, one.ctx)  # type: ignore[union-attr]
    kept = await records.count(Filter(kinds=("turn",))) / count
    assert abs(kept - math.exp(-days / (5 * strength))) < 0.02


def test_a_stronger_memory_fades_more_slowly_and_none_grows_by_waiting() -> None:
    curve = [[retention(days * DAY, strength, 5.0) for days in range(40)] for strength in range(1, 6)]
    assert all(later <= earlier for row in curve for earlier, later in itertools.pairwise(row))
    assert all(b > a for weak, strong in itertools.pairwise(curve) for a, b in zip(weak[1:], strong[1:], strict=True))
    assert retention(-5.0, 1) == 1.0


async def test_recalling_a_turn_makes_it_stronger_and_starts_its_clock_anew() -> None:
    one = bench()
    for number in range(12):
        text = "Ann keeps a walrus" if number == 3 else f"small talk of day {number}"
        await one.ctx.remember(Episode(text, "ann", f"t{number}", START + number * DAY))
    records = one.ctx.store("ann", SCOPE)
    recalled = await one.ctx.recall(Query("walrus?", "ann", 500, START + 30 * DAY))
    assert "[2030-03-20] Ann keeps a walrus" in recalled.text
    turns = {turn.text: turn.data for turn in await records.scan(Filter(kinds=("turn",)))}
    assert turns["Ann keeps a walrus"]["strength"] == 2
    assert turns["Ann keeps a walrus"]["recalled"] == START + 30 * DAY
    assert sum(data["strength"] == 1 for data in turns.values()) >= 12 - 6


async def test_thirty_days_leave_summaries_and_half_of_the_store_or_less() -> None:
    one = bench()
    for day in range(30):
        await one.ctx.remember(Episode(f"fact {day} of that day", "ann", f"t{day}", START + day * DAY))
        await one.ctx.recall(Query("fact 2 of that day", "ann", 500, START + day * DAY))
        await one.ctx.manage()
    records = one.ctx.store("ann", SCOPE)
    kept = {turn.text for turn in await records.scan(Filter(kinds=("turn",)))}
    assert len(kept) <= 15
    assert "fact 2 of that day" in kept, "what is asked for again and again is not forgotten"
    days = {day.data["day"] for day in await records.scan(Filter(kinds=("day",)))}
    assert days == {turn.data["day"] for turn in await records.scan(Filter(kinds=("turn",)))}, (
        "a day that is forgotten whole loses its summary"
    )
    (whole,) = await records.get(["whole"])
    assert whole.text == whole.data["portrait"] == "A short text."
    calls = [event.prompt for event in one.events if event.kind == "model"]
    assert calls.count("memorybank-day@1") == calls.count("memorybank-mood@1") == 30
    assert {event.phase for event in one.events if event.kind == "model"} == {"manage"}


async def test_nothing_is_forgotten_where_that_is_switched_off() -> None:
    one = bench(forget=False)
    for day in range(10):
        await one.ctx.remember(Episode(f"fact {day}", "ann", f"t{day}", START + 100 * day * DAY))
    await one.ctx.manage()
    assert await one.ctx.store("ann", SCOPE).count(Filter(kinds=("turn",))) == 10
