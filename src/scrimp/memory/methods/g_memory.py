"""G-Memory: what a team remembers in three graphs, of insights, queries and interactions (arXiv 2506.07398)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="g-memory",
    family="memory",
    title="G-Memory",
    paper="2506.07398",
    saves="tokens of replaying whole trajectories, while success rises",
    against="full-history",
    needs=("store", "embedder"),
    claim="up to 20.89 points of success on embodied tasks, 10.12 on knowledge questions, at modest cost in tokens",
    workload="stream?over=toolworld&length=60",
    n=60,
    margin=5.0,
    verdicts={"oracle": "registered"},
)
