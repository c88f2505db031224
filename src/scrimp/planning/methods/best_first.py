"""Best-first search over plans of tool calls: the leaf that the model rates highest is next (arXiv 2407.01476).

It saves nothing by itself: a baseline of ToolChain* on the same tree.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.planning.search.calls import EXPANSIONS, SAMPLES, CallSpace
from scrimp.planning.search.frontier import best_first
from scrimp.planning.search.tree import Node, Tree

CARD = Card(
    name="best-first",
    family="planner",
    title="Best-first search",
    paper="2407.01476",
    saves="",
    against="",
    samples=True,
    notes="A baseline on the search that ToolChain* and MCTS share.",
)


@method(CARD)
class BestFirst:
    """Greedy best-first search: two calls an expansion, one that proposes and one that rates.

    Args:
        samples: of the next step, per expansion.
        expansions: after which the best leaf is taken.
    """

    def __init__(self, samples: int = SAMPLES, expansions: int = EXPANSIONS) -> None:
        if samples < 1 or expansions < 1:
            raise ValueError("samples and expansions are 1 or more")
        self.samples, self.expansions = samples, expansions

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Search until the leaf rated highest ends a plan."""
        space = CallSpace(task, await ctx.tools(task.text), ctx, self.samples)

        async def cost(children: Sequence[Node]) -> list[float]:
            return [1.0 - rating for rating in await space.rate(children)]

        tree = Tree(space, ctx, most=self.expansions, deepest=space.deepest)
        return await space.answer(await best_first(tree, cost))
