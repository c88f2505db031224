"""Zep: a graph of facts with two times, that of the world and that of the graph (arXiv 2501.13956)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="zep",
    family="memory",
    title="Zep",
    paper="2501.13956",
    saves="prompt tokens of the history; no model call at reading",
    against="full-history",
    needs=("store", "embedder"),
    claim="a history of 115k tokens becomes a context of about 2k; latency 90 % lower; LongMemEval 71.2 against 60.2",
    claimed_ratio=0.1,
    workload="dialogues",
    n=240,
    margin=5.0,
    verdicts={"oracle": "registered"},
)
