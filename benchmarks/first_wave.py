"""Both built-in Systems on every benchmark with the oracle: that each runs, what each costs, and how long it takes.

    python benchmarks/first_wave.py [--n 50] [--only NAME,...] [--json FILE]

An oracle is no model of language: what this shows is structure only (EVIDENCE rule 6). Where the words of a plan hang
on what is only observed later, the oracle's plan stops, so plan-then-execute fails there. Official data are read from
SCRIMP_DATA; where they are not at hand the sample of scrimp's own is used, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.errors import ScrimpError
from scrimp.evaluate.benchmarks.catalog import open_benchmark, split_name
from scrimp.evaluate.benchmarks.entries import BENCHMARKS
from scrimp.evaluate.benchmarks.files import find
from scrimp.evaluate.experiment import Experiment, choose, run
from scrimp.evaluate.systems import baseline, efficient

VARIANTS = ("tau_bench?user=none", "tau2_bench?user=none", "costbench?event=cost_change")
FEW = 10
"""Tasks of the sets that need a package: a game is compiled, and a simulator finds its own way, in seconds each."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    wanted = given.only.split(",") if given.only else [*BENCHMARKS, *VARIANTS]
    head = (
        "benchmark, split | n | success: baseline | efficient | value: baseline | efficient | tokens a task: baseline"
    )
    print(f"| {head} | efficient | efficient costs | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    found = {}
    for name in wanted:
        found[name] = row(name, min(given.n, FEW) if BENCHMARKS[split_name(name)[0]].package else given.n)
        print(found[name].pop("line"), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def row(name: str, n: int) -> dict[str, Any]:
    """One benchmark's line of the table, and its document."""
    plain = split_name(name)[0]
    own = BENCHMARKS[plain].needs_data and find(plain) is None
    bench = f"{name}{'&' if '?' in name else '?'}data=sample" if own else name
    started = time.perf_counter()
    try:
        opened = open_benchmark(bench)
        n = min(n, len(choose(opened, None, None)))
        with tempfile.TemporaryDirectory(prefix="scrimp-wave-") as folder:
            experiment = Experiment((baseline(), efficient()), bench, model="oracle", n=n, out=Path(folder) / "out")
            document = anyio.run(run, experiment)
    except ScrimpError as error:
        return {"line": f"| {name} | - | {error} | | | | | | | |"}
    seconds = time.perf_counter() - started
    one, other = document["systems"]
    pair = next(iter(document["pairs"]), None)
    ratio = pair["cost_ratio"] if pair else None
    costs = "-" if ratio is None or ratio["mean"] is None else f"{ratio['mean']:.2f} x {_range(ratio['interval'])}"
    cells = [f"{name}{' (sample)' if own else ''}, {document['split']}", str(n), *map(_rate, (one, other)),
             *(_share(side["score"]["mean"]) for side in (one, other)),
             *(f"{sum(side['tokens'].values()) / side['runs']:,.0f}" for side in (one, other)), costs,
             f"{seconds:.1f}"]  # fmt: skip
    return {"line": f"| {' | '.join(cells)} |", "document": document}


def _rate(side: dict[str, Any]) -> str:
    found = side["effectiveness"]
    return "no figure" if found["mean"] is None else f"{_share(found['mean'])} {_range(found['interval'], 100)} %"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}"


def _range(interval: list[float] | None, scale: float = 1.0) -> str:
    form = ".0f" if scale > 1 else ".2f"
    return "" if interval is None else f"({scale * interval[0]:{form}} to {scale * interval[1]:{form}})"


if __name__ == "__main__":
    raise SystemExit(main())
