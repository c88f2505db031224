"""A team whose agents say what a test plans for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio

from scrimp.core.messages import Request
from scrimp.core.task import Answer, Task, task_to_json
from scrimp.journal.journal import Journal, RunRecord
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import Bench

TASK = Task("t", "Which city is meant?")


class Cast:
    """Answers by agent and round; agents are told apart by the seeds of their requests, in the order of asking.

    Args:
        lines: for each agent, what it says in each round; the last line stays. None is a silence.
    """

    def __init__(self, lines: Sequence[Sequence[Any]]) -> None:
        self.lines = lines
        self.seeds: list[int | None] = []
        self.turns: Counter[int] = Counter()

    def __call__(self, request: Request) -> Any:
        if request.seed not in self.seeds:
            self.seeds.append(request.seed)
        agent = self.seeds.index(request.seed)
        line = self.lines[agent][min(self.turns[agent], len(self.lines[agent]) - 1)]
        self.turns[agent] += 1
        return line if not isinstance(line, str) else f"I think so.\nAnswer: {line}" if line else ""


def debate(planner: Any, lines: Sequence[Sequence[Any]], task: Task = TASK, **options: Any) -> tuple[Answer, Bench]:
    """What a team answers, and the bench with its events and requests."""
    bench = Bench(ScriptedModel(Cast(lines)), **options)
    return anyio.run(planner.solve, task, bench.ctx), bench


def count(bench: Bench) -> Mapping[str, int]:
    """Events by kind."""
    return Counter(event.kind for event in bench.events)


def requests(bench: Bench, where: Callable[[Request], bool]) -> list[Request]:
    """Requests that fulfil a condition."""
    model = bench.means.model("main")
    return [request for request in model.requests if where(request)]  # type: ignore[attr-defined]


def solved_twice(planner: Any, cast: Cast, journal: Journal, task: Task = TASK) -> tuple[list[Answer], Bench, Bench]:
    """A run into a journal, and its replay from there."""
    first = Bench(ScriptedModel(cast), sink=journal)
    journal.begin(RunRecord(first.run_id, task_to_json(task), {"model": "scripted"}))
    said = [anyio.run(planner.solve, task, first.ctx)]
    again = Bench(ScriptedModel([]), recording=journal.recording(first.run_id, strict=True), run_id=first.run_id)
    return [*said, anyio.run(planner.solve, task, again.ctx)], first, again
