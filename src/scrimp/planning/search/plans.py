"""Solved plans as rows of tool names, and what they say of a plan under way (ToolChain*, arXiv 2310.13227).

How far a partial plan runs along a solved one is their longest common subsequence over the shorter of the two; where
a step usually stands is its mean relative position in the solved plans that have it, 1 for the last.
"""

from __future__ import annotations

from collections.abc import Sequence

Plan = tuple[str, ...]


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for mine in one:
        before = 0
        for place, theirs in enumerate(other, 1):
            before, row[place] = row[place], before + 1 if mine == theirs else max(row[place], row[place - 1])
    return row[-1]


def likeness(plan: Sequence[str], solved: Sequence[Plan]) -> float:
    """How far a partial plan runs along the solved plan that it is likest, from 0 to 1; 0 without any."""
    return max((common(plan, one) / min(len(plan), len(one)) for one in solved if one and plan), default=0.0)


def position(step: str, solved: Sequence[Plan]) -> float:
    """Mean relative position of a step in the solved plans that have it; 0 where none has."""
    places = [
        (place + 1) / len(plan) for plan in solved for place, name in enumerate(plan) if name == step
    ]  # fmt: skip
    return sum(places) / len(places) if places else 0.0
