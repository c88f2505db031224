"""Chain of thought: think step by step, then answer; no tool is called (arXiv 2201.11903, 2205.11916)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="chain-of-thought",
    family="planner",
    title="Chain of thought",
    paper="2201.11903",
    saves="",
    against="",
    verdicts={"oracle": "registered"},
    notes="A baseline without tools.",
)
