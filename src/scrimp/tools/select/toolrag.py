"""ToolRAG of TinyAgent (arXiv 2409.00608, section 3.3): a classifier says of every tool whether the query needs it.

One sigmoid per tool over the query's sentence embedding; all tools above a threshold of 0.5 are offered, however many
they are. It saves the prompt tokens of the others, at the price of its training and of one short embedding per task.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="toolrag",
    family="selector",
    title="TinyAgent's ToolRAG",
    paper="2409.00608",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    needs=("embedder",),
    provides=("ToolSelector", "Trainer"),
    claim="16 tools: recall 0.998 with 3.97 tools, 1,397 of 2,762 prompt tokens, success 80.06 against 78.89 (1.1B)",
    claimed_ratio=0.506,
    workload="toolworld?tools=16",
    n=250,
    margin=5.0,
    verdicts={"oracle": "registered"},
    notes="A linear head on frozen embeddings where the paper tunes DeBERTa-v3-small; examples are not retrieved.",
)
