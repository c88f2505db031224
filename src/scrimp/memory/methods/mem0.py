"""Mem0: facts are extracted, and the model says what each does to those that are known (arXiv 2504.19413)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="mem0",
    family="memory",
    title="Mem0",
    paper="2504.19413",
    saves="prompt tokens of the history",
    against="full-history",
    needs=("store", "embedder"),
    claim="about 90 % fewer tokens than full context on LoCoMo (1.8k against 26k), 66.9 against 72.9 by a judge",
    claimed_ratio=0.1,
    workload="dialogues",
    n=240,
    margin=5.0,
    verdicts={"oracle": "registered"},
)
