"""The plain memories: what they show, and every promise of a memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scrimp.core.protocols import Query
from scrimp.core.registry import create
from scrimp.core.task import Episode
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import conformance
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio

NAMES: dict[str, dict[str, Any]] = {
    "full-history": {}, "recent-turns": {}, "flat": {}, "flat by words": {"by": "words"},
    "flat by both": {"by": "both"},
    "bm25-turns": {}, "rolling-summary": {"every": 2},
}  # fmt: skip


def maker(name: str) -> Callable[[], Any]:
    return lambda: create("memory", name.split()[0], NAMES[name])


async def said(name: str, question: str, limit: int = 1000, **parameters: Any) -> tuple[str, tuple[str, ...]]:
    bench = Bench(ScriptedModel(["Ann likes tea; Ben plays chess."], repeat=True),
                  memory=create("memory", name, parameters))  # fmt: skip
    for number in range(12):
        text = {3: "安娜喜欢喝绿茶", 7: "Ben plays chess on Sundays"}.get(number, f"small talk number {number}")
        await bench.ctx.remember(Episode(text, "ann", f"t{number}", 100.0 + number))
    recalled = await bench.ctx.recall(Query(question, "ann", limit))
    return recalled.text, recalled.sources


@pytest.mark.parametrize("name", NAMES)
async def test_it_keeps_the_promises_of_a_memory(name: str) -> None:
    await conformance.memory(maker(name))


async def test_full_history_shows_all_and_under_a_limit_the_newest() -> None:
    text, sources = await said("full-history", "x")
    assert sources == tuple(f"t{number}" for number in range(12))
    assert text.splitlines()[3] == "安娜喜欢喝绿茶"
    text, sources = await said("full-history", "x", limit=20)
    assert sources[-1] == "t11"
    assert "t0" not in sources


async def test_recent_turns_shows_the_last_ones() -> None:
    assert (await said("recent-turns", "x", turns=3))[1] == ("t9", "t10", "t11")


@pytest.mark.parametrize(("name", "parameters"), [
    ("flat", {"by": "embedding"}), ("flat", {"by": "words"}), ("flat", {"by": "both"}), ("bm25-turns", {}),
])  # fmt: skip
async def test_what_is_asked_about_is_found_in_both_languages(name: str, parameters: dict[str, Any]) -> None:
    for question, source in (("绿茶", "t3"), ("Who plays chess?", "t7")):
        assert (await said(name, question, k=1, **parameters))[1] == (source,)


async def test_a_summary_stands_for_the_turns_before_it() -> None:
    text, sources = await said("rolling-summary", "x", every=5)
    assert text.splitlines() == [
        "Summary: Ann likes tea; Ben plays chess.",
        "small talk number 10",
        "small talk number 11",
    ]
    assert sources == tuple(f"t{number}" for number in range(12)), "a summary names all that it was made of"
