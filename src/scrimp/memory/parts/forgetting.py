"""Forgetting by Ebbinghaus's curve: what is not recalled fades, and recalling it makes it fade more slowly."""

from __future__ import annotations

import math

DAY = 86_400.0


def retention(idle: float, strength: float, scale: float = 1.0) -> float:
    """The chance that a memory is kept, exp(-days / (scale * strength)).

    Args:
        idle: seconds since it was last recalled, or made; less than nothing counts as nothing.
        strength: 1 for a new one, and one more with each recall.
        scale: days in which a memory of strength 1 fades to 37 %.
    """
    return math.exp(-max(idle, 0.0) / DAY / (scale * strength))
