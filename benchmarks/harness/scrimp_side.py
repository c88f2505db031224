"""scrimp: `scrimp.compare` on a benchmark of its own, with the journal, the trials' lines and the result on disk.

    python scrimp_side.py N FOLDER [--warm N] [--workers N]

Prints one JSON object: seconds of the call of `compare`, peak memory, files written.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import words

import scrimp
from scrimp.core.task import Answer, Score, Task
from scrimp.planning.methods.react import PROMPT


class Words:
    """The shared task as a benchmark of scrimp's."""

    name, version, splits, default_split, metrics = "words", "1", ("test",), "test", ("success",)

    def __init__(self, n: int) -> None:
        self.n = n

    def tasks(self, split: str) -> Iterator[Task]:
        return (Task(str(number), words.question(number)) for number in range(self.n))

    async def score(self, task: Task, answer: Answer, ctx: Any) -> Score:
        success = answer.text.strip() == words.gold(int(task.id))
        return Score(float(success), success)


def compare(n: int, folder: Path, workers: int) -> tuple[float, float, dict[str, Any]]:
    """Seconds that `compare` took, those of the processor, and its document."""
    script = folder / "script.json"
    script.write_text(json.dumps({"answers": [words.ANSWER], "repeat": True}), encoding="utf-8")
    began, worked = time.perf_counter(), time.process_time()
    document = scrimp.compare(
        ["baseline"], f"scrimp_side:Words?n={n}", model=f"scripted:{script}", out=folder / f"experiment-{n}",
        workers=workers,
    )  # fmt: skip
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    row = document["systems"][0]
    solved = row["effectiveness"]["mean"] * row["runs"]
    if row["runs"] != n or round(solved) != words.right(n) or row["ledger"]["total"]["calls"] != n:
        raise SystemExit(f"scrimp: {row['runs']} runs, {solved} right, {row['ledger']['total']['calls']} calls")
    return seconds, cpu, document


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if PROMPT.text != words.INSTRUCTIONS:
        raise SystemExit("scrimp: words.INSTRUCTIONS is not what the baseline says")
    os.environ["SCRIMP_HOME"] = str(options.folder / "home")
    if options.warm:
        compare(options.warm, options.folder, options.workers)
    seconds, cpu, document = compare(options.n, options.folder, options.workers)
    written = sum(file.stat().st_size for file in Path(document["folder"]).iterdir())
    print(json.dumps({
        "seconds": seconds, "cpu": cpu, "bytes": written,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "of": "scrimp", "version": scrimp.__version__,
        "python": sys.version.split()[0],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
