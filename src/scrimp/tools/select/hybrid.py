"""The k tools that fit by words and by embedding, the two rankings fused (reciprocal rank fusion, Cormack et al. 2009).

A baseline of tool selection: it saves the prompt tokens of the tools that are not offered, at the price of one short
embedding per task.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="hybrid",
    family="selector",
    title="Top-k by words and embedding",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    needs=("embedder",),
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "registered"},
    notes="The name under which it stands beside bm25 and embedding in tables; `top-k` is the same with a switch.",
)
