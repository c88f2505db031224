import anyio

from scrimp.core.protocols import Query
from scrimp.core.tool import Tool
from scrimp.testing import Bench
from scrimp.tools.select.all_tools import AllTools

TOOLS = tuple(Tool(f"t{n}", "", {}) for n in range(5))


def test_every_tool_is_offered_in_its_order_and_costs_nothing() -> None:
    async def main() -> None:
        bench, selector = Bench(), AllTools()
        await selector.index(TOOLS, bench.ctx)
        for text in ("weather", "天气", ""):
            assert [scored.item for scored in await selector.select(Query(text), bench.ctx)] == list(TOOLS)
        assert [scored.item.name for scored in await selector.select(Query("x", limit=2), bench.ctx)] == ["t0", "t1"]
        assert bench.events == []

    anyio.run(main)
