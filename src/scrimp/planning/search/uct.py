"""Monte Carlo tree search with UCT (Kocsis and Szepesvari 2006): select, expand, roll out, rate, back up.

A rollout draws steps by their share until a plan ends. What it passes stays in the tree, so that no step is asked for
twice; a finished plan is rated once.
"""

from __future__ import annotations

import math
from random import Random

from scrimp.core.errors import BudgetExceeded
from scrimp.planning.search.tree import Found, Node, Tree


async def mcts(tree: Tree, rng: Random, *, simulations: int, exploration: float, enough: float) -> Found:
    """Search by simulations.

    Args:
        exploration: weight of the bonus for children that were passed seldom.
        enough: a finished plan worth as much ends the search; above 1, all simulations are run.
    """
    best, deepest = tree.root, tree.root
    for _ in range(simulations):
        if tree.full:
            return Found(best if best.final else deepest, "limit")
        try:
            end = await _roll_out(tree, _select(tree.root, exploration), rng)
            worth = await _worth(tree, end)
        except BudgetExceeded as refusal:
            return Found(best if best.final else deepest, "budget", refusal)
        _back_up(end, worth)
        deepest = end if end.depth > deepest.depth else deepest
        if end.final and (not best.final or worth > (best.worth or 0.0)):
            best = end
        if end.final and worth >= enough:
            return Found(best, "solved")
    return Found(best if best.final else deepest, "limit")


def _select(node: Node, exploration: float) -> Node:
    """Down the tree by UCT, to a node that is not expanded or has no children."""
    while node.children:
        passed = node.visits
        node = max(node.children, key=lambda child: _uct(child, passed, exploration))
    return node


def _uct(node: Node, passed: int, exploration: float) -> tuple[float, float]:
    """Mean worth and bonus; what was never passed goes first, the likelier before the others."""
    share = node.proposal.share if node.proposal else 1.0
    if not node.visits:
        return math.inf, share
    return node.total / node.visits + exploration * math.sqrt(math.log(max(passed, 1)) / node.visits), share


async def _roll_out(tree: Tree, node: Node, rng: Random) -> Node:
    """Steps drawn by their share until a plan ends, nothing follows, or no more may be expanded."""
    while not node.final and not (node.children is None and tree.full):
        children = await tree.expand(node)
        if not children:
            break
        shares = [child.proposal.share if child.proposal else 1.0 for child in children]
        node = rng.choices(children, weights=shares)[0]
    return node


async def _worth(tree: Tree, end: Node) -> float:
    """What a plan is worth: nothing where it does not end."""
    if not end.final:
        return 0.0
    if end.worth is None:
        (end.worth,) = await tree.space.rate([end])
    return end.worth


def _back_up(node: Node, worth: float) -> None:
    at: Node | None = node
    while at is not None:
        at.visits += 1
        at.total += worth
        at = at.parent
