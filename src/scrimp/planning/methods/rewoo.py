"""ReWOO: a whole plan with evidence variables, workers without a model, one call that solves (arXiv 2305.18323)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="rewoo",
    family="planner",
    title="ReWOO",
    paper="2305.18323",
    saves="the prompt that ReAct sends again at every step",
    against="react",
    claim="5x fewer tokens than ReAct at 4 points more accuracy (HotpotQA, GPT-3.5); our targets: 3x fewer prompt "
    "tokens, 5x on the longest chains",
    claimed_ratio=0.2,
    workload="toolworld",
    n=250,
    margin=5.0,
    unit="tokens",
    verdicts={"oracle": "registered"},
)
