"""How long runs took, and on what their critical path was spent; for records that hold times."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scrimp.audit.attribution import STEPS
from scrimp.audit.measure import Run

Span = tuple[float, float, str]
"""Start and end in seconds, and what was done: `model` or `tools`."""


@dataclass(slots=True)
class Latency:
    """Sums over runs; two of them add up. Wall seconds are kept per run, for the quantiles."""

    walls: array[float] = field(default_factory=lambda: array("d"))
    paths: dict[str, float] = field(default_factory=lambda: {"model": 0.0, "tools": 0.0, "between": 0.0})
    busy: dict[str, float] = field(default_factory=lambda: {"model": 0.0, "tools": 0.0})
    steps: list[tuple[int, float]] = field(default_factory=list)
    runs: int = 0

    def add(self, run: Run) -> None:
        """Add a run."""
        self.runs += 1
        found = spans(run)
        for start, end, kind in found:
            self.busy[kind] += end - start
        for at, call in enumerate(run.calls):
            if call.step.seconds is not None and call.event.component != "harness":
                self._grow(min(at, STEPS - 1), 1, call.step.seconds)
        if not found:
            return
        first, last = min(start for start, _, _ in found), max(end for _, end, _ in found)
        wall = last - first if run.trace.seconds is None else run.trace.seconds
        self.walls.append(wall)
        path = critical_path(found)
        for kind, seconds in path.items():
            self.paths[kind] += seconds
        self.paths["between"] += max(0.0, wall - sum(path.values()))

    def merge(self, other: Latency) -> None:
        """Add the sums of other runs."""
        self.runs += other.runs
        self.walls.extend(other.walls)
        for mine, theirs in ((self.paths, other.paths), (self.busy, other.busy)):
            for kind, seconds in theirs.items():
                mine[kind] += seconds
        for at, (calls, seconds) in enumerate(other.steps):
            self._grow(at, calls, seconds)

    def to_json(self) -> dict[str, Any]:
        """The `latency` key of an audit's document; seconds, sums over the runs that have times."""
        walls = np.asarray(self.walls)
        wall = None
        if len(walls):
            p50, p95 = np.quantile(walls, [0.5, 0.95])
            wall = {"mean": float(walls.mean()), "p50": float(p50), "p95": float(p95), "n": len(walls)}
        return {
            "runs_with_times": len(walls),
            "wall": wall,
            "critical_path": dict(self.paths) if wall else None,
            "model_seconds": self.busy["model"],
            "tool_seconds": self.busy["tools"],
            "by_step": [
                {"step": at + 1, "calls": calls, "seconds": seconds / calls if calls else None}
                for at, (calls, seconds) in enumerate(self.steps)
            ],
        }

    def _grow(self, at: int, calls: int, seconds: float) -> None:
        while len(self.steps) <= at:
            self.steps.append((0, 0.0))
        before = self.steps[at]
        self.steps[at] = (before[0] + calls, before[1] + seconds)


def spans(run: Run) -> list[Span]:
    """The model and tool calls of a run that have both a start and a duration."""
    found = [
        (call.step.started, call.step.started + call.step.seconds, "model")
        for call in run.calls
        if call.step.started is not None and call.step.seconds is not None and call.event.component != "harness"
    ]
    found += [
        (use.started, use.started + use.seconds, "tools")
        for use in run.trace.tools
        if use.started is not None and use.seconds is not None
    ]
    return found


def critical_path(found: Sequence[Span]) -> dict[str, float]:
    """Seconds by kind on the path that decided when the run ended.

    Walked from the end: the span that ended last, then the one that ended last before that began, and so on. What
    ran beside it cost no time; a part of an earlier span that overlaps a later one on the path is not counted twice.
    """
    path = {"model": 0.0, "tools": 0.0}
    until = float("inf")
    for start, end, kind in sorted(found, key=lambda span: (-span[1], span[0])):
        if start < until:
            stop = min(end, until)
            # Only what ended before the path's present beginning can have held it up.
            if until == float("inf") or end <= until + 1e-6:
                path[kind] += stop - start
                until = start
    return path
