"""OTC-PO against the same GRPO on right answers alone: a tiny policy, the boundary set, 3 seeds.

    python benchmarks/training_objective.py --out DIR [--rewards multiplied,correctness,added] [--seeds 0,1,2]

Prints calls and success on the 1,600 questions that were trained on and on the 400 held out. A test of the objective:
nothing here is evidence about language models.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from scrimp.training import objective


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--rewards", default="multiplied,correctness")
    given = parser.parse_args()
    seeds, rewards = [int(seed) for seed in given.seeds.split(",")], given.rewards.split(",")
    trained = objective.run("otc-po", given.out, rewards, seeds)
    for reward, found in trained.found.items():
        for seed, done in found.items():
            document = trained.documents[reward][seed]
            facts = {"uses": document["break_even"]["uses"], "seconds": document["spent"]["seconds"]}
            print(json.dumps({"reward": reward, "seed": seed, **facts, **objective.sides(trained.rows, done)}))
    method, *others = rewards
    for split in objective.SPLITS:
        for other in others:
            pair = objective.paired(trained.rows, split, trained.found[method], trained.found[other])
            print(json.dumps({"split": split, "against": other, **pair}))


if __name__ == "__main__":
    main()
