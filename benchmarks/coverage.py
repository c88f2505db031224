"""Coverage of the intervals that scrimp prints, and of textbook ones that it does not.

    python benchmarks/coverage.py [--repetitions 600] [--resamples 399] [--seed 1]

Binomial and paired intervals are summed exactly over every possible outcome; cost intervals are
simulated by calling the functions that the commands call. A row holds where its coverage, over the intervals
printed, is not below nominal less 2 points. Exit code 1 where a row that should hold does not.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from scrimp.evaluate import statistics as st

SIZES = (10, 20, 40, 100)
FLOOR = 0.93
Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    what: str
    used: bool
    cells: list[str]
    holds: bool


def binomial(n: int, p: float) -> np.ndarray:
    k = np.arange(n + 1)
    logs = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in k]
    return np.exp(np.array(logs) + k * math.log(p) + (n - k) * math.log1p(-p))


def wilson(k: float, n: int) -> Interval:
    z, p = 1.959964, k / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return (p + z * z / 2 / n - half) / (1 + z * z / n), (p + z * z / 2 / n + half) / (1 + z * z / n)


def proportion(what: str, used: bool, interval: Callable[[float, int], Interval]) -> Row:
    """Least exact coverage over success rates 0.02, 0.0205, ... 0.98."""
    worst = []
    for n in SIZES:
        limits = np.array([interval(k, n) for k in range(n + 1)])
        worst.append(
            min(
                float(binomial(n, p)[(limits[:, 0] <= p) & (p <= limits[:, 1])].sum())
                for p in np.linspace(0.02, 0.98, 1921)
            )
        )
    return Row(what, used, [f"{w:.3f}" for w in worst], min(worst) >= FLOOR)


def paired(what: str, used: bool, kind: str) -> Row:
    """Least exact coverage over the share of discordant tasks and of wins among them."""
    worst = []
    for n in SIZES:
        wins, losses = (m.ravel() for m in np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij"))
        keep = wins + losses <= n
        wins, losses = wins[keep], losses[keep]
        low, high = paired_limits(wins, losses, n, kind)
        logs = np.array([math.lgamma(i + 1) for i in range(n + 1)])
        count = logs[n] - logs[wins] - logs[losses] - logs[n - wins - losses]
        least = 1.0
        for share in np.concatenate([np.arange(0.004, 0.1, 0.004), np.arange(0.1, 0.96, 0.02)]):
            for won in (0.0, 0.1, 0.25, 0.5):
                p, q = share * won, share * (1 - won)
                log_p = np.where(wins > 0, wins * math.log(max(p, 1e-300)), 0.0)
                chance = np.exp(count + log_p + losses * math.log(q) + (n - wins - losses) * math.log1p(-share))
                covered = (low <= p - q + 1e-12) & (p - q - 1e-12 <= high)
                least = min(least, float(chance[covered].sum()))
        worst.append(least)
    return Row(what, used, [f"{w:.3f}" for w in worst], min(worst) >= FLOOR)


def paired_limits(wins: np.ndarray, losses: np.ndarray, n: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The limits for every table, from the project's own functions but for the textbook Wald interval."""
    low, high = np.empty(len(wins)), np.empty(len(wins))
    for i, (w, loss) in enumerate(zip(wins, losses, strict=True)):
        d = np.zeros(n)
        d[:w], d[w : w + loss] = 1, -1
        if kind == "wald":
            reach = 1.959964 * d.std() / math.sqrt(n)
            low[i], high[i] = d.mean() - reach, d.mean() + reach
            continue
        mean, se = st._adjusted(d)
        if kind == "one-sided, uncorrected":
            low[i], high[i] = mean - 1.644854 * se, 1.0
            continue
        a, b = (d < 0).astype(float), (d > 0).astype(float)
        if kind == "one-sided":
            low[i], high[i] = st.non_inferior(a, b).bound, 1.0
        else:
            low[i], high[i] = st.paired_difference(a, b).interval or (-1.0, 1.0)
    return low, high


