"""What the audit predicted of three behavioural remedies, beside what they saved when they were applied for real.

    python benchmarks/predicted_realised.py --n 20 [--model local] [--bench "toolworld?tools=16"] [--max-steps 6]

The baseline runs n tasks of the tool world; `scrimp audit` reads its journal and predicts what each remedy would have
saved. Then each remedy is put into the System, as `--emit-config` writes it, and runs the same tasks. Predicted and
realised are shares of what the baseline's model calls cost (local tokens at the reference list; the world's priced
tools are left out), realised with its paired interval; success stands beside. The tasks on which the audit learns are
the tasks on which the remedy runs: what is tested is the arithmetic of the what-if and its label "behavioural", not how
it carries over to other tasks. `--max-steps` bounds both sides alike: a model of this size now and then repeats one
call until its loop ends, and one such run would outweigh all others.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from scrimp import compare
from scrimp.audit.audit import Options, audit_paths
from scrimp.core.system import Part, System
from scrimp.evaluate.systems import baseline
from scrimp.journal.export import jsonl
from scrimp.journal.journal import Journal

REMEDIES = ("shorten-schemas", "top-k-tools", "window")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--model", default="local")
    parser.add_argument("--bench", default="toolworld?tools=16")
    parser.add_argument("--max-steps", type=int, default=6)
    parser.add_argument("--remedies", default=",".join(REMEDIES))
    parser.add_argument("--out", type=Path, default=None, help="keeps the runs; what is there is not run again")
    given = parser.parse_args()
    folder = given.out or Path(tempfile.mkdtemp(prefix="scrimp-predicted-"))
    recorded = folder / "baseline.jsonl"
    if not recorded.exists():
        recorded.write_text(record(given, folder / "baseline"), encoding="utf-8")
    document = audit_paths([recorded], Options()).to_json()
    print(f"{given.bench}, {given.model}, n = {document['runs']}; baseline {document['cost']['amount']} dollars")
    predicted = {row["name"]: row for row in document["remedies"]}
    models = float(document["cost"]["amount"]) - float(document["components"]["tools"]["cost"]["amount"])
    errors = []
    for name in given.remedies.split(","):
        row = predicted.get(name)
        if row is None:
            print(f"{name:20} does not apply to these runs")
            continue
        found = realised(given, row, folder / name)
        share = row["rank_by"] / models
        errors.append(abs(share - found["saved"]) * 100)
        low, high = found["interval"] or (float("nan"), float("nan"))
        print(
            f"{name:20} predicted {100 * share:5.1f} %   realised {100 * found['saved']:5.1f} % "
            f"({100 * low:.1f} to {100 * high:.1f} %)   off by {errors[-1]:.1f} points   "
            f"success {found['before']:.2f} -> {found['after']:.2f}"
        )
    if errors:
        print(f"median error {statistics.median(errors):.1f} points over {len(errors)} remedies")
    return 0


def record(given: argparse.Namespace, out: Path) -> str:
    """The baseline's runs as JSON lines."""
    result = experiment(given, [bounded(given)], out)
    journal = Journal(out / "journal.sqlite")
    runs = journal.runs(experiment=result["experiment"], limit=10**6)
    return "".join(f"{line}\n" for run in reversed(runs) for line in jsonl(journal, run.id))


def bounded(given: argparse.Namespace) -> System:
    return baseline().with_(planner=Part("react", {"max_steps": given.max_steps}))


def realised(given: argparse.Namespace, row: dict[str, Any], out: Path) -> dict[str, Any]:
    """What the remedy saved when it was applied: share of dollars with its paired interval, and success."""
    cached = out / "realised.json"
    if cached.exists():
        kept: dict[str, Any] = json.loads(cached.read_text(encoding="utf-8"))
        return kept
    changed = System.from_data({**bounded(given).to_json(), **row["settings"], "name": row["name"]})
    result = experiment(given, [changed], out)
    after = trials(out)
    before = trials(out.parent / "baseline")
    from scrimp.evaluate.statistics import log_cost_ratio

    tasks = sorted(before)
    costs = [[cost(side[task]) for task in tasks] for side in (before, after)]
    ratio = log_cost_ratio(*costs, tasks).ratio
    found = {
        "saved": 1 - (ratio.mean or 0.0),
        "interval": None if ratio.interval is None else [1 - ratio.interval[1], 1 - ratio.interval[0]],
        "before": sum(before[task]["success"] for task in tasks) / len(tasks),
        "after": result["systems"][0]["effectiveness"]["mean"],
    }
    cached.write_text(json.dumps(found), encoding="utf-8")
    return found


def experiment(given: argparse.Namespace, systems: list[System], out: Path) -> dict[str, Any]:
    return compare(systems, given.bench, model=given.model, n=given.n, out=out)


def trials(folder: Path) -> dict[str, Any]:
    lines = (folder / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    return {trial["task"]: trial for trial in map(json.loads, lines)}


def cost(trial: dict[str, Any]) -> float:
    whole, tools = trial["ledger"]["total"]["cost"], trial["ledger"]["components"]["tools"]["cost"]
    return float(whole["amount"]) - float(tools["amount"])


if __name__ == "__main__":
    raise SystemExit(main())
