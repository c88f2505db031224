"""The demonstration: baseline and efficient on 16 tools of the tool world. A demonstration, not evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrimp.agent import Agent
from scrimp.core.system import Part, System
from scrimp.evaluate.experiment import Experiment, Watch, run
from scrimp.evaluate.systems import baseline, efficient

TOOLS = 16
TOTAL_SECONDS = 190.0
"""Aim for the comparison itself; the demo promises five minutes after installation, on two cores."""
MOST, FEWEST = 60, 4
PROBE_TOKENS = 64
TASK_TOKENS = 620
"""Token times that one task takes with both Systems together, prompt tokens counted at a third of a written one."""
BUDGET = {"steps": 6, "usd": "0.05"}
"""Of each run: a demonstration does not wait for an agent that walks in circles."""
COUNT = "Count from one to a hundred in words."
FEWEST_SMALL, SMALL_OUTPUT = 2, 64
"""Tasks, and tokens per answer, on the 135M model: it shows only that things run, within a minute."""


async def demo(model: str, tasks: int | None, out: Path | None, progress: Watch | None = None) -> dict[str, Any]:
    """Compare the two built-in Systems on as many tasks as the machine does in about three minutes.

    Args:
        tasks: how many; found by a probe of a few seconds where None.
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
    pair = (baseline().with_(budget=BUDGET), efficient().with_(budget=BUDGET))
    if model != "small":
        return pair
    short = Part("react", {"max_steps": 2})
    return pair[0].with_(planner=short, max_output=SMALL_OUTPUT), pair[1].with_(max_output=SMALL_OUTPUT)


async def _probe(model: str, systems: Sequence[System]) -> int:
    """How many tasks fit: write for a few seconds, then reckon with what a task takes.

    A task takes about as many token times as were counted on the tool world with the 1.5B model.
    """
    agent = Agent(systems[0].with_(model=model, max_output=PROBE_TOKENS))
    try:
        await agent.arun(COUNT, labels={"demo": "warm-up"})  # starts the server and reads the prompt
        probe = await agent.arun(COUNT, labels={"demo": "probe"})
    finally:
        await agent.outfit.aclose()
    written = max(probe.ledger.total.tokens.output, 1)
    each = TASK_TOKENS * probe.ledger.wall_seconds / written
    return max(FEWEST, min(MOST, int(TOTAL_SECONDS / each)))
