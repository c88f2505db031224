"""Inspect AI: `eval` of the shared task on its mock model, with its log on disk.

    python inspect_side.py N FOLDER [--warm N] [--in-flight N] [--lightest]

Runs in an environment that has inspect-ai. Prints one JSON object, as scrimp_side.py.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import words
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import exact
from inspect_ai.solver import generate, system_message


def output(*request: Any) -> ModelOutput:
    """The answer with its usage, so that the mock model need not count tokens."""
    said = ModelOutput.from_content("mockllm", words.ANSWER)
    said.usage = ModelUsage(input_tokens=160, output_tokens=16, total_tokens=176)
    return said


def evaluate(n: int, folder: Path, in_flight: int, lightest: bool) -> tuple[float, float]:
    """Seconds that `eval` took, and those of the processor."""
    samples = [Sample(words.question(number), target=words.gold(number), id=str(number)) for number in range(n)]
    task = Task(MemoryDataset(samples), solver=[system_message(words.INSTRUCTIONS), generate()], scorer=exact())
    model = get_model("mockllm/model", custom_outputs=output, memoize=False)
    options: dict[str, Any] = {"log_realtime": False, "log_buffer": n, "score_display": False} if lightest else {}
    began, worked = time.perf_counter(), time.process_time()
    log = eval(
        task, model, display="none", log_dir=str(folder / f"logs-{n}"), max_samples=in_flight,
        max_connections=in_flight, **options,
    )[0]  # fmt: skip
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    accuracy = log.results.scores[0].metrics["mean"].value if log.results else -1.0
    if log.status != "success" or round(accuracy * n) != words.right(n):
        raise SystemExit(f"inspect: {log.status}, {accuracy} right of {n}")
    return seconds, cpu


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--lightest", action="store_true", help="one log, written at the end, and no running score")
    options = parser.parse_args()
    if options.warm:
        evaluate(options.warm, options.folder, options.in_flight, options.lightest)
    seconds, cpu = evaluate(options.n, options.folder, options.in_flight, options.lightest)
    written = sum(file.stat().st_size for file in (options.folder / f"logs-{options.n}").iterdir())
    print(json.dumps({
        "seconds": seconds, "cpu": cpu, "bytes": written,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "of": "inspect_ai",
        "version": importlib.metadata.version("inspect-ai"), "python": sys.version.split()[0],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
