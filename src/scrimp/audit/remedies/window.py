"""A window over the last turns."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "window", "Send only the last turns", "behavioural",
    "the last 6 to 8 turns are enough; the cache breaks at every third turn, which is counted",
    "drop turns older than the last 6, three at a time", 36, {"turns": 6, "hop": 3},
)  # fmt: skip
