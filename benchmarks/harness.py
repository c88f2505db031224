"""What an experiment itself costs: scrimp's `compare` beside Inspect AI's `eval`, in one run, on the same task.

    python benchmarks/harness.py [--inspect-python PATH] [--sizes 200,1000] [--repeats 5] [--memory 200,1000,5000,20000]
                                 [--folder FOLDER] [--quick] [--json]

A trial is one question, one call of a model that answers at once, and a score by exact match; both sides have the same
instructions, questions and answer, both write their logs to disk, and both results are checked. Every measurement is a
fresh process that first runs ten trials that are not counted. In each repeat every row runs in turn, beginning with
another one each time. Imports are not counted. `--inspect-python` is a Python that has inspect-ai; without it scrimp
runs alone. `--memory` runs scrimp alone, once at each size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIDES = Path(__file__).with_name("harness")
OWN = "scrimp"


@dataclass
class Row:
    """One way to run the trials, and what was measured of it: by number of trials, one entry for each repeat."""

    name: str
    command: list[str]
    options: list[str] = field(default_factory=list)
    found: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def run(self, n: int, folder: Path | None) -> dict[str, Any]:
        """Run n trials in a fresh process and a fresh folder."""
        place = Path(tempfile.mkdtemp(prefix="harness-", dir=folder))
        try:
            done = subprocess.run(
                [*self.command, str(n), str(place), *self.options], cwd=SIDES, capture_output=True, text=True,
            )  # fmt: skip
        finally:
            shutil.rmtree(place)
        if done.returncode:
            raise SystemExit(f"{self.name} at {n} trials: {done.stderr.strip()[-500:] or done.stdout.strip()[-500:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def of(self, n: int, key: str) -> list[float]:
        """What was measured at n trials, of each repeat: `rate` (a second), `cpu_ms`, `kb` written, peak `mib`."""
        per = {
            "rate": lambda one: n / one["seconds"], "cpu_ms": lambda one: 1000 * one["cpu"] / n,
            "kb": lambda one: one["bytes"] / n / 1000, "mib": lambda one: one["peak_kib"] / 1024,
        }  # fmt: skip
        return [per[key](one) for one in self.found[n]]


def main() -> int:
    options = parse()
    rows = [Row(OWN, [sys.executable, "scrimp_side.py"])]
    if options.inspect_python:
        command = [str(options.inspect_python), "inspect_side.py"]
        rows.append(Row("Inspect AI", command))
        rows.append(Row("Inspect AI, lightest log", command, ["--lightest"]))
    began, load = time.monotonic(), os.getloadavg()[0]
    for number in range(options.repeats):
        for n in options.sizes:
            for row in rows[number % len(rows) :] + rows[: number % len(rows)]:
                row.found.setdefault(n, []).append(row.run(n, options.folder))
        print(f"repeat {number + 1} of {options.repeats}", file=sys.stderr)
    memory = {n: rows[0].run(n, options.folder) for n in options.memory}
    result = {
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, {sys.platform}", "repeats": options.repeats,
        "date": time.strftime("%Y-%m-%d"), "load": [round(load, 2), round(os.getloadavg()[0], 2)],
        "seconds": round(time.monotonic() - began), "versions": versions(rows),
        "rows": [figures(row, rows[0], n) for n in options.sizes for row in rows],
        "memory": [{"trials": n, "mib": round(one["peak_kib"] / 1024, 1), "rate": round(n / one["seconds"], 1)}
                   for n, one in memory.items()],
    }  # fmt: skip
    print(json.dumps(result, indent=1) if options.json else table(result))
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trials per second of scrimp and of Inspect AI, and scrimp's memory.")
    parser.add_argument("--inspect-python", type=Path, help="a Python that has inspect-ai")
    parser.add_argument("--sizes", type=numbers, default=[200, 1000], help="trials of each measurement")
    parser.add_argument("--memory", type=numbers, default=[200, 1000, 5000, 20000], help="trials; empty for none")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each row at each size")
    parser.add_argument("--folder", type=Path, help="where files are written meanwhile (default: the system's)")
    parser.add_argument("--quick", action="store_true", help="one repeat of 50 trials: to see that it works")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    options = parser.parse_args()
    if options.quick:
        options.sizes, options.memory, options.repeats = [50], [50], 1
    if options.repeats < 1:
        parser.error("--repeats must be 1 or more")
    return options


def numbers(text: str) -> list[int]:
    """Numbers with commas between."""
    found = [int(part) for part in text.split(",") if part.strip()]
    if any(number < 20 for number in found):
        raise argparse.ArgumentTypeError("20 trials or more")
    return found


def versions(rows: list[Row]) -> dict[str, str]:
    """The version of each side, with its Python's."""
    last = {one["of"]: one for row in rows for repeats in row.found.values() for one in repeats}
    return {name: f"{one['version']} (Python {one['python']})" for name, one in last.items()}


def figures(row: Row, own: Row, n: int) -> dict[str, Any]:
    """Medians with the least and the most; `times` is how many trials scrimp does in the time of one of its."""
    cells = {key: spread(row.of(n, key)) for key in ("rate", "cpu_ms", "kb", "mib")}
    ratios = [mine / its for mine, its in zip(own.of(n, "rate"), row.of(n, "rate"), strict=True)]
    return {"row": row.name, "trials": n, **cells, "times": None if row is own else spread(ratios)}


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": round(statistics.median(values), 3), "min": round(min(values), 3), "max": round(max(values), 3)}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "| trials | | a second | processor, ms a trial | kB a trial | peak memory, MiB | scrimp: times as fast |",
        "|" + " --- |" * 7,
    ]
    for row in result["rows"]:
        cells = [cell(row["rate"], 0), cell(row["cpu_ms"], 2), cell(row["kb"], 1), cell(row["mib"], 0)]
        cells.append(cell(row["times"], 1) if row["times"] else "")
        lines.append(f"| {row['trials']:,} | {row['row']} | {' | '.join(cells)} |")
    if result["memory"]:
        lines += ["", "| scrimp, trials | peak memory, MiB | trials a second |", "| --- | --- | --- |"]
        lines += [f"| {one['trials']:,} | {one['mib']:.0f} | {one['rate']:,.0f} |" for one in result["memory"]]
    known = ", ".join(f"{name} {version}" for name, version in sorted(result["versions"].items()))
    return "\n".join([
        *lines, "",
        f"Medians of {result['repeats']} repeats (least-most); {result['machine']}; {result['date']}; load "
        f"{result['load'][0]} before, {result['load'][1]} after; {result['seconds']} s; {known}.",
    ])  # fmt: skip


def cell(figure: dict[str, float], digits: int) -> str:
    return f"{figure['median']:,.{digits}f} ({figure['min']:,.{digits}f}-{figure['max']:,.{digits}f})"


if __name__ == "__main__":
    raise SystemExit(main())
