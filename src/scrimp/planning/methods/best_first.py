"""Best-first search over plans of tool calls: the leaf that the model rates highest is next (arXiv 2407.01476).

It saves nothing by itself: a baseline of ToolChain* on the same tree.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="best-first",
    family="planner",
    title="Best-first search",
    paper="2407.01476",
    saves="",
    against="",
    verdicts={"oracle": "registered"},
    samples=True,
    notes="A baseline on the search that ToolChain* and MCTS share.",
)
