"""OTC-PO against the same GRPO on right answers alone: a tiny policy, the boundary set, 3 seeds.

    python benchmarks/training_objective.py --out /tmp/objective [--rewards multiplied,correctness,added]

Prints calls and success on the 1,600 questions that were trained on and on the 400 held out; the interval of the paired
difference in success is a bootstrap over questions, one-sided 95 %, over all seeds. A test of the objective: nothing
here is evidence about language models.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scrimp.training import data, session
from scrimp.training.parts.policy import Policy, measure
from scrimp.training.parts.trajectory import Trajectory

SPEC = Path(__file__).parent / "training" / "tiny.toml"
DRAWS = 4000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--rewards", default="multiplied,correctness")
    given = parser.parse_args()
    seeds, rewards = [int(seed) for seed in given.seeds.split(",")], given.rewards.split(",")
    spec = session.read_spec(SPEC)
    rows = data.boundary(n=spec["data"]["n"], held_out=spec["data"]["held_out"]).rows
    done: dict[str, dict[int, list[Trajectory]]] = {reward: {} for reward in rewards}
    for seed in seeds:
        for reward in rewards:
            spec["parameters"].update(reward=reward, seed=seed)
            place = given.out / f"{reward}-{seed}"
            if (given.out / "start").is_dir():  # taught once: the seeds are those of the training
                spec["policy"] = {"start": str(given.out / "start")}
            document = session.train("otc-po", spec, place)
            if (place / "start").is_dir():
                (place / "start").rename(given.out / "start")
            done[reward][seed] = measure(Policy.open(document["artifact"]["path"]), rows)
            facts = {"uses": document["break_even"]["uses"], "seconds": document["spent"]["seconds"]}
            print(json.dumps({"reward": reward, "seed": seed, **facts, **sides(rows, done[reward][seed])}), flush=True)
    for split in ("train", "held-out"):
        for reward in rewards[1:]:
            print(
                json.dumps({"split": split, "against": reward, **paired(rows, split, done[rewards[0]], done[reward])})
            )


def sides(rows: Sequence[Mapping[str, Any]], found: Sequence[Trajectory]) -> dict[str, Any]:
    """Success and calls by split and by whether a call is needed."""
    out = {}
    for split in ("train", "held-out"):
        for known in (True, False):
            part = [
                one for row, one in zip(rows, found, strict=True) if row["split"] == split and row["known"] is known
            ]
            name = f"{split}, {'known' if known else 'unknown'}"
            out[name] = [round(mean([getattr(one, what) for one in part]), 4) for what in ("correct", "calls")]
    return out


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def paired(
    rows: Sequence[Mapping[str, Any]], split: str, method: Mapping[int, Sequence[Trajectory]],
    base: Mapping[int, Sequence[Trajectory]],
) -> dict[str, Any]:  # fmt: skip
    """Ratio of calls with its 95 % interval, and the lower end of the success difference, questions as clusters."""
    at = [place for place, row in enumerate(rows) if row["split"] == split]
    calls = [np.array([[side[seed][place].calls for seed in side] for place in at]).mean(1) for side in (method, base)]
    right = [
        np.array([[side[seed][place].correct for seed in side] for place in at]).mean(1) for side in (method, base)
    ]
    draws = np.random.default_rng(0).integers(0, len(at), (DRAWS, len(at)))
    ratios = calls[0][draws].mean(1) / calls[1][draws].mean(1)
    differences = (right[0] - right[1])[draws].mean(1)
    return {
        "n": len(at), "seeds": len(method), "calls_ratio": round(float(calls[0].mean() / calls[1].mean()), 4),
        "interval": [round(float(end), 4) for end in np.quantile(ratios, (0.025, 0.975))],
        "success_difference": round(float((right[0] - right[1]).mean()), 4),
        "lower_95_one_sided": round(float(np.quantile(differences, 0.05)), 4),
        "by_seed": [
            round(mean([side[place].calls for place in at]) / mean([base[seed][place].calls for place in at]), 4)
            for seed, side in method.items()
        ],
    }  # fmt: skip


if __name__ == "__main__":
    main()
