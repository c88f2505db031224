"""ToolChain*: A* over plans of tool calls, led by solved plans, by agreement and by imagination (arXiv 2310.13227).

Saves the rollouts and most of the expansions of a tree search: one model call per expansion, the cheapest leaf first.
No code is public and the formulas are read from summaries: g sums, over the steps taken, the geometric mean of how
little a solved plan (g1) and the samples (g2) support the step; h is that of how far from the end solved plans (h1)
and the samples' imagination (h2) place it. h is not admissible, so the plan found need not be the cheapest.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.records import Record, Records
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.planning.search.calls import EXPANSIONS, FINISH, SAMPLES, CallSpace, call_of
from scrimp.planning.search.frontier import best_first
from scrimp.planning.search.plans import Plan, likeness, position
from scrimp.planning.search.tree import Found, Node, Tree

CARD = Card(
    name="toolchain-star",
    family="planner",
    title="ToolChain*",
    paper="2310.13227",
    saves="expansions and rollouts of a tree search",
    against="mcts",
    needs=("store",),
    claim="7.35x less time than tree search on planning, 2.31x on reasoning; our target: 5x fewer expansions than MCTS",
    workload="toolworld",
    n=100,
    margin=10.0,
    unit="tokens",
    verdicts={"oracle": "not distinguishable"},
    samples=True,
    notes="The paper states time; on an oracle, which takes none, tokens stand for it. Formulas after a summary of the "
    "paper: exponents and constants are unverified.",
)

ALPHA, BETA = 0.5, 0.5
MOST_PLANS = 200
"""Solved plans that are looked at, the newest."""


@method(CARD)
class ToolChainStar:
    """A* search with a memory of solved plans.

    Args:
        samples: of the next step, per expansion.
        expansions: after which the best leaf is taken.
        plans: demonstrations, rows of tool names that solve tasks of this kind.
        learn: keep each plan whose calls all succeeded; without gold, that is what can be verified.
        alpha, beta: weight of solved plans against the samples, in g and in h.
    """

    def __init__(
        self,
        samples: int = SAMPLES,
        expansions: int = EXPANSIONS,
        plans: Sequence[Sequence[str]] = (),
        learn: bool = True,
        alpha: float = ALPHA,
        beta: float = BETA,
    ) -> None:
        if samples < 1 or expansions < 1:
            raise ValueError("samples and expansions are 1 or more")
        if not (0 <= alpha <= 1 and 0 <= beta <= 1):
            raise ValueError("alpha and beta are from 0 to 1")
        self.samples, self.expansions, self.learn = samples, expansions, learn
        self.plans = [(*plan, FINISH) if plan[-1:] != (FINISH,) else tuple(plan) for plan in map(tuple, plans)]
        self.alpha, self.beta = alpha, beta

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Recall solved plans, search by f = g + h until the cheapest leaf ends a plan, keep the plan."""
        records = ctx.store(task.owner, CARD.name) if self.learn else None
        kept = [] if records is None else await records.scan(limit=MOST_PLANS, newest=True)
        solved = list(dict.fromkeys([*self.plans, *(tuple(record.data["steps"]) for record in kept)]))
        space = CallSpace(task, await ctx.tools(task.text), ctx, self.samples)
        paid: dict[Node, float] = {}

        async def cost(children: Sequence[Node]) -> list[float]:
            for child in children:
                before = paid.get(child.parent, 0.0) if child.parent else 0.0
                paid[child] = before + step_cost(child, solved, self.alpha)
            return [paid[child] + cost_to_go(child, solved, self.beta) for child in children]

        tree = Tree(space, ctx, most=self.expansions, deepest=space.deepest)
        found = await best_first(tree, cost)
        answer = await space.answer(found)
        if records is not None:
            await _keep(found, solved, records)
        return answer


def step_cost(node: Node, solved: Sequence[Plan], alpha: float) -> float:
    """What the last step of a plan adds to g: (1 - g1)^alpha (1 - g2)^(1 - alpha)."""
    assert node.proposal is not None
    support = likeness(_names(node), solved)
    return float((1 - support) ** alpha * (1 - node.proposal.share) ** (1 - alpha))


def cost_to_go(node: Node, solved: Sequence[Plan], beta: float) -> float:
    """h = (1 - h1)^beta (1 - h2)^(1 - beta); nothing where the plan has ended."""
    assert node.proposal is not None
    if node.final:
        return 0.0
    done = node.depth / (node.depth + node.proposal.left)
    return float((1 - position(call_of(node).name, solved)) ** beta * (1 - done) ** (1 - beta))


def _names(node: Node) -> Plan:
    return tuple(call_of(one).name for one in node.path())


async def _keep(found: Found, solved: Sequence[Plan], records: Records) -> None:
    """Remember a plan that came to its end and none of whose calls failed, once."""
    plan = _names(found.node)
    done = all(one.seen is None or one.seen.ok for one in found.node.path())
    if found.stopped == "solved" and done and len(plan) > 1 and plan not in solved:
        await records.put([Record(kind="plan", text=" ".join(plan), data={"steps": list(plan)})])
