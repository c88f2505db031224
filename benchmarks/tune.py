"""Known truth for `scrimp tune`: how often the race ends at the true optimum, and what it spends.

    python benchmarks/tune.py [--repetitions 300] [--systems 24] [--tasks 1600] [--seed 1]

Synthetic Systems with known success and known mean cost (lognormal, heavy-tailed) run on tasks whose difficulty and
length they share. The race asks for the cheapest at 70 % success. It is right where what it names truly holds the
quality and truly costs at most 2 % more than the cheapest that holds it; a System whose true success lies within 2
points of the quality, which the tasks at hand cannot tell, may count either way. Beside the rate stands its lower
bound (Wilson, one-sided 95 %) and the share of a full grid (every System on
every task) that was run. Exit code 1 where the bound is below 90 %.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import anyio
import numpy as np

from scrimp.evaluate.statistics import success_interval
from scrimp.evaluate.tune.race import Goal, race

QUALITY, TOLERANCE, SLACK = 0.70, 0.02, 0.02


def space(rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    """True success and true mean cost of each System: what methods do to a base, multiplied and added up."""
    effects = [(float(rng.uniform(-0.12, 0.05)), float(rng.uniform(0.5, 1.1))) for _ in range(6)]
    made = []
    for _ in range(count):
        chosen = rng.random(6) < 0.4
        success = 0.82 + sum(effect[0] for effect, on in zip(effects, chosen, strict=True) if on)
        cost = math.prod(effect[1] for effect, on in zip(effects, chosen, strict=True) if on)
        made.append((min(0.97, max(0.1, success + float(rng.normal(0, 0.02)))), cost * float(rng.uniform(0.8, 1.25))))
    return made


async def once(seed: int, count: int, tasks: int) -> tuple[bool, float]:
    rng = np.random.default_rng(seed)
    truth = space(rng, count)
    hard, long = rng.standard_normal((2, tasks))
    costs, success = {}, {}
    for place, (rate, mean) in enumerate(truth):
        noise = 0.8 * (0.8 * long + 0.6 * rng.standard_normal(tasks))
        costs[str(place)] = mean * np.exp(noise - 0.32)
        success[str(place)] = (NormalDist().inv_cdf(rate) * math.sqrt(1.6) + 0.775 * hard
                               + rng.standard_normal(tasks) > 0).astype(float)  # fmt: skip

    async def runner(
        names: Sequence[str], begin: int, end: int
    ) -> Mapping[str, tuple[Sequence[float], Sequence[float]]]:
        return {name: (costs[name][begin:end], success[name][begin:end]) for name in names}

    found = await race(list(costs), tasks, Goal("quality", QUALITY), runner)
    able = [cost for rate, cost in truth if rate >= QUALITY + SLACK]
    share = found.trials / (count * tasks)
    if found.best is None:
        return not able, share
    rate, cost = truth[int(found.best)]
    return rate >= QUALITY - SLACK and cost <= min(able, default=math.inf) * (1 + TOLERANCE), share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=300)
    parser.add_argument("--systems", type=int, default=24)
    parser.add_argument("--tasks", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    results = [anyio.run(once, given.seed * 10_000 + i, given.systems, given.tasks) for i in range(given.repetitions)]
    right = sum(good for good, _ in results)
    low = success_interval(right, len(results), 0.90)[0]
    shares = [share for _, share in results]
    print(
        f"{given.systems} Systems, {given.tasks} tasks, {len(results)} repetitions, seed {given.seed}: "
        f"right in {right / len(results):.1%} (lower bound {low:.1%}), {np.mean(shares):.1%} of a full grid on average "
        f"({np.quantile(shares, 0.9):.1%} at the 90th percentile)"
    )
    return 0 if low >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
