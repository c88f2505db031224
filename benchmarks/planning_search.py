"""Planners that search, and a planner that minds its budget.

    python benchmarks/planning_search.py search [--model M] [--n 100]           expansions, tokens and success
    python benchmarks/planning_search.py matched [--limits 2,4,8,16] [--n 100]  success by the expansions allowed
    python benchmarks/planning_search.py caps [--caps 1,2,4,8] [--n 200]        the same task under a cap of tool calls

Without `--model` the model is an oracle over the tool world, so structure only (EVIDENCE rule 6). On a real model:

    python benchmarks/planning_search.py caps --bench hotpotqa --model local --n 100 --caps 2,4,8 --prices search.toml

`--prices` is a price list as `scrimp compare` takes it; one that prices the tools gives the unified cost of the Budget
Tracker's paper (arXiv 2511.17006). Intervals are 95 % bootstraps over tasks, paired. `--out DIR` keeps the experiments;
one that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from scrimp.core.system import Part, System
from scrimp.evaluate.experiment import Experiment, run

ORACLE = "oracle?error=0.1"
SEARCHES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("MCTS, all 30 simulations", "mcts", {"enough": 1.1, "expansions": 300}),
    ("MCTS, all 30 simulations, 30 expansions", "mcts", {"enough": 1.1}),
    ("MCTS, stops when good enough", "mcts", {}),
    ("best-first", "best-first", {}),
    ("ToolChain*, no memory", "toolchain-star", {"learn": False}),
    ("ToolChain*", "toolchain-star", {}),
    ("best-of-n, 5 samples", "best-of-n", {}),
    ("self-consistency, 5 samples", "self-consistency", {}),
    ("ReAct", "react", {}),
)
MATCHED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("MCTS", "mcts", {}),
    ("best-first", "best-first", {}),
    ("ToolChain*", "toolchain-star", {}),
)
BUDGETED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ReAct", "react", {}),
    ("Budget Tracker", "bats", {"form": "tracker"}),
    ("Budget Tracker, rules kept", "bats", {"form": "tracker", "enforce": True}),
    ("BATS", "bats", {}),
)

Rows = Mapping[str, Mapping[str, Any]]
"""Trials of one System by task, as the experiment's folder holds them."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("search", "matched", "caps"))
    parser.add_argument("--bench", default="toolworld")
    parser.add_argument("--model", default=ORACLE)
    parser.add_argument("--n", type=int)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--caps", default="1,2,4,8", help="tool calls of a run")
    parser.add_argument("--limits", default="2,4,8,16", help="expansions of a search")
    parser.add_argument("--prices")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    {"search": searches, "matched": matched, "caps": caps}[given.what](given)
    return 0


