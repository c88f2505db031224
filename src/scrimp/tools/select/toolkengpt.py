"""ToolkenGPT: tools as further rows of a frozen model's output head (arXiv 2305.11554, NeurIPS 2023).

Saves the prompt tokens of all tool documents while a tool is chosen: their number does not grow with the tools.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="toolkengpt",
    family="selector",
    title="ToolkenGPT",
    paper="2305.11554",
    saves="prompt tokens of tool documents, and nearly all training",
    against="all-tools",
    needs=("hidden",),
    provides=("ToolSelector", "Planner", "Trainer"),
    claim="0.95 against 0.48 (30 tools) and 0.50 against 0.20 (234 tools) for tools in the prompt, on KAMEL, 13B model",
    unit="tokens",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "registered"},
    notes="The check has no weights of a language model: hidden states of a random model of two layers.",
)
