"""Money and tokens per correct answer; what the best of several Systems costs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

REPEATS = 10
"""Repeats of a task under which its own success rate is not divided by (EVIDENCE rule 9)."""

Outcomes = Mapping[str, Sequence[tuple[float, float]]]
"""Cost and success of each repeat, by task."""


def pooled(costs: Sequence[float], success: Sequence[float]) -> float | None:
    """Total cost over total success; None where nothing was solved."""
    return sum(costs) / sum(success) if sum(success) else None


def per_task(outcomes: Outcomes) -> tuple[float | None, int, str]:
    """Mean over tasks of each one's own cost over its own success, over those that were solved; how many never were;
    why there is none."""
    if any(len(repeats) < REPEATS for repeats in outcomes.values()):
        return None, _never(outcomes), f"needs {REPEATS} repeats of each task"
    each = [pooled(*zip(*repeats, strict=True)) for repeats in outcomes.values()]
    known = [value for value in each if value is not None]
    return (statistics.fmean(known) if known else None), len(each) - len(known), "" if known else "nothing was solved"


def frontier(systems: Mapping[str, Outcomes], expert: float | None = None) -> dict[str, float | None]:
    """The cheapest cost-of-pass of each task over all Systems, and an expert at a fixed price where one is at hand."""
    out: dict[str, float | None] = {}
    for task in sorted({task for outcomes in systems.values() for task in outcomes}):
        offers = [pooled(*zip(*outcomes[task], strict=True)) for outcomes in systems.values() if task in outcomes]
        known = [offer for offer in (*offers, expert) if offer is not None]
        out[task] = min(known) if known else None
    return out


def gain(systems: Mapping[str, Outcomes], name: str, expert: float) -> float:
    """By how much a System lowers the mean frontier cost-of-pass: with it, against all others and the expert."""
    others = {other: outcomes for other, outcomes in systems.items() if other != name}
    tasks = frontier(systems, expert)
    before = {**dict.fromkeys(tasks, expert), **frontier(others, expert)}
    return statistics.fmean(before[task] or 0.0 for task in tasks) - statistics.fmean(tasks[t] or 0.0 for t in tasks)


def cost_gap(costs: Sequence[float], best: Sequence[float]) -> float | None:
    """Mean of cost over the least possible cost, less 1, over runs that reached the goal."""
    pairs = [(cost, least) for cost, least in zip(costs, best, strict=True) if least > 0]
    return statistics.fmean(cost / least - 1 for cost, least in pairs) if pairs else None


def cost_score(cost: float, greedy: float, best: float) -> float | None:
    """1 where a cost is the least possible, 0 where it is that of the greedy baseline."""
    return (greedy - cost) / (greedy - best) if greedy != best else None


def amortised(construction: float, questions: int, read: float, answer: float) -> float | None:
    """Cost of a memory per question: its building spread over the questions asked, and reading and answering."""
    return construction / questions + read + answer if questions else None


def _never(outcomes: Outcomes) -> int:
    return sum(not any(success for _, success in repeats) for repeats in outcomes.values())
