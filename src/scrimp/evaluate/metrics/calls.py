"""Tool calls: how many at once, how many in vain."""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.evaluate.metrics.facts import RunFacts


def parallelism(runs: Sequence[RunFacts]) -> float | None:
    """Tool calls per turn that made any."""
    rounds = sum(run.rounds for run in runs)
    return sum(len(run.calls) for run in runs) / rounds if rounds else None


def invalid(runs: Sequence[RunFacts]) -> float | None:
    """Share of the calls that returned an error or named no tool."""
    total = sum(len(run.calls) for run in runs)
    return sum(not call.ok for run in runs for call in run.calls) / total if total else None


def redundancy(runs: Sequence[RunFacts]) -> float | None:
    """Share of the calls that repeat an earlier one of the same run with equal arguments."""
    total = sum(len(run.calls) for run in runs)
    return sum(len(run.calls) - len({(c.tool, c.asked) for c in run.calls}) for run in runs) / total if total else None
