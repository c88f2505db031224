"""An order of the prompt that caches can use."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "cache-layout", "Put what changes behind what stays", "behavioural",
    "the order of tools and of the system prompt's lines does not matter to the model; saves only where a cache serves",
    "sort tools by name and move lines with times and identifiers to the end of the system prompt", 40,
)  # fmt: skip
