"""Clearing of stale tool results."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "clear-tool-results", "Clear stale tool results", "behavioural",
    "the last 3 to 5 results are enough; one cleared result in ten is asked for again, with a call of its own and its "
    "whole prompt; the cache breaks at every third result, which is counted",
    "replace tool results older than the last 3 by a word, three at a time", 28, {"keep": 3, "hop": 3}, reread=0.1,
)  # fmt: skip
