"""Races where the truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio
import numpy as np

from scrimp.evaluate.tune.race import FIRST, Goal, Race, blocks, race

Found = Mapping[str, tuple[Sequence[float], Sequence[float]]]
TRUTH = {"cheap and bad": (0.3, 0.2), "right": (0.85, 0.5), "dear": (0.88, 1.0), "dearest": (0.9, 3.0)}


def run(goal: Goal, tasks: int = 600, seed: int = 1, most: int | None = None) -> tuple[Race, list[list[str]]]:
    rng = np.random.default_rng(seed)
    hard, long = rng.random(tasks), np.exp(0.6 * rng.standard_normal(tasks))
    asked: list[list[str]] = []

    async def runner(names: Sequence[str], begin: int, end: int) -> Found | None:
        if most is not None and end > most:
            return None
        asked.append(list(names))
        return {
            name: (
                TRUTH[name][1] * long[begin:end] * np.exp(0.2 * rng.standard_normal(end - begin)),
                (0.8 * hard[begin:end] + 0.2 * rng.random(end - begin) < TRUTH[name][0]).astype(float),
            )
            for name in names
        }

    return anyio.run(race, list(TRUTH), tasks, goal, runner), asked


def test_the_cheapest_that_holds_the_quality_wins_and_the_others_are_dropped_early() -> None:
    found, asked = run(Goal("quality", 0.7))
    assert found.best == "right"
    assert found.racers["cheap and bad"].dropped == "surely below 70 %"
    assert found.racers["dearest"].dropped.startswith("surely dearer than")
    assert found.trials < 0.4 * 4 * 600
    assert len(asked[-1]) < len(asked[0])


def test_the_best_at_a_cost() -> None:
    found, _ = run(Goal("cost", 0.8))
    assert found.best == "right"
    assert "costs more than 0.8" in found.racers["dearest"].dropped


def test_a_quality_that_nothing_holds() -> None:
    found, _ = run(Goal("quality", 0.99))
    assert found.best is None


def test_a_budget_that_ends_leaves_the_best_so_far() -> None:
    found, _ = run(Goal("quality", 0.7), most=FIRST)
    assert found.stopped
    assert found.tasks == FIRST
    assert found.best is not None


def test_looks_grow_and_end_at_the_last_task() -> None:
    assert blocks(100) == [20, 32, 51, 81, 100]
    assert blocks(5) == [5]
