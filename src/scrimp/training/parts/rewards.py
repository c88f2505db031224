"""Rewards as pure functions of a trajectory and of its group: what is right, and what it cost.

Tool productivity is that of OTC-PO (arXiv 2504.14870, section 3.2); c = 1 and alpha = 1 are those of a public port.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from scrimp.training.parts.trajectory import Trajectory

SMOOTHNESS = 1.0
"""c: how fast the reward of a call falls where none was needed."""


def fewest_calls(group: Sequence[Trajectory], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """n by question: the fewest calls of a right rollout, in this group or in an earlier one.

    Args:
        before: the minimum so far, of earlier epochs; a question that nobody has solved yet is in neither.
    """
    found = dict(before or {})
    for one in group:
        if one.correct >= 1:
            found[one.question] = min(one.calls, found.get(one.question, one.calls))
    return found


def falling(calls: int, c: float = SMOOTHNESS) -> float:
    """cos(m pi / (2 m + c)): 1 without a call, towards 0 with many. OTC-PPO, and OTC-GRPO where n is 0."""
    return math.cos(calls * math.pi / (2 * calls + c)) if calls else 1.0


def peaked(calls: int, fewest: int) -> float:
    """sin(f pi / (2 n)), f = 2 n m / (m + n): 1 at m = n, less on both sides. OTC-GRPO where n is above 0."""
    if not calls:
        return 0.0
    f = 2 * fewest * calls / (calls + fewest)
    return math.sin(f * math.pi / (2 * fewest))


def productivity(calls: int, fewest: int | None, c: float = SMOOTHNESS) -> float:
    """r_tool of OTC-GRPO; of OTC-PPO where nobody has solved the question, and it multiplies a 0 then."""
    return peaked(calls, fewest) if fewest else falling(calls, c)


def correctness(one: Trajectory) -> float:
    """Right answers alone: what the reward of OTC-PO is compared with."""
    return one.correct


def multiplied(one: Trajectory, fewest: int | None, *, alpha: float = 1.0, c: float = SMOOTHNESS) -> float:
    """alpha r_tool r_correct: a wrong answer earns nothing, however few its calls."""
    return alpha * productivity(one.calls, fewest, c) * one.correct


def added(one: Trajectory, fewest: int | None, *, weight: float = 1.0, c: float = SMOOTHNESS) -> float:
    """r_correct + weight r_tool: the control that the paper found easy to hack."""
    return one.correct + weight * productivity(one.calls, fewest, c)


def per_call(group: Sequence[Trajectory]) -> float:
    """TP, tool productivity of a set: right answers by calls; infinite where there was no call and one was right."""
    calls, right = sum(one.calls for one in group), sum(one.correct for one in group)
    return right / calls if calls else math.inf if right else 0.0
