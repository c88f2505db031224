"""What an oracle says without tools: what it knows, or mostly that it does not; never the gold that it cannot know."""

from __future__ import annotations

import json

import anyio
import pytest

from scrimp.core.messages import Request, system, user
from scrimp.evaluate.benchmarks.boundary import Boundary
from scrimp.evaluate.benchmarks.gold import compare
from scrimp.evaluate.oracle import Oracle

BENCH = Boundary()
TASKS = list(BENCH.tasks("dev"))[:120]
SEEDS = range(10)


def says(oracle: Oracle, text: str, prompt: str, seed: int = 0) -> str:
    async def main() -> str:
        request = Request((system("..."), user(text)), prompt=f"{prompt}@1", temperature=0.7, seed=seed)
        return "".join([delta.text async for delta in oracle.stream(request)])

    return anyio.run(main)


def test_samples_are_right_where_it_knows_and_never_where_it_cannot() -> None:
    oracle = Oracle(BENCH)
    guesses = []
    for task in TASKS[:40]:
        gold = BENCH.gold(task.id)
        samples = [says(oracle, task.text, "confidence-sample", seed) for seed in SEEDS]
        right = sum(compare(gold, sample).success for sample in samples)
        assert right == (0 if gold.needs_call else len(samples))
        if gold.needs_call:
            guesses.append(sum(sample != "unknown" for sample in samples) / len(samples))
    assert 0.25 < sum(guesses) / len(guesses) < 0.55


@pytest.mark.parametrize("error", [0.0, 0.3])
def test_a_stated_confidence_is_wrong_as_often_as_the_oracle_errs(error: float) -> None:
    oracle = Oracle.parse(f"oracle?error={error}", BENCH)
    misled = 0
    for task in TASKS:
        gold = BENCH.gold(task.id)
        found = json.loads(says(oracle, task.text, "confidence-stated"))
        misled += (found["confidence"] > 50) is not compare(gold, found["answer"]).success
    assert misled / len(TASKS) == pytest.approx(error, abs=0.08)
