"""Advantages as pure functions: how much better than its kind a rollout, or a step of it, was."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev

EPSILON = 1e-4


def group_relative(rewards: Sequence[float], *, scaled: bool = True, epsilon: float = EPSILON) -> list[float]:
    """(r - mean) / (std + epsilon) within a group (GRPO, arXiv 2402.03300); without the division where not `scaled`.

    All rewards equal, or a single one, teaches nothing: zeros.
    """
    mean = fmean(rewards)
    spread = stdev(rewards) if len(rewards) > 1 else 0.0
    return [(reward - mean) / (spread + epsilon) if scaled else reward - mean for reward in rewards]


def generalised(
    rewards: Sequence[float], values: Sequence[float], *, gamma: float = 1.0, lam: float = 0.95
) -> list[float]:
    """GAE (arXiv 1506.02438) of one rollout: sum over l of (gamma lam)^l delta_{t+l}.

    Args:
        rewards, values: one for each step; what follows the last step is worth 0.
    """
    deltas = [
        reward + gamma * after - value
        for reward, (value, after) in zip(rewards, pairwise([*values, 0.0]), strict=True)
    ]  # fmt: skip
    out: list[float] = []
    running = 0.0
    for delta in reversed(deltas):
        running = delta + gamma * lam * running
        out.append(running)
    return out[::-1]