Sample = tuple[np.ndarray, np.ndarray, float]


def cost_pairs(rng: np.random.Generator, n: int) -> Iterator[tuple[str, bool, Sample]]:
    """Named samples of two systems' costs on n tasks, with the true log ratio; whether an interval is promised."""
    common, x, y = rng.standard_normal((3, n))

    def mixed(own: np.ndarray, share: float) -> np.ndarray:
        return math.sqrt(share) * common + math.sqrt(1 - share) * own

    yield "lognormal sigma 1, independent", True, (np.exp(x), np.exp(y), 0.0)
    yield (
        "lognormal sigma 1, correlated 0.5, ratio 0.6",
        True,
        (np.exp(mixed(x, 0.5)), 0.6 * np.exp(mixed(y, 0.5)), math.log(0.6)),
    )
    yield (
        "lognormal sigma 1, correlated 0.9, ratio 0.6",
        True,
        (np.exp(mixed(x, 0.9)), 0.6 * np.exp(mixed(y, 0.9)), math.log(0.6)),
    )
    yield "lognormal sigma 1.5, independent", True, (np.exp(1.5 * x), np.exp(1.5 * y), 0.0)
    yield "lognormal sigma 0.3 against 1", True, (np.exp(0.3 * x), np.exp(y), 0.5 - 0.045)
    yield "Pareto, exponent 2.5", True, (rng.pareto(2.5, n) + 1, rng.pareto(2.5, n) + 1, 0.0)
    mean = math.exp(0.5)
    shifted = (np.exp(x) + 2, np.exp(x) + 0.5, math.log((mean + 0.5) / (mean + 2)))
    yield "a fixed part of every cost saved", True, shifted
    base = np.exp(0.5 * common)
    spiked = base * np.exp(0.2 * x) * np.where(rng.random(n) < 0.05, 20.0, 1.0)
    yield "one task in twenty costs b 20 times as much", False, (base, spiked, math.log(1.95) + 0.02)


def cost_ratios(options: argparse.Namespace) -> Iterator[Row]:
    rng = np.random.default_rng(options.seed)
    names = [(name, promised) for name, promised, _ in cost_pairs(rng, 10)]
    hits = {name: {n: [0, 0] for n in SIZES} for name, _ in names}
    percentile = {name: dict.fromkeys(SIZES, 0) for name, _ in names}
    for n in SIZES:
        for i in range(options.repetitions):
            for name, _, (a, b, truth) in cost_pairs(rng, n):
                got = st._ratio_of_means(a, b, 0.95, i, options.resamples).interval
                count(hits[name][n], got, math.exp(truth))
                index = rng.integers(0, n, (options.resamples, n))
                low, high = np.quantile(b[index].mean(axis=1) / a[index].mean(axis=1), [0.025, 0.975])
                percentile[name][n] += low <= math.exp(truth) <= high
    for name, promised in names:
        yield simulated(f"cost ratio: {name}", promised, hits[name], options.repetitions)
    for name, _ in names:
        shares = [percentile[name][n] / options.repetitions for n in SIZES]
        yield Row(f"percentile bootstrap: {name}", False, [f"{s:.3f}" for s in shares], min(shares) >= FLOOR)


def single_costs(options: argparse.Namespace) -> Iterator[Row]:
    """Mean cost of one system, and cost-of-pass where failures cost twice as much as successes."""
    rng = np.random.default_rng(options.seed + 1)
    for sigma in (0.5, 1.0):
        hits = {n: [0, 0] for n in SIZES}
        for n in SIZES:
            for i in range(options.repetitions):
                c = rng.lognormal(0, sigma, n)
                got = st._ratio_of_means(np.ones(n), c, 0.95, i, options.resamples).interval
                count(hits[n], got, math.exp(sigma**2 / 2))
        yield simulated(f"mean cost: lognormal sigma {sigma:g}", True, hits, options.repetitions)
    for p in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98):
        hits = {n: [0, 0] for n in SIZES}
        truth = math.exp(0.5) * (p + 2 * (1 - p)) / p
        for n in SIZES:
            for _ in range(options.repetitions):
                s = (rng.random(n) < p).astype(float)
                c = rng.lognormal(0, 1, n) * (2 - s)
                count(hits[n], st.cost_of_pass(c, s)["interval"], truth)
        yield simulated(f"cost of pass: success {p:g}", True, hits, options.repetitions)


