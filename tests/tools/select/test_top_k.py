"""Top-k: the tools whose documents share meaning and words with the task, in English and Chinese."""

from __future__ import annotations

import anyio
import pytest

from scrimp.core.protocols import Query
from scrimp.core.tool import Tool
from scrimp.testing import Bench, WordEmbedder
from scrimp.tools.select.top_k import TopK

TOOLS = (
    Tool("get_weather", "Today's weather in a city.", {"properties": {"city": {"description": "name of the city"}}}),
    Tool("convert_currency", "Convert an amount of money between currencies.", {}),
    Tool("query_trains", "查询两个城市之间的列车时刻表。", {}),
    Tool("query_weather_cn", "查询城市的天气预报。", {}),
    Tool("add", "Add two numbers.", {}),
    Tool("book_hotel", "预订酒店房间。", {}),
)
QUESTIONS = [
    ("What is the weather like in Oslo?", "get_weather"),
    ("Convert 5 dollars to euros, which currency?", "convert_currency"),
    ("北京明天的天气预报怎么样？", "query_weather_cn"), ("从上海到杭州的列车几点开？", "query_trains"),
    ("帮我预订一个房间", "book_hotel"),
]  # fmt: skip


async def names(selector: TopK, bench: Bench, query: Query) -> list[str]:
    return [scored.item.name for scored in await selector.select(query, bench.ctx)]


@pytest.mark.parametrize("by", ["words", "embedding", "both"])
@pytest.mark.parametrize(("question", "wanted"), QUESTIONS)
def test_the_tool_that_fits_comes_first(by: str, question: str, wanted: str) -> None:
    async def main() -> None:
        bench, selector = Bench(embedder=WordEmbedder(512)), TopK(2, by)
        await selector.index(TOOLS, bench.ctx)
        found = await names(selector, bench, Query(question))
        assert found[0] == wanted
        assert len(found) == 2

    anyio.run(main)


def test_what_it_embeds() -> None:
    async def main() -> None:
        embedder = WordEmbedder()
        bench, selector = Bench(embedder=embedder), TopK(2)
        await selector.index(TOOLS, bench.ctx)
        await selector.index(list(TOOLS), bench.ctx)
        await selector.select(Query("weather"), bench.ctx)
        await selector.select(Query("天气"), bench.ctx)
        assert [len(batch) for batch in embedder.batches] == [len(TOOLS), 1, 1], "the same list is indexed once"
        await selector.index((*TOOLS[:2], Tool("new", "It is new.", {})), bench.ctx)
        assert embedder.batches[3:] == [("new. It is new.",)], "a tool more costs one document, one less costs nothing"
        words = Bench()
        await TopK(2, "words").index(TOOLS, words.ctx)
        assert words.events == []

    anyio.run(main)


def test_the_query_may_ask_for_another_number() -> None:
    async def main() -> None:
        bench, selector = Bench(), TopK(2)
        await selector.index(TOOLS, bench.ctx)
        assert [len(await names(selector, bench, Query("x", limit=limit))) for limit in (0, 1, 4, 99)] == [2, 1, 4, 6]

    anyio.run(main)
