"""ToolChain*: A* over plans of tool calls, led by solved plans, by agreement and by imagination (arXiv 2310.13227).

Saves the rollouts and most of the expansions of a tree search: one model call per expansion, the cheapest leaf first.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="toolchain-star",
    family="planner",
    title="ToolChain*",
    paper="2310.13227",
    saves="expansions and rollouts of a tree search",
    against="mcts",
    needs=("store",),
    claim="7.35x less time than tree search on planning tasks, 2.31x on reasoning; we aim at 5x fewer expansions",
    workload="toolworld",
    n=100,
    margin=10.0,
    unit="tokens",
    verdicts={"oracle": "registered"},
    samples=True,
    notes="The paper states time; on an oracle, which takes none, tokens stand for it. Formulas after a summary of the "
    "paper: exponents and constants are unverified.",
)
