"""What a sparse debate saves of a complete one, and how both grow with the team.

    python benchmarks/debate.py [--n 100] [--growth 40] [--json FILE]

On an oracle over the knowledge-boundary set, so structure only (EVIDENCE rule 6). Easy: all agents err together, so all
agree at once. Hard: each agent errs by itself in 30 of 100 steps. Growth: messages and prompt tokens of one task for
teams of 4, 9, 16 and 25, hard; the exponent is the slope of logarithms, its interval from 1,000 resamples of the tasks.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from scrimp.core.registry import create
from scrimp.core.system import System
from scrimp.core.task import Task
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.oracle import Oracle
from scrimp.testing import Bench

BENCH = "boundary"
EASY, HARD = "oracle?error=0.1&words={words}", "oracle?error=0.3&correlation=0&words={words}"
WORDS = (20, 80, 150)
"""Words of reasoning before an answer."""
TEAMS = (4, 9, 16, 25)
PLANNERS = ("react", "self-consistency", "complete-debate", "s2-mad")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--growth", type=int, default=40, help="tasks of each team size")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {"costs": [], "growth": []}
    print("| set | words | planner | n | success | tokens a task | tokens against complete debate [95 %] |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    for label, model in (("easy", EASY), ("hard", HARD)):
        for words in WORDS:
            document = costs(model.format(words=words), given.n)
            found["costs"].append(document)
            for line in lines(document):
                print(f"| {label} | {words} | {line} |", flush=True)
    print("\n| planner | " + " | ".join(f"{size} agents" for size in TEAMS) + " | exponent [95 %] |")
    print("| --- |" + " ---: |" * (len(TEAMS) + 1))
    for name in ("complete-debate", "s2-mad"):
        counted = np.array([anyio.run(grown, name, size, given.growth) for size in TEAMS])
        for place, what in enumerate(("messages", "prompt tokens")):
            table = counted[:, :, place]
            fitted = exponents(table)
            found["growth"].append({"planner": name, "what": what, "mean": table.mean(1).tolist(), **fitted})
            cells = " | ".join(f"{value:,.1f}" for value in table.mean(1))
            low, high = fitted["interval"]
            print(f"| {name}, {what} | {cells} | {fitted['exponent']:.2f} [{low:.2f}, {high:.2f}] |", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def costs(model: str, n: int) -> dict[str, Any]:
    """All planners on the same tasks; the complete debate is the base of every ratio."""
    order = ("complete-debate", *(name for name in PLANNERS if name != "complete-debate"))
    systems = tuple(System(name=name, planner=name, temperature=0.7) for name in order)
    with tempfile.TemporaryDirectory(prefix="scrimp-debate-") as folder:
        experiment = Experiment(systems, BENCH, model=model, n=n, out=Path(folder) / "out", controls=False)
        return anyio.run(run, experiment)


def lines(document: dict[str, Any]) -> list[str]:
    """One line a planner."""
    pairs = {pair["b"]: pair for pair in document["pairs"] if pair["a"] == "complete-debate"}
    out = []
    for side in document["systems"]:
        ratio = pairs[side["name"]]["tokens_ratio"] if side["name"] in pairs else None
        against = (
            "1" if ratio is None else f"{ratio['mean']:.3f} [{ratio['interval'][0]:.3f}, {ratio['interval'][1]:.3f}]"
        )
        tokens = sum(side["tokens"].values()) / side["runs"]
        success = 100 * side["effectiveness"]["mean"]
        out.append(f"{side['name']} | {document['n']} | {success:.1f} % | {tokens:,.0f} | {against}")
    return out


async def grown(name: str, agents: int, count: int) -> list[tuple[int, int]]:
    """Messages and prompt tokens of each task, for a team of this size."""
    found = []
    for task in _tasks(count):
        oracle = Oracle.parse(HARD.format(words=WORDS[0]), open_benchmark(BENCH))
        bench = Bench(oracle, tools=task.tools)
        await create("planner", name, {"agents": agents}).solve(task, bench.ctx)
        sent = sum(event.kind == "message" for event in bench.events)
        found.append((sent, bench.ledger.total.tokens.input + bench.ledger.total.tokens.cached_input))
    return found


def _tasks(count: int) -> list[Task]:
    bench = open_benchmark(BENCH)
    return list(bench.tasks("dev"))[:count]


def exponents(table: np.ndarray) -> dict[str, Any]:
    """The slope of log(mean) over log(agents), and its interval over tasks; `table` is sizes by tasks."""
    draw = np.random.default_rng(0)
    x = np.log(TEAMS)

    def slope(rows: np.ndarray) -> float:
        return float(np.polyfit(x, np.log(np.maximum(rows.mean(1), 1e-9)), 1)[0])

    resampled = [slope(table[:, draw.integers(0, table.shape[1], table.shape[1])]) for _ in range(1000)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {"exponent": slope(table), "interval": [float(low), float(high)]}


if __name__ == "__main__":
    raise SystemExit(main())
