"""Best-of-n: solve the task several times over, score each solution, take the best (arXiv 2110.14168, section 4.2).

It saves nothing: beside self-consistency it is what a search must beat at the same budget.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="best-of-n",
    family="planner",
    title="Best-of-n",
    paper="2110.14168",
    saves="",
    against="",
    verdicts={"oracle": "registered"},
    samples=True,
    notes="A control, not a saving. The solver's own model scores, where the paper trains a verifier.",
)