def searches(given: argparse.Namespace) -> None:
    """Every search on the same tasks; MCTS with all its simulations is the base of the ratios."""
    systems = [_system(given, label, planner, options) for label, planner, options in SEARCHES]
    with experiment(given, systems, given.n or 100, "search") as trials:
        base = trials[SEARCHES[0][0]]
        print("| planner | success | expansions | model calls | tokens | expansions against MCTS [95 %] | tokens |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for label, rows in trials.items():
            made = [expansions(row) for row in rows.values()]
            own = any(made)
            cells = [label, _percent(rows), f"{np.mean(made):.1f}" if own else "-", _mean(rows, model_calls),
                     f"{np.mean([tokens(row) for row in rows.values()]):,.0f}",
                     ratio(rows, base, expansions) if own else "-", ratio(rows, base, tokens)]  # fmt: skip
            print(f"| {' | '.join(cells)} |", flush=True)
        print(f"\nn = {len(base)}, {given.model}, {given.bench}")


def matched(given: argparse.Namespace) -> None:
    """Success of the searches where each may expand as many nodes, and how many of them it took."""
    limits = [int(limit) for limit in given.limits.split(",")]
    print("| planner | " + " | ".join(f"at most {limit}" for limit in limits) + " |")
    print("| --- |" + " ---: |" * len(limits))
    cells: dict[str, list[str]] = {label: [] for label, _, _ in MATCHED}
    for limit in limits:
        systems = [_system(given, label, planner, {**options, "expansions": limit})
                   for label, planner, options in MATCHED]  # fmt: skip
        with experiment(given, systems, given.n or 100, f"limit-{limit}") as trials:
            for label, rows in trials.items():
                cells[label].append(f"{_percent(rows)} ({_mean(rows, expansions)})")
    for label, row in cells.items():
        print(f"| {label} | {' | '.join(row)} |")
    print(f"\nSuccess (expansions used), n = {given.n or 100}, {given.model}, {given.bench}")


def caps(given: argparse.Namespace) -> None:
    """Each planner at each cap; the account enforces the cap, and what passed it is counted from the ledgers."""
    print("| cap | planner | success | tool calls | cap passed | dollars | dollars against ReAct [95 %] | ended by |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for cap in map(int, given.caps.split(",")):
        systems = [_system(given, label, planner, options).with_(budget={"tool_calls": cap})
                   for label, planner, options in BUDGETED]  # fmt: skip
        with experiment(given, systems, given.n or 200, f"cap-{cap}") as trials:
            base = trials[BUDGETED[0][0]]
            for label, rows in trials.items():
                passed = sum(tool_calls(row) > cap for row in rows.values())
                by = sum(row["status"] == "budget" for row in rows.values())
                spent = f"{np.mean([dollars(row) for row in rows.values()]):.6f}"
                cells = [str(cap), label, _percent(rows), _mean(rows, tool_calls), str(passed), spent,
                         ratio(rows, base, dollars), f"budget {by}"]  # fmt: skip
                print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\nn = {len(base)}, {given.model}, {given.bench}")


def _system(given: argparse.Namespace, label: str, planner: str, options: dict[str, Any]) -> System:
    return System(name=label, planner=Part(planner, options), temperature=given.temperature)


@contextmanager
def experiment(
    given: argparse.Namespace, systems: Sequence[System], n: int, part: str
) -> Iterator[Mapping[str, Rows]]:  # fmt: skip
    """Run an experiment; its trials by System, in the order of the Systems, and by task."""
    with tempfile.TemporaryDirectory(prefix="scrimp-planning-") as scratch:
        folder = (given.out or Path(scratch)) / part
        asked = Experiment(tuple(systems), given.bench, data=given.data, model=given.model, n=n, out=folder,
                           prices=given.prices)  # fmt: skip
        anyio.run(run, asked)
        lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text(encoding="utf-8").splitlines()]
        yield {
            system.name: {line["task"]: line for line in lines if line["system"] == system.name} for system in systems
        }


def tokens(row: Mapping[str, Any]) -> float:
    """Tokens of a run, sent and received."""
    return float(sum(row["ledger"]["total"]["tokens"].values()) - row["ledger"]["total"]["tokens"]["reasoning"])


def dollars(row: Mapping[str, Any]) -> float:
    """Tokens at the reference price, and priced tool calls."""
    return float(row["ledger"]["total"]["cost"]["amount"])


def tool_calls(row: Mapping[str, Any]) -> float:
    """Calls of tools."""
    return float(row["ledger"]["components"]["tools"]["calls"])


def model_calls(row: Mapping[str, Any]) -> float:
    """Calls of the model, by the prompts that caused them."""
    return float(sum(cell["calls"] for cell in row["ledger"]["prompts"].values()))


def expansions(row: Mapping[str, Any]) -> float:
    """Calls that proposed next steps: one for each node that was expanded."""
    cells = row["ledger"]["prompts"].items()
    return float(sum(cell["calls"] for name, cell in cells if name.partition("@")[0] == "next-steps"))


def ratio(rows: Rows, base: Rows, measure: Any) -> str:
    """A measure's sum over tasks against the base's, with its interval."""
    tasks = sorted(rows.keys() & base.keys())
    mine, other = (np.array([measure(side[task]) for task in tasks]) for side in (rows, base))
    picks = np.random.default_rng(0).integers(0, len(tasks), (2000, len(tasks)))
    low, high = np.quantile(mine[picks].sum(1) / other[picks].sum(1), [0.025, 0.975])
    return f"{mine.sum() / other.sum():.3f} [{low:.3f}, {high:.3f}]"


def _mean(rows: Rows, measure: Any) -> str:
    return f"{np.mean([measure(row) for row in rows.values()]):.2f}"


def _percent(rows: Rows) -> str:
    return f"{100 * np.mean([row['success'] for row in rows.values()]):.1f} %"


if __name__ == "__main__":
    raise SystemExit(main())
