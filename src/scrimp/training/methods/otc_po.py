"""OTC-PO: a policy is rewarded for right answers times its economy of tool calls (arXiv 2504.14870).

Saves tool calls at equal success, compared with the same training on right answers alone. The GRPO form: n, the fewest
calls of a right rollout of a question, is a running minimum over the epochs (section 3.2), and goes into checkpoints.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded, InputError
from scrimp.core.protocols import Artifact, Dataset
from scrimp.core.registry import Card, method
from scrimp.training.parts import grpo
from scrimp.training.parts.policy import Policy, measure, summary
from scrimp.training.parts.rewards import added, correctness, fewest_calls, multiplied
from scrimp.training.parts.trajectory import Trajectory

CARD = Card(
    name="otc-po",
    family="trainer",
    title="OTC-PO (GRPO form)",
    paper="2504.14870",
    saves="tool calls at equal success",
    against="correctness-only GRPO",
    needs=("train",),
    claim="73.1 % fewer tool calls at similar accuracy (abstract of v1; 3B to 7B models, search and code)",
    claimed_ratio=0.269,
    unit="calls",
    workload="boundary",
    n=400,
    margin=3.0,
    verdicts={"scripted": "contradicted"},
    notes="Checked by a policy of two layers that is trained here: a test of the objective, not of language models. "
    "Registered: at least 30 % fewer calls than the same GRPO on right answers alone, 3 seeds, success non-inferior. "
    "It holds on the 1,600 questions trained on; on the 400 held out, where the check measures, success is lost.",
)

ALPHA = 1.0
"""Of the reward; as in a public port."""
REWARDS = ("multiplied", "correctness", "added")


@method(CARD)
class OTCPO:
    """Train the policy of a folder; its own measure before and after is on the rows that are held out.

    Args:
        policy: folder of the policy to begin with, as transformers keeps one.
        out: folder of checkpoints, of the curve and, in `policy`, of what comes out; a killed training goes on there.
        reward: `multiplied` is the method; `correctness` and `added` are what it is compared with.
        c: how fast the reward of a call falls where none was needed.
        steps, batch, group, rate, temperature, lora, seed, every, threads, most: see `grpo.Plan`.
    """

    def __init__(
        self, policy: str = "", out: str = "", reward: str = "multiplied", c: float = 1.0, steps: int = 100,
        batch: int = 64, group: int = 8, rate: float = 1e-3, temperature: float = 1.0, lora: int = 0, seed: int = 0,
        every: int = 20, threads: int = 1, most: int = 8,
    ) -> None:  # fmt: skip
        if reward not in REWARDS:
            raise ValueError(f"reward is {reward!r}; it is one of {', '.join(REWARDS)}")
        if steps < 1 or group < 2 or batch % group:
            raise ValueError(f"{batch} rollouts a step are no whole groups of {group}, or there is no step to take")
        self.start, self.out, self.reward, self.c = policy, out, reward, c
        self.plan = grpo.Plan(steps, batch, group, rate, temperature, lora, seed, every, threads, most)
        self.state = grpo.State()
        self.watch: Callable[[int, int], None] | None = None

    def rewards(self, rollouts: Sequence[Trajectory]) -> list[float]:
        """Rewards of the rollouts of one step; the fewest calls seen so far are remembered."""
        if self.reward == "correctness":
            return [correctness(one) for one in rollouts]
        fewest = self.state.fewest = fewest_calls(rollouts, self.state.fewest)
        if self.reward == "added":
            return [added(one, fewest.get(one.question), c=self.c) for one in rollouts]
        return [multiplied(one, fewest.get(one.question), alpha=ALPHA, c=self.c) for one in rollouts]

    async def train(self, data: Dataset, ctx: Context) -> Artifact:
        """Train within the budget: its steps are optimiser steps, its seconds end the training after the step.

        Raises:
            InputError: no folder is named, no rows, or the budget bears no step.
            MissingExtra: the extra `train` is not installed.
        """
        if not self.start or not self.out:
            raise InputError("otc-po trains the policy of a folder", remedy="scrimp train otc-po --spec FILE")
        rows = [row for row in data.rows if row["split"] == "train"]
        held_out = [row for row in data.rows if row["split"] == "held-out"]
        if not rows or not held_out:
            raise InputError("otc-po needs rows to train on and rows held out")
        out, start = Path(self.out), Path(self.start)
        began = time.monotonic()

        def may(step: int) -> bool:
            if self.watch is not None:
                self.watch(step - 1, self.plan.steps)
            return anyio.from_thread.run(_may, ctx)

        before = await anyio.to_thread.run_sync(_measured, start, self.plan.threads, held_out)
        work = partial(grpo.run, start, out, rows, self.plan, self.rewards, self.state, may)
        policy, curve = await anyio.to_thread.run_sync(work)
        trained = time.monotonic() - began
        after = await anyio.to_thread.run_sync(_measured, policy, self.plan.threads, held_out)
        facts: dict[str, Any] = {
            "before": before, "after": after, "curve": curve, "steps": int(curve[-1]["step"]),
            "seconds": round(trained, 1), "tokens": int(curve[-1]["tokens"]), "calls": _made(curve, self.plan.batch),
        }  # fmt: skip
        (out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        return Artifact(str(policy), _hash(policy), facts)


async def _may(ctx: Context) -> bool:
    """Whether one more step fits the budget; it is drawn from it."""
    if ctx.remaining().get("seconds", 1) <= 0:
        return False
    try:
        await ctx.step()
    except BudgetExceeded:
        return False
    return True


def _measured(folder: Path, threads: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return summary(measure(Policy.open(folder, threads), rows))


def _made(curve: Sequence[dict[str, float]], batch: int) -> int:
    """Tool calls that the training itself made."""
    return round(sum(point["calls"] for point in curve) * batch)


def _hash(folder: Path) -> str:
    """SHA-256 of the weights."""
    with (folder / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
