"""Dropping of stale pictures."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "drop-images", "Drop old pictures", "behavioural", "the newest picture is enough",
    "replace all pictures but the newest by a word", 30, {"keep": 1},
)  # fmt: skip
