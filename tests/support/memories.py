"""A dozen turns in two languages told to a memory, and one question asked of it."""

from __future__ import annotations

from typing import Any

from scrimp.core.protocols import Query
from scrimp.core.registry import create
from scrimp.core.task import Episode
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import conformance
from scrimp.testing.harness import Bench

TURNS = 12
PLANTED = {3: "安娜喜欢喝绿茶", 7: "Ben plays chess on Sundays"}
QUESTIONS = (("绿茶", "t3"), ("Who plays chess?", "t7"))
SAID = "Ann likes tea; Ben plays chess."


async def said(name: str, question: str, limit: int = 1000, **parameters: Any) -> tuple[str, tuple[str, ...]]:
    """The text recalled for a question, and its sources: turn n is "tn"."""
    bench = Bench(ScriptedModel([SAID], repeat=True), memory=create("memory", name, parameters))
    for number in range(TURNS):
        text = PLANTED.get(number, f"small talk number {number}")
        await bench.ctx.remember(Episode(text, "ann", f"t{number}", 100.0 + number))
    recalled = await bench.ctx.recall(Query(question, "ann", limit))
    return recalled.text, recalled.sources


async def keeps_its_promises(name: str, **parameters: Any) -> None:
    """Every promise of a memory, by the conformance suite."""
    await conformance.memory(lambda: create("memory", name, parameters))
