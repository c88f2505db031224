"""Known truth for what `compare` says beyond single intervals: areas, the frontier, the guard, forecasts.

    python benchmarks/coverage_compare.py [--repetitions 1000] [--seed 1]

Synthetic agents with known success and known costs run on tasks of varying difficulty, shared by all. Each figure
is the share of the repetitions in which the interval held the truth (or the guard raised an alarm), from the functions
that the commands call. A row holds where coverage is not below nominal less 2 points (and, for forecasts, not above
nominal plus 2), less two standard errors of the simulation. Exit code 1 where a row that is promised does not hold.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from scrimp.evaluate import curves, pareto
from scrimp.evaluate.forecast import forecast
from scrimp.evaluate.guard import Side, guard

SIZES = (10, 20, 40, 100)
Rng = np.random.Generator


@dataclass(frozen=True)
class Agent:
    """Success on a task of middling difficulty, mean dollars, and the spread of the logarithm of its costs."""

    success: float
    cost: float
    sigma: float


AGENTS = (Agent(0.5, 1.0, 0.5), Agent(0.7, 2.0, 0.8), Agent(0.72, 4.0, 0.8), Agent(0.6, 4.0, 1.0))
"""Three on the frontier, one that is dominated."""
BOUNDS = (0.2, 20.0)
REFERENCE = 10.0


def worlds(rng: Rng, agents: tuple[Agent, ...], n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Costs and successes of each agent on n tasks; difficulty and length of a task are shared."""
    hard, long = rng.standard_normal((2, n))
    made = []
    for agent in agents:
        centre = normal_quantile(agent.success) * math.sqrt(2)
        success = (centre + hard + rng.standard_normal(n) > 0).astype(float)
        noise = agent.sigma * (0.8 * long + 0.6 * rng.standard_normal(n))
        made.append((agent.cost * np.exp(noise - agent.sigma**2 / 2), success))
    return made


def normal_quantile(p: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


@dataclass
class Row:
    what: str
    promised: bool
    nominal: float
    cells: list[str]
    holds: bool


def rate(hits: int, of: int) -> str:
    return "n too small" if not of else f"{hits / of:.3f}"


def covered(what: str, nominal: float, repetitions: int, sizes: tuple[int, ...], one: Callable[[int, int], bool | None],
            above: bool = False) -> Row:  # fmt: skip
    """How often `one(n, repetition)` held, over those where an interval was printed."""
    cells, holds = [], True
    for n in sizes:
        told = [found for i in range(repetitions) if (found := one(n, i)) is not None]
        cells.append(rate(sum(told), len(told)))
        if told:
            slack = 2 * math.sqrt(nominal * (1 - nominal) / len(told))
            share = sum(told) / len(told)
            holds &= share >= nominal - 0.02 - slack and (not above or share <= nominal + 0.02 + slack)
    return Row(what, True, nominal, cells, holds)


def areas(rng: Rng, repetitions: int) -> Iterator[Row]:
    for agent in (AGENTS[0], AGENTS[2], Agent(0.05, 1.0, 1.0), Agent(0.95, 1.0, 1.0)):
        costs, success = worlds(rng, (agent,), 400_000)[0]
        truth = curves.area(costs, success, None, BOUNDS).mean or 0.0

        def one(n: int, _: int, agent: Agent = agent, truth: float = truth) -> bool | None:
            found = curves.area(*worlds(rng, (agent,), n)[0], None, BOUNDS).interval
            return None if found is None else found[0] <= truth <= found[1]

        yield covered(f"area under p(B): success {agent.success}, sigma {agent.sigma}", 0.95, repetitions, SIZES, one)


def frontier(rng: Rng, repetitions: int) -> Iterator[Row]:
    names = [str(i) for i in range(len(AGENTS))]
    means = [(agent.cost, agent.success) for agent in AGENTS]
    truth = pareto.hypervolume([pareto.Point(n, c, s) for n, (c, s) in zip(names, means, strict=True)], REFERENCE).value
    calls: dict[str, list[int]] = {name: [0, 0] for name in ("sure", "right")}

    def one(n: int, i: int) -> bool | None:
        sample = dict(zip(names, worlds(rng, AGENTS, n), strict=True))
        found = pareto.uncertain(sample, REFERENCE, resamples=399, seed=i)
        for name in names:
            on = name != names[-1]
            p = found.probability[name]
            if p >= 0.95 or p <= 0.05:
                calls["sure"][0] += 1
                calls["right"][0] += (p >= 0.95) == on
        return None if found.area is None else found.area[0] <= truth <= found.area[1]

    yield covered("hypervolume, three of four agents on the frontier", 0.95, repetitions, SIZES, one)
    right, sure = calls["right"][0], calls["sure"][0]
    yield Row("frontier: right where its probability is >= 0.95 or <= 0.05", True, 0.95, [rate(right, sure), *[""] * 3],
              right / max(sure, 1) >= 0.93)  # fmt: skip


def guards(rng: Rng, repetitions: int) -> Iterator[Row]:
    sizes = (20, 40, 100, 200)
    for agent in (Agent(0.3, 1.0, 1.0), Agent(0.6, 1.0, 1.0), Agent(0.95, 1.0, 0.5)):
        alarms = []
        for n in sizes:
            hits = told = 0
            for i in range(repetitions):
                (ca, sa), (cb, sb) = worlds(rng, (agent, agent), n)
                found = guard(Side("a", ca, sa), Side("b", cb, sb), seed=i)
                told += found.passed is not None
                hits += found.passed is False
            alarms.append((hits, told))
        cells = [rate(*pair) for pair in alarms]
        holds = all(hits / told <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / told) for hits, told in alarms if told)
        yield Row(f"guard, false alarms: success {agent.success}, sigma {agent.sigma}", True, 0.05, cells, holds)
    for noise, what in (
        (0.0, "prompts 10 % longer, same answers"),
        (0.2, "costs 10 % higher, each with noise of 20 %"),
    ):
        cells = []
        for n in sizes:
            hits = told = 0
            for i in range(repetitions):
                ca, sa = worlds(rng, (Agent(0.6, 1.0, 1.0),), n)[0]
                cb = ca * 1.1 * np.exp(noise * rng.standard_normal(n) - noise**2 / 2)
                found = guard(Side("a", ca, sa), Side("b", cb, sa), seed=i)
                told += found.passed is not None
                hits += found.passed is False
            cells.append(rate(hits, told))
        yield Row(f"guard, power: {what}", False, 1.0, cells, True)


