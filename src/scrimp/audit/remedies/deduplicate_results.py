"""Pointers in place of repeated tool results."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "deduplicate-results", "Send a repeated tool result once", "behavioural",
    "a pointer to the first copy, which is still in the prompt, serves as well",
    "replace a tool result that the prompt already holds by a pointer to it", 26,
)  # fmt: skip
