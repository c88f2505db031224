"""Checking a benchmark: every item is loaded, and its gold answer must win by the benchmark's own rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import anyio

from scrimp.core.messages import ToolCall
from scrimp.core.protocols import Environment
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.catalog import closed
from scrimp.evaluate.benchmarks.gold import Gold, resolve
from scrimp.evaluate.oracle_evidence import read


@runtime_checkable
class Checked(Protocol):
    """What a benchmark has that can be checked so."""

    @property
    def splits(self) -> tuple[str, ...]: ...

    def tasks(self, split: str) -> Any: ...

    async def score(self, task: Task, answer: Answer, ctx: Any) -> Score: ...

    def gold(self, task_id: str) -> Gold: ...


def verify(benchmark: Checked) -> dict[str, Any]:
    """Check a benchmark in its own way where it has one, else all of it."""
    own = getattr(benchmark, "check", None)
    found: dict[str, Any] = check(benchmark) if own is None else own()
    return found


def check(benchmark: Checked, splits: Iterable[str] = (), known: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Load every item and score its own gold answer.

    Args:
        splits: those to check; all where none is named.
        known: tasks whose official gold does not hold, as the benchmark's page says; they are counted apart.

    Returns:
        `items`, `splits` with their counts, and `gold_fails`: ids whose own gold does not win.
    """
    return anyio.run(_check, benchmark, tuple(splits) or benchmark.splits, known)


async def _check(benchmark: Checked, splits: Iterable[str], known: frozenset[str]) -> dict[str, Any]:
    seen: dict[str, bool] = {}
    counts: dict[str, int] = {}
    for split in splits:
        counts[split] = 0
        for task in benchmark.tasks(split):
            counts[split] += 1
            if task.id not in seen:
                score = await benchmark.score(task, await right_answer(benchmark, task), None)
                seen[task.id] = score.success
    fails = [task for task, right in seen.items() if not right]
    found = {"items": len(seen), "splits": counts, "gold_fails": sorted(set(fails) - known)}
    return {**found, "known_to_fail": sorted(set(fails) & known)} if known else found


async def right_answer(benchmark: Checked, task: Task) -> Answer:
    """The answer that gold makes: its calls, its words, or the world after its steps."""
    gold = benchmark.gold(task.id)
    said = gold.direct or gold.says or "; ".join(str(part) for part in gold.answer)
    if task.answer_with == "calls":
        calls = [ToolCall(str(place), step.tool, dict(step.arguments)) for place, step in enumerate(gold.steps)]
        return Answer(gold.direct, tuple(calls))
    if not task.environment:
        return Answer(said)
    world: Environment = benchmark.environment(task)  # type: ignore[attr-defined]
    await world.reset(task)
    nobody: Any = None  # gold steps ask no simulated user
    given: list[str] = []
    for step in gold.steps:
        seen = await world.step({"name": step.tool, "arguments": resolve(step.arguments, given)}, nobody)
        given.append(str(read(seen.text, step.gives)))
    answer = Answer(said, state=world.state())
    await closed(world)
    return answer
