"""`methods check`: a card's own experiment, and whether its verdict is the one that the card states (EVIDENCE rule 7).

A method is held against its baseline on the workload that its card registered, with the n and margin stated there. On
an oracle or a script what is shown is structure only. The verdict is of the saving that the card claims: contradicted
where the cost surely rises, or success is surely lost by more than the margin; not distinguishable where the interval
of the cost ratio holds 1; else its sign is shown, and its size where a real model's interval holds the ratio claimed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError
from scrimp.core.registry import Card
from scrimp.core.system import System
from scrimp.core.usage import Usage
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.executors.local import parts_of
from scrimp.evaluate.experiment import Experiment, Watch, run
from scrimp.evaluate.systems import baseline, named
from scrimp.evaluate.taught import learns, rows, taught
from scrimp.journal.home import home

ORACLE = "oracle?error=0.1"
"""The model of a check where none is named."""
RATIOS = {"tokens": "tokens_ratio", "usd": "cost_ratio", "seconds": "seconds_ratio", "calls": "calls_ratio"}
"""Where a pair of a comparison holds the ratio in a card's unit."""
SAVED = "checks.json"


@dataclass(frozen=True)
class Check:
    """What a check found, beside what the card states for the class of model."""

    name: str
    baseline: str
    workload: str
    model: str
    n: int
    effectiveness: Mapping[str, Any]
    cost: Mapping[str, Any]
    claim: str
    verdict: str
    stated: str | None

    @property
    def agrees(self) -> bool:
        """Whether the run and the card say the same."""
        return self.verdict == self.stated

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "baseline": self.baseline, "workload": self.workload, "model": self.model, "n": self.n,
            "effectiveness": dict(self.effectiveness), "cost": dict(self.cost), "claim": self.claim,
            "verdict": self.verdict, "stated": self.stated,
        }  # fmt: skip


def checkable(card: Card) -> bool:
    """Whether a card registered an experiment; baselines and controls did not."""
    return bool(card.workload and card.against and card.n)


async def check(
    card: Card, *, model: str = "", data: Path | None = None, n: int | None = None, out: Path | None = None,
    progress: Watch | None = None,
) -> Check:  # fmt: skip
    """Run a card's experiment.

    Args:
        model: the model to check it on; an oracle where empty.
        n: other than the card's number of tasks.

    Raises:
        InputError: the card registers no experiment.
    """
    if not checkable(card):
        raise InputError(f"{card.name} is a baseline or a control: it claims no saving", remedy="name another method")
    wanted = model or ORACLE
    experiment = Experiment(
        (_baseline(card), await _method(card, wanted, data)), card.workload, data=data, model=wanted, n=n or card.n,
        margin=card.margin, out=out, controls=False,
    )  # fmt: skip
    document = await run(experiment, progress)
    base, method = document["systems"]
    (pair,) = document["pairs"]
    ratio = pair[RATIOS[card.unit]]
    return Check(
        card.name, base["name"], card.workload, wanted, document["n"],
        {
            "baseline": base["effectiveness"]["mean"], "method": method["effectiveness"]["mean"],
            "difference": pair["success_difference"]["mean"], "interval": pair["success_difference"]["interval"],
        },
        {
            "unit": card.unit, "baseline": _used(base, card.unit), "method": _used(method, card.unit),
            "ratio": None if ratio is None else ratio["mean"], "interval": None if ratio is None else ratio["interval"],
        },
        card.claim, verdict(card, pair, wanted), card.verdicts.get(model_class(wanted)),
    )  # fmt: skip


def verdict(card: Card, pair: Mapping[str, Any], model: str) -> str:
    """The verdict on a card's saving, of a pair of a comparison."""
    ratio = pair[RATIOS[card.unit]]
    if pair["non_inferior"] == "no":
        return "contradicted"
    if ratio is None or ratio["interval"] is None:
        return "not distinguishable"
    low, high = ratio["interval"]
    if low > 1:
        return "contradicted"
    if high >= 1:
        return "not distinguishable"
    if model_class(model) in ("oracle", "scripted"):
        return "structure only"
    return "reproduced" if card.claimed_ratio and low <= card.claimed_ratio <= high else "direction"


def model_class(model: str) -> str:
    """What a card's verdicts are kept under: `oracle`, `scripted`, or the model's name."""
    name = model.partition("?")[0]
    return name.partition(":")[0] if name.startswith("scripted") else name


@cache
def saved() -> dict[str, dict[str, Any]]:
    """The checks that were run last, by method, as the package holds them."""
    file = files("scrimp.evaluate") / "data" / SAVED
    found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def save(checks: Sequence[Check]) -> Path:
    """Keep checks beside those of other methods; for maintainers, in a checkout."""
    path = Path(str(files("scrimp.evaluate") / "data" / SAVED))
    whole = {**saved(), **{one.name: one.to_json() for one in checks}}
    path.write_text(json.dumps(dict(sorted(whole.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    saved.cache_clear()
    return path


def _baseline(card: Card) -> System:
    """The baseline, with the method that the card is held against where that is another one."""
    return baseline() if card.against in ("react", "everything", "all-tools") else named(card.against)


async def _method(card: Card, model: str, data: Path | None) -> System:
    """The baseline with the method in its place; one that learns is trained on the workload's dev part first."""
    system = named(card.name)
    if not learns(card):
        return system
    benchmark = open_benchmark(card.workload, data)
    place = home() / "trained" / f"{card.name}-{benchmark.name}.npz"
    system = system.with_(model=model)
    return (await taught(system, card.family, rows(benchmark), place, parts_of(system, benchmark)))[0]


def _used(row: Mapping[str, Any], unit: str) -> float | None:
    """What a System used per run, in a card's unit."""
    runs, total = row["runs"], row["ledger"]["total"]
    if unit == "usd":
        return None if row["cost"]["mean"] is None else float(row["cost"]["mean"])
    if unit == "seconds":
        return float(row["latency"]["mean"])
    if unit == "calls":
        return float(total["calls"] / runs)
    return Usage(**total["tokens"]).total / float(runs)
