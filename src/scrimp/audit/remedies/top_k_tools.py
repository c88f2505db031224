"""Retrieval of the tools that fit the task."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "top-k-tools", "Offer only the tools that fit", "behavioural",
    "the 8 tools that fit the first request best by words, and those called already, are enough; a tool that the run "
    "called but was not offered costs one more call, which is counted; runs no longer begin alike, so that one finds "
    "nothing in the cache that another left",
    "offer 8 tools by BM25 over names and descriptions", 20, {"k": 8}, warm=False,
)  # fmt: skip