def seeds(options: argparse.Namespace) -> Iterator[Row]:
    """Success rate and paired difference with five seeds per task; tasks differ (intraclass correlation 0.5)."""
    rng = np.random.default_rng(options.seed + 2)
    for p in (0.02, 0.1, 0.5, 0.9, 0.98):
        rate, difference = ({n: [0, 0] for n in SIZES} for _ in range(2))
        for n in SIZES:
            for _ in range(options.repetitions):
                chance = rng.beta(p, 1 - p, n)
                a, b = (rng.binomial(5, chance) / 5 for _ in range(2))
                count(rate[n], st.success_rate(a).interval, p)
                count(difference[n], st.paired_difference(a, b).interval, 0.0)
        yield simulated(f"success rate, 5 seeds: {p:g}", True, rate, options.repetitions)
        yield simulated(f"paired difference, 5 seeds: {p:g}", True, difference, options.repetitions)


def count(cell: list[int], got: Interval | list[float] | None, truth: float) -> None:
    if got is not None:
        cell[0] += got[0] <= truth <= got[1]
        cell[1] += 1


def simulated(what: str, promised: bool, hits: dict[int, list[int]], repetitions: int) -> Row:
    """A cell says "n too small" where fewer than one sample in five has an interval; its share where not all have."""
    cells, holds = [], True
    for hit, printed in hits.values():
        if printed < repetitions / 5:
            cells.append("n too small")
            continue
        cover, noise = hit / printed, 2.5 * math.sqrt(FLOOR * (1 - FLOOR) / printed)
        holds = holds and cover >= FLOOR - noise
        cells.append(f"{cover:.3f}" + ("" if printed == repetitions else f" ({printed / repetitions:.0%} printed)"))
    return Row(what, promised, cells, holds)


def main() -> int:
    parser = argparse.ArgumentParser(description="Coverage of nominal 95 % intervals at 10, 20, 40 and 100 tasks.")
    parser.add_argument("--repetitions", type=int, default=600)
    parser.add_argument(
        "--resamples", type=int, default=399, help="bootstrap draws per interval (the commands use 1,999)"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.perf_counter()
    rows = [
        proportion("success: Wilson with continuity correction", True, st.success_interval),
        proportion("success: Wilson", False, wilson),
        paired("paired difference: one win and one loss added, t", True, "two-sided"),
        paired("paired difference: Wald", False, "wald"),
        paired("non-inferiority bound (one-sided), corrected", True, "one-sided"),
        paired("non-inferiority bound (one-sided), uncorrected", False, "one-sided, uncorrected"),
        *cost_ratios(options),
        *single_costs(options),
        *seeds(options),
    ]
    out = [
        "| interval (nominal 95 %) | promised | n = 10 | 20 | 40 | 100 | holds |",
        "|" + " --- |" * 7,
    ]
    for row in rows:
        cells = " | ".join(row.cells)
        promised, holds = "yes" if row.used else "no", "yes" if row.holds else "no"
        out.append(f"| {row.what} | {promised} | {cells} | {holds} |")
    noise = 2.5 * math.sqrt(FLOOR * (1 - FLOOR) / options.repetitions)
    out.append(
        f"\n{options.repetitions} repetitions, {options.resamples} resamples, seed {options.seed}; simulated cells are "
        f"judged with {100 * noise:.1f} points of sampling noise; {time.perf_counter() - started:.0f} s."
    )
    sys.stdout.write("\n".join(out) + "\n")
    return 1 if any(row.used and not row.holds for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