RARE = "one run in ten costs five times as much"
SHAPES: dict[str, Callable[[Rng, int], np.ndarray]] = {
    "lognormal sigma 0.5": lambda rng, n: np.exp(0.5 * rng.standard_normal(n)),
    "lognormal sigma 1": lambda rng, n: np.exp(rng.standard_normal(n)),
    "gamma, shape 2": lambda rng, n: rng.gamma(2.0, 1.0, n),
    RARE: lambda rng, n: np.where(rng.random(n) < 0.1, 5.0, 1.0) * np.exp(0.4 * rng.standard_normal(n)),
}


def forecasts(rng: Rng, repetitions: int) -> Iterator[Row]:
    for times in (1, 5):
        for name, draw in SHAPES.items():
            widths: dict[int, list[float]] = {n: [] for n in SIZES}

            def one(n: int, i: int, draw: Callable[[Rng, int], np.ndarray] = draw, times: int = times,
                    widths: dict[int, list[float]] = widths) -> bool | None:  # fmt: skip
                history = {"s": {str(k): [float(cost)] for k, cost in enumerate(draw(rng, n))}}
                found = forecast(history, {"s": times * n}, seed=i)
                if found.low is None or found.high is None:
                    return None
                widths[n].append(found.high / found.low)
                return bool(found.low <= draw(rng, times * n).sum() <= found.high)

            row = covered(f"forecast of {times} x n runs from n: {name}", 0.90, repetitions, SIZES, one, above=True)
            row.cells = [
                cell if not widths[n] else f"{cell} (x{np.median(widths[n]):.2f})"
                for cell, n in zip(row.cells, SIZES, strict=True)
            ]
            row.promised = name != RARE  # which a short history may not have seen
            yield row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng, started, failed = np.random.default_rng(given.seed), time.perf_counter(), 0
    for part, sizes in ((areas, SIZES), (frontier, SIZES), (guards, (20, 40, 100, 200)), (forecasts, SIZES)):
        print(f"\n| {part.__name__} | nominal | " + " | ".join(f"n = {n}" for n in sizes) + " | holds |")
        print("|" + " --- |" * (len(sizes) + 3))
        for row in part(rng, given.repetitions):
            failed += row.promised and not row.holds
            mark = ("yes" if row.holds else "no") if row.promised else "-"
            print(f"| {row.what} | {row.nominal:g} | {' | '.join(row.cells)} | {mark} |", flush=True)
    seconds = time.perf_counter() - started
    print(f"\n{given.repetitions} repetitions, seed {given.seed}, {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
