"""MCTS: Monte Carlo tree search over plans of tool calls with UCT (arXiv 2310.04406, without its reflections).

It saves nothing by itself: the baseline that ToolChain* is held against, on the same tree.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="mcts",
    family="planner",
    title="Monte Carlo tree search",
    paper="2310.04406",
    saves="",
    against="",
    verdicts={"oracle": "registered"},
    samples=True,
    notes="A baseline on the search that ToolChain* and best-first search share.",
)
