"""The shared tree: orders of expansion on a toy space, its limits, and its budget."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from scrimp.planning.search.frontier import best_first
from scrimp.planning.search.plans import common, likeness, position
from scrimp.planning.search.tree import Node, Proposal, Tree
from scrimp.planning.search.uct import mcts
from scrimp.testing import Bench

pytestmark = pytest.mark.anyio
GOAL = (2, 0, 1, 2)


class Digits:
    """Plans are rows of digits 0 to 2; one that is GOAL and ends is worth 1."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    async def propose(self, node: Node) -> Sequence[Proposal]:
        self.asked.append(row(node))
        if node.depth == len(GOAL):
            return [Proposal(None, 1.0, 0.0, True)]
        return [Proposal(digit, 1 / 3, len(GOAL) - node.depth) for digit in range(3)]

    async def rate(self, nodes: Sequence[Node]) -> Sequence[float]:
        return [1.0 if row(node) == GOAL else 0.2 for node in nodes]


def row(node: Node) -> tuple[int, ...]:
    return tuple(one.proposal.step for one in node.path() if one.proposal and not one.proposal.final)


def tree(space: Digits, most: int = 200, **budget: int) -> Tree:
    return Tree(space, Bench(budget=budget or None).ctx, most=most, deepest=len(GOAL) + 1)


async def wrong(children: Sequence[Node]) -> list[float]:
    """How many digits are wrong so far: an admissible cost, so the goal is found without a detour."""
    return [float(sum(a != b for a, b in zip(row(child), GOAL, strict=False))) for child in children]


async def test_the_cheapest_leaf_is_expanded_and_the_cheapest_plan_found() -> None:
    space = Digits()
    found = await best_first(tree(space), wrong)
    assert (row(found.node), found.stopped) == (GOAL, "solved")
    assert space.asked == [GOAL[:depth] for depth in range(len(GOAL) + 1)]


async def test_simulations_find_it_too_and_ask_for_no_node_twice() -> None:
    space = Digits()
    found = await mcts(tree(space), random.Random(0), simulations=500, exploration=1.0, enough=1.0)
    assert (row(found.node), found.stopped, found.node.worth) == (GOAL, "solved", 1.0)
    assert len(set(space.asked)) == len(space.asked)
    assert len(space.asked) > len(GOAL) + 1


@pytest.mark.parametrize("most", [0, 1, 3])
async def test_a_search_ends_at_its_expansions_with_the_best_it_has(most: int) -> None:
    space = Digits()
    for found in (
        await best_first(tree(space, most), wrong),
        await mcts(tree(space, most), random.Random(0), simulations=9, exploration=1.0, enough=1.0),
    ):
        assert found.stopped == "limit"
        assert found.node.depth <= most


@pytest.mark.parametrize("nodes", [0, 2, 3, 7, 20])
async def test_nodes_are_taken_from_the_budget_before_they_are_made(nodes: int) -> None:
    for order in ("a-star", "mcts"):
        bench = Bench(budget={"nodes": nodes})
        grown = Tree(Digits(), bench.ctx, most=99, deepest=9)
        if order == "a-star":
            found = await best_first(grown, wrong)
        else:
            found = await mcts(grown, random.Random(1), simulations=99, exploration=1.0, enough=1.0)
        assert bench.account.spent["nodes"] <= nodes
        assert (found.refusal is not None) == (found.stopped == "budget")
        assert found.stopped in ("budget", "solved")


def test_likeness_and_position() -> None:
    assert common("abcde", "xbxdx") == 2
    solved = [("find", "book", "pay"), ("find", "pay")]
    assert likeness(("find", "pay"), solved) == 1.0
    assert likeness(("find", "walk"), solved) == 0.5
    assert likeness((), solved) == likeness(("find",), []) == 0.0
    assert position("pay", solved) == 1.0
    assert position("find", solved) == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert position("swim", solved) == 0.0
