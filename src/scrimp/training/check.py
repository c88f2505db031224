"""`methods check` of a trainer: its objective on a policy of two layers, beside the same training by its control."""

from __future__ import annotations

import tempfile
from pathlib import Path

from scrimp.core.registry import Card
from scrimp.evaluate.check import Check, verdict
from scrimp.training import objective

MODEL = "scripted:a policy of two layers"
"""No language model, so what it shows is structure only."""


def check(card: Card, *, out: Path | None = None, watch: objective.Watch | None = None) -> Check:
    """Run it, with three seeds; minutes. Measured on the questions that are held out.

    Args:
        out: keeps the policies, and is gone on with; a folder that is removed where None.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            return check(card, out=Path(folder), watch=watch)
    trained = objective.run(card.name, out, watch=watch)
    method, base = trained.found["multiplied"], trained.found["correctness"]
    pair = objective.paired(trained.rows, "held-out", method, base)
    pair["non_inferior"] = "yes" if 100 * pair["success_difference"]["lower"] > -card.margin else "no"
    return Check(
        card.name, card.against, card.workload, MODEL, pair["n"],
        {"baseline": pair["success"][1], "method": pair["success"][0],
         "difference": pair["success_difference"]["mean"], "interval": pair["success_difference"]["interval"]},
        {"unit": card.unit, "baseline": pair["calls"][1], "method": pair["calls"][0],
         "ratio": pair["calls_ratio"]["mean"], "interval": pair["calls_ratio"]["interval"]},
        card.claim, verdict(card, pair, MODEL), card.verdicts.get("scripted"),
    )  # fmt: skip
