"""MemoryBank: dated turns, daily and global summaries, a portrait, and a curve of forgetting (arXiv 2305.10250)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="memorybank",
    family="memory",
    title="MemoryBank",
    paper="2305.10250",
    saves="prompt tokens of the history, and storage",
    against="full-history",
    needs=("store", "embedder"),
    claim="MemoryOS (Table 3) measured 432 tokens and 3.0 calls per reply on LoCoMo",
    workload="dialogues",
    n=240,
    margin=5.0,
    verdicts={"oracle": "registered"},
)
