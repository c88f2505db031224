"""BM25: the tools that share most words, at no cost."""

from __future__ import annotations

import anyio

from scrimp.core.protocols import Query
from scrimp.core.tool import Tool
from scrimp.testing import Bench, WordEmbedder
from scrimp.testing.conformance import selector
from scrimp.tools.select.bm25 import TopByWords

TOOLS = (
    Tool("weather", "Rain and sun today.", {}), Tool("trains", "Timetable of trains.", {}),
    Tool("add", "Add two numbers.", {}), Tool("trains_cn", "查询列车时刻表。", {}),
)  # fmt: skip


def test_it_keeps_the_promises_of_a_selector() -> None:
    anyio.run(selector, TopByWords)


def test_the_tools_that_share_words_come_first_and_nothing_is_spent() -> None:
    async def main() -> None:
        bench, chooser = Bench(embedder=WordEmbedder(512)), TopByWords(2)
        await chooser.index(TOOLS, bench.ctx)
        found = await chooser.select(Query("When do trains go, and is there a timetable of today?"), bench.ctx)
        assert [scored.item.name for scored in found] == ["trains", "weather"]
        found = await chooser.select(Query("北京的列车时刻表", limit=1), bench.ctx)
        assert [scored.item.name for scored in found] == ["trains_cn"]
        assert [event.kind for event in bench.events] == []

    anyio.run(main)
