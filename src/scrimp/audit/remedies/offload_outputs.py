"""Offloading of long tool results."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "offload-outputs", "Cut long tool results to their ends", "behavioural",
    "4,000 characters of a result are enough to go on; one cut result in ten is asked for again, with a call of its "
    "own and its whole prompt",
    "keep the first 2,800 and the last 1,200 characters of longer results, the rest where a tool can fetch it", 24,
    {"limit": 4000}, reread=0.1,
)  # fmt: skip
