"""MemoRAG: a memory of the whole corpus writes clues, and the clues find the passages (arXiv 2409.05591)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="memorag",
    family="memory",
    title="MemoRAG",
    paper="2409.05591",
    saves="prompt tokens of the corpus; reading it again",
    against="full-history",
    needs=("store", "embedder"),
    claim="the generator reads three chunks a query instead of the book; loading the memory is up to 30 times quicker",
    workload="dialogues",
    n=240,
    margin=5.0,
    verdicts={"oracle": "registered"},
)
