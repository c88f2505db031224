"""Everything stays in the prompt: the baseline context policy; saves nothing, keeps every prefix cache whole."""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.messages import Request
from scrimp.core.registry import Card, method

CARD = Card(
    name="everything",
    family="context",
    title="Everything",
    notes="The baseline context policy: the request as the planner made it.",
)


@method(CARD)
class Everything:
    """Change nothing."""

    async def fit(self, request: Request, limit: int, ctx: Context) -> Request:
        """The request as it is."""
        return request
