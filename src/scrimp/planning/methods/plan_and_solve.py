"""Plan-and-solve: devise a plan in words, then carry it out step by step (arXiv 2305.04091)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="plan-and-solve",
    family="planner",
    title="Plan-and-solve",
    paper="2305.04091",
    saves="",
    against="",
    verdicts={"oracle": "registered"},
    notes="A baseline: ReAct whose first turn writes the plan.",
)
