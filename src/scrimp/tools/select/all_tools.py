"""All tools: the model is offered everything there is. The baseline of tool selection; saves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.protocols import Query, Scored
from scrimp.core.registry import Card, method
from scrimp.core.tool import Tool

CARD = Card(
    name="all-tools",
    family="selector",
    title="All tools",
    notes="The baseline selector: every tool, in the order the System was given them, so the prompt stays the same.",
)


@method(CARD)
class AllTools:
    """Offer every tool, in a fixed order."""

    def __init__(self) -> None:
        self._tools: Sequence[Tool] = ()

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None:
        """Remember them."""
        self._tools = tools

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]:
        """All of them, equally good; the first ones where the query sets a limit."""
        return [Scored(tool, 1.0) for tool in self._tools[: query.limit or None]]
