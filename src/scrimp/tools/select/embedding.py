"""The k tools whose documents are nearest to the task by their sentence embeddings.

A baseline of tool selection: it saves the prompt tokens of the tools that are not offered, at the price of one short
embedding per task. "Basic RAG" of the TinyAgent paper (arXiv 2409.00608, section 3.3) is this with k = 3.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="embedding",
    family="selector",
    title="Top-k by embedding",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    needs=("embedder",),
    claim="top 3 of 16 tools: recall 0.949, 1,674 of 2,762 prompt tokens, success 74.88 against 78.89 (TinyAgent)",
    claimed_ratio=0.606,
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "registered"},
    notes="The dense baseline of learned selectors; 5 tools unless told otherwise.",
)
