"""The same experiment here and on a two-node Ray cluster of which one node is killed in the middle.

    python benchmarks/ray_node_killed.py [--model local] [--bench "toolworld?tools=16"] [--n 5] [--max-steps 4]

Both Systems run on n tasks each way. Printed: results of both, calls that were sent again although they had been
committed (counted in the journal: attempts after the first of calls that had ended well), and what was spent, with what
was in flight when the node died apart. A local model answers alike only where its prompt cache is alike, so its answers
may differ between the two; those of a scripted model or an oracle may not.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.events import Event
from scrimp.core.system import Part
from scrimp.evaluate.experiment import Experiment, Progress, run
from scrimp.evaluate.systems import baseline, efficient
from scrimp.journal.journal import Journal


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="local")
    parser.add_argument("--bench", default="toolworld?tools=16")
    parser.add_argument("--n", type=int, default=5)
    parser.add_argument("--max-steps", type=int, default=4)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="scrimp-ray-"))
    here = anyio.run(run, experiment(given, folder / "here", "local"))
    told("in one process", here, folder / "here")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    killed: list[int] = []

    def watch(at: Progress) -> None:
        if at.done == given.n // 2 + 1 and not killed:
            killed.append(at.done)
            cluster.remove_node(node, allow_graceful=False)

    try:
        there = anyio.run(run, experiment(given, folder / "there", "ray"), watch)
    finally:
        ray.shutdown()
        cluster.shutdown()
    told(f"on Ray, a node killed after trial {killed[0]}", there, folder / "there")
    return 0


def experiment(given: argparse.Namespace, out: Path, executor: str) -> Experiment:
    react = baseline().with_(planner=Part("react", {"max_steps": given.max_steps}))
    return Experiment((react, efficient()), given.bench, model=given.model, n=given.n, out=out, executor=executor,
                      workers=2)  # fmt: skip


def told(what: str, document: dict[str, Any], out: Path) -> None:
    journal = Journal(out / "journal.sqlite")
    events = [event for record in journal.runs(limit=10_000) for event in journal.events(record.id)]
    journal.close()
    cut = [event for event in events if event.status == "cut"]
    spent = sum((Decimal(row["cost"]["amount"]) for row in document["systems"]), Decimal(0))
    lost = sum((event.money.amount or Decimal(0) for event in cut), Decimal(0))
    trials = [json.loads(line)["place"] for line in (out / "trials.jsonl").read_text(encoding="utf-8").splitlines()]
    print(f"{what}: {len(trials)} trials, {len(set(trials))} of them different")
    for row in document["systems"]:
        print(f"  {row['name']:12} success {row['effectiveness']['mean']:.2f}, output tokens {row['tokens']['output']}")
    print(f"  committed calls sent again {again(events)}, calls in flight at the end of a worker {len(cut)}")
    print(f"  spent ${spent}, of that in flight ${lost}, without it ${spent - lost}")


def again(events: list[Event]) -> int:
    """Calls that were sent once more by transport although an earlier attempt had ended well."""
    well = {(str(e.key), e.key.run, e.attempt) for e in events if e.status == "ok"}
    return sum(e.retry == "transport" and (str(e.key), e.key.run, e.attempt - 1) in well for e in events)


if __name__ == "__main__":
    raise SystemExit(main())
