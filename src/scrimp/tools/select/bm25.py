"""The k tools whose documents share most words with the task (BM25, Robertson and Zaragoza 2009).

A baseline of tool selection: it saves the prompt tokens of the tools that are not offered, and asks no model.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="bm25",
    family="selector",
    title="Top-k by words",
    saves="prompt tokens of tools that are not offered",
    against="all-tools",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "registered"},
    notes="The lexical baseline of learned selectors; 5 tools unless told otherwise.",
)
