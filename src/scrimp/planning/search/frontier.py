"""Best-first search: the leaf of the least cost is expanded next (Hart, Nilsson, Raphael 1968).

With a cost of what was paid plus what is left, it is A*; with one minus how promising a leaf looks, greedy best-first
search. It stops when the cheapest leaf ends a plan.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from scrimp.core.errors import BudgetExceeded
from scrimp.planning.search.tree import Found, Node, Stopped, Tree

Cost = Callable[[Sequence[Node]], Awaitable[Sequence[float]]]
"""The costs of the children of one node; lower is better."""

Leaf = tuple[float, int, Node]


async def best_first(tree: Tree, cost: Cost) -> Found:
    """Search until the cheapest leaf ends a plan; of equal costs the leaf made first is taken."""
    order = count()
    frontier: list[Leaf] = [(0.0, next(order), tree.root)]
    farthest = tree.root
    while frontier:
        last = heapq.heappop(frontier)
        node = last[2]
        farthest = node if node.depth > farthest.depth else farthest
        if node.final:
            return Found(node, "solved")
        if tree.full:
            return _best([last, *frontier], "limit")
        try:
            children = await tree.expand(node)
            costs = await cost(children) if children else ()
        except BudgetExceeded as refusal:
            return _best([last, *frontier], "budget", refusal)
        for child, paid in zip(children, costs, strict=True):
            heapq.heappush(frontier, (paid, next(order), child))
    return Found(farthest, "empty")


def _best(leaves: Sequence[Leaf], stopped: Stopped, refusal: BudgetExceeded | None = None) -> Found:
    """The cheapest leaf that ends a plan; where none does, the cheapest."""
    finished = [leaf for leaf in leaves if leaf[2].final]
    return Found(min(finished or leaves, key=lambda leaf: leaf[:2])[2], stopped, refusal)
