"""Downscaling of pictures."""

from __future__ import annotations

from scrimp.audit.remedy import ByTransform

REMEDY = ByTransform(
    "downscale-images", "Send smaller pictures", "behavioural",
    "768 pixels on the longer side show enough; pictures without a stated size are taken to be 1024 x 1024 and stay",
    "scale pictures to at most 768 pixels", 32, {"edge": 768}, simulated={"pixels": False},
)  # fmt: skip
