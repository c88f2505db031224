"""MCTS: Monte Carlo tree search over plans of tool calls with UCT (arXiv 2310.04406, without its reflections).

It saves nothing by itself: the baseline that ToolChain* is held against, on the same tree.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.planning.search.calls import EXPANSIONS, SAMPLES, CallSpace
from scrimp.planning.search.tree import Tree
from scrimp.planning.search.uct import mcts

CARD = Card(
    name="mcts",
    family="planner",
    title="Monte Carlo tree search",
    paper="2310.04406",
    saves="",
    against="",
    samples=True,
    notes="A baseline on the search that ToolChain* and best-first search share. Its rollouts stay in the tree, and it "
    "stops at the first plan that the model rates high enough; with enough above 1 it runs all its simulations.",
)

SIMULATIONS = 30
EXPLORATION = 1.0
ENOUGH = 0.9
"""Rating, from 0 to 1, of a finished plan that ends the search."""


@method(CARD)
class MCTS:
    """Tree search by simulations: rollouts of proposals, each finished plan rated once by the model.

    Args:
        simulations: most rollouts.
        exploration: weight of the bonus of UCT.
        enough: rating that ends the search; above 1, all simulations are run.
        samples: of the next step, per expansion.
        expansions: after which the best plan so far is taken.
    """

    def __init__(
        self,
        simulations: int = SIMULATIONS,
        exploration: float = EXPLORATION,
        enough: float = ENOUGH,
        samples: int = SAMPLES,
        expansions: int = EXPANSIONS,
    ) -> None:
        if min(simulations, samples, expansions) < 1:
            raise ValueError("simulations, samples and expansions are 1 or more")
        self.simulations, self.exploration, self.enough = simulations, exploration, enough
        self.samples, self.expansions = samples, expansions

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Search until a plan is good enough, or the simulations are run."""
        space = CallSpace(task, await ctx.tools(task.text), ctx, self.samples)
        tree = Tree(space, ctx, most=self.expansions, deepest=space.deepest)
        found = await mcts(
            tree, ctx.random(), simulations=self.simulations, exploration=self.exploration, enough=self.enough
        )
        return await space.answer(found)
