"""A test of a trainer's objective: a policy of two layers, made and taught here, trained by a reward and its control.

Nothing of it is evidence about language models. The policy is taught once what the boundary set marks as known, and to
call too often; the seeds are those of the training. Calls and success are compared on the same questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrimp.training import data, session
from scrimp.training.parts.policy import Policy, measure
from scrimp.training.parts.trajectory import Trajectory

SPEC: Mapping[str, Mapping[str, Any]] = {
    "data": {"n": 1600, "held_out": 400},
    "policy": {
        "start": "tiny", "hidden": 64,
        "warm": {"answers": 3000, "answers_rate": 5e-3, "steps": 1000, "rate": 3e-3, "settle": 500,
                 "settle_rate": 1.2e-3, "batch": 128, "calls": 0.5, "twice": 0.2, "guesses": 0.1},
    },
    "parameters": {"steps": 50, "batch": 256, "group": 8, "rate": 4e-4, "temperature": 0.7, "every": 25, "most": 4},
}  # fmt: skip
"""The training, as a spec file would say it."""
DRAWS = 4000
"""Of the bootstrap."""
SPLITS = ("train", "held-out")

Found = Mapping[int, Sequence[Trajectory]]
"""What the policies of each seed do with the rows, in their order."""
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trained:
    """What came of it: the rows, by reward and seed what each policy does, and the document of each training."""

    rows: Sequence[Mapping[str, Any]]
    found: dict[str, dict[int, list[Trajectory]]] = field(default_factory=dict)
    documents: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)


def run(
    method: str, out: Path, rewards: Sequence[str] = ("multiplied", "correctness"), seeds: Sequence[int] = (0, 1, 2),
    watch: Watch | None = None,
) -> Trained:  # fmt: skip
    """Train by each reward with each seed; what stands in `out` already is not done again."""
    trained = Trained(data.boundary(**SPEC["data"]).rows)
    start = session.start(SPEC["policy"], data.boundary(**SPEC["data"]), out / "start", watch)
    for seed in seeds:
        for reward in rewards:
            spec = {**SPEC, "policy": {"start": str(start)}}
            spec["parameters"] = {**SPEC["parameters"], "reward": reward, "seed": seed}
            document = session.train(method, spec, out / f"{reward}-{seed}", watch=watch)
            trained.documents.setdefault(reward, {})[seed] = document
            policy = Policy.open(document["artifact"]["path"])
            trained.found.setdefault(reward, {})[seed] = measure(policy, trained.rows)
    return trained


def sides(rows: Sequence[Mapping[str, Any]], found: Sequence[Trajectory]) -> dict[str, list[float]]:
    """Success and calls a question, by split and by whether the question is known."""
    out: dict[str, list[float]] = {}
    for split in SPLITS:
        for known in (True, False):
            part = [one for row, one in zip(rows, found, strict=True) if (row["split"], row["known"]) == (split, known)]
            name = f"{split}, {'known' if known else 'unknown'}"
            out[name] = [round(sum(getattr(one, what) for one in part) / len(part), 4) for what in ("correct", "calls")]
    return out


def paired(rows: Sequence[Mapping[str, Any]], split: str, method: Found, base: Found) -> dict[str, Any]:
    """Ratio of calls with its 95 % interval, and success with the lower end of a one-sided 95 % of its difference.

    Intervals are a bootstrap over questions, whose seeds are averaged first.
    """
    import numpy as np

    at = [place for place, row in enumerate(rows) if row["split"] == split]

    def means(side: Found, what: str) -> Any:
        return np.array([[getattr(done[place], what) for done in side.values()] for place in at]).mean(1)

    calls, right = [[means(side, what) for side in (method, base)] for what in ("calls", "correct")]
    draws = np.random.default_rng(0).integers(0, len(at), (DRAWS, len(at)))
    ratios = calls[0][draws].mean(1) / np.maximum(calls[1][draws].mean(1), 1e-9)
    lower, *ends = np.quantile((right[0] - right[1])[draws].mean(1), (0.05, 0.025, 0.975))
    return {
        "n": len(at), "seeds": len(method), "calls": [float(side.mean()) for side in calls],
        "success": [float(side.mean()) for side in right],
        "calls_ratio": {
            "mean": float(calls[0].mean() / calls[1].mean()),
            "interval": [float(end) for end in np.quantile(ratios, (0.025, 0.975))],
        },
        "success_difference": {
            "mean": float((right[0] - right[1]).mean()), "lower": float(lower),
            "interval": [float(end) for end in ends],
        },
        "calls_ratio_by_seed": {seed: _ratio(method[seed], base[seed], at) for seed in method},
    }  # fmt: skip


def _ratio(method: Sequence[Trajectory], base: Sequence[Trajectory], at: Sequence[int]) -> float:
    return sum(method[place].calls for place in at) / max(sum(base[place].calls for place in at), 1)
