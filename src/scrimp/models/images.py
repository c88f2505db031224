"""Tokens of a picture by its size, by the rule its provider publishes (`data/images.json`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from scrimp.core.messages import Image
from scrimp.models.providers import rule

UNKNOWN_SIZE = (1024, 1024)
"""Taken for a picture whose size nobody stated."""

_ANY: Mapping[str, Any] = {"how": "tiles", "base": 85, "tile": 170}
"""The rule where nothing is known about the model: that of the models that first took pictures."""


def image_tokens(image: Image, model: str = "") -> int:
    """The likely prompt tokens of a picture at full detail.

    Args:
        image: its `width` and `height` in pixels; 1024 x 1024 where they are not stated.
        model: by which the rule is found; the commonest one where it is empty or not known.
    """
    width, height = (image.width, image.height) if image.width and image.height else UNKNOWN_SIZE
    found = (rule("images", model) if model else None) or _ANY
    return _RULES[found["how"]](width, height, found)


def _tiles(width: int, height: int, found: Mapping[str, Any]) -> int:
    """Tiles of 512 x 512 after scaling down; exact fractions, so that a side of exactly n tiles has n of them."""
    scale = min(Fraction(1), Fraction(2048, max(width, height)))
    scale = min(scale, Fraction(768, min(width, height)))
    across, down = math.ceil(width * scale / 512), math.ceil(height * scale / 512)
    return int(found["base"] + found["tile"] * across * down)


def _patches(width: int, height: int, found: Mapping[str, Any]) -> int:
    """Square patches that cover the picture, scaled down until there are not more than the model takes."""
    patch, most = int(found["patch"]), int(found["most"])
    edge = found.get("edge", max(width, height))
    scale = min(1.0, edge / max(width, height))
    count = math.ceil(width * scale / patch) * math.ceil(height * scale / patch)
    if count > most:
        scale = min(scale, math.sqrt(most * patch * patch / (width * height)))
        across, down = width * scale / patch, height * scale / patch
        # Scaled once more, until one side is a whole number of patches.
        fitting = min((math.floor(side) / side for side in (across, down) if side >= 1), default=1.0)
        count = min(most, math.ceil(across * fitting - 1e-9) * math.ceil(down * fitting - 1e-9))
    return math.ceil(int(count) * Fraction(found["times"]))


def _squares(width: int, height: int, found: Mapping[str, Any]) -> int:
    """One amount for a small picture, else one for each 768 x 768."""
    small = max(width, height) <= 384
    count = 1 if small else math.ceil(width / 768) * math.ceil(height / 768)
    return int(found["each"] * count)


_RULES: Mapping[str, Callable[[int, int, Mapping[str, Any]], int]] = {
    "tiles": _tiles,
    "patches": _patches,
    "squares": _squares,
}
