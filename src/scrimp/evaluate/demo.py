"""The demonstration: baseline and efficient on 16 tools of the tool world. A demonstration, not evidence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrimp.agent import Agent
from scrimp.core.system import Part, System
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.experiment import Experiment, Watch, choose, run
from scrimp.evaluate.systems import baseline, efficient
from scrimp.outfit import Parts

TOOLS = 16
PROBE_SECONDS = 5.0
TOTAL_SECONDS = 240.0
"""Aim for the comparison itself; the demo promises five minutes after installation, on two cores."""
MOST, FEWEST = 60, 4
FEWEST_SMALL, SMALL_OUTPUT = 2, 64
"""Tasks, and tokens per answer, on the 135M model: it shows only that things run, within a minute."""


async def demo(model: str, tasks: int | None, out: Path | None, progress: Watch | None = None) -> dict[str, Any]:
    """Compare the two built-in Systems on as many tasks as the machine does in about four minutes.

    Args:
        tasks: how many; found by a probe of about five seconds where None.
    """
    systems = _systems(model)
    count = tasks if tasks is not None else FEWEST_SMALL if model == "small" else await _probe(model, systems)
    experiment = Experiment(
        systems,
        "toolworld",
        model=model,
        n=count,
        out=out,
        options=(("tools", TOOLS),),
        command=f"scrimp demo --model {model} --tasks {count}",
    )
    result = await run(experiment, progress)
    result["notes"].append(f"a demonstration on a {TOOLS}-tool subset, not evidence")
    return result


def _systems(model: str) -> tuple[System, System]:
    """Baseline and efficient; on the 135M model kept so short that they show only that they run."""
    pair = (baseline(), efficient())
    if model != "small":
        return pair
    short = Part("react", {"max_steps": 2})
    return pair[0].with_(planner=short, max_output=SMALL_OUTPUT), pair[1].with_(max_output=SMALL_OUTPUT)


async def _probe(model: str, systems: Sequence[System]) -> int:
    """How many tasks fit: run both Systems on one task after another for five seconds, then extrapolate."""
    benchmark = open_benchmark("toolworld", None, tools=TOOLS)
    samples = choose(benchmark, "dev", 20)
    agents = [Agent(system.with_(model=model), parts=Parts()) for system in systems]
    try:
        for agent in agents:  # start the server and fill its cache: not what a task takes later
            await agent.arun(samples[0], labels={"demo": "warm-up"})
        started, done = time.monotonic(), 0
        while time.monotonic() - started < PROBE_SECONDS and done < len(samples) - 1:
            done += 1
            for agent in agents:
                await agent.arun(samples[done], labels={"demo": "probe"})
        each = (time.monotonic() - started) / done
    finally:
        for agent in agents:
            await agent.outfit.aclose()
    return max(FEWEST, min(MOST, int(TOTAL_SECONDS / each)))
