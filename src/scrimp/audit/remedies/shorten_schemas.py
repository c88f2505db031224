"""Shortening of tool schemas."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "shorten-schemas", "Shorten tool schemas", "behavioural",
    "12 words say what a tool does, and 6 what a parameter is",
    "cut descriptions to their first sentence and 12 words, those of parameters to 6", 22,
    {"words": 12, "parameter_words": 6},
)  # fmt: skip
