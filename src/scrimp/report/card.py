"""The efficiency card: what one experiment showed, as one JSON document with a published schema.

It holds what a hostile reader needs and nothing that cannot be checked: the System as data, the model, the price list
and its date, the benchmark and its version, n, seeds, effectiveness and cost by both partitions with intervals,
cost-of-pass with its kind, controls, verdicts, the environment, and a hash of the journal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.usage import Usage

FORMAT = "scrimp-card/1"
PARTITIONS = ("components", "terms")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every card fulfils."""
    found: dict[str, Any] = json.loads((files(__package__) / "card.schema.json").read_text(encoding="utf-8"))
    return found


def card(document: Mapping[str, Any], system: str = "") -> dict[str, Any]:
    """The card of an experiment.

    Args:
        document: as `compare` writes it.
        system: the System whose card it is; all of them where empty.

    Raises:
        UnknownName: no System of that name is in the document.
        InputError: the document was written by an older version and lacks what a card needs, or its user was scripted.
    """
    rows = document.get("systems") or []
    names = [row["name"] for row in rows]
    if system and system not in names:
        raise UnknownName("System of this experiment", system, names)
    if any(row["effectiveness"].get("mean") is None for row in rows):
        raise InputError("a card states effectiveness, and this experiment has no figure of it: its user was scripted",
                         remedy="let a model play the user: NAME?user=MODEL")  # fmt: skip
    try:
        return {
            "format": FORMAT,
            "experiment": document["experiment"],
            "date": document["date"],
            "benchmark": {"name": document["bench"], "version": str(document["bench_version"]),
                          "split": document["split"]},
            "model": document["model"],
            "prices": document["prices"],
            "n": document["n"],
            "seeds": document["seeds"],
            "margin": document["margin"],
            "controls": document["controls"],
            "oracle": document["oracle"] is not None,
            "systems": [_system(row, document) for row in rows if not system or row["name"] == system],
            "environment": document["environment"],
            "journal": document["journal"],
            "command": document["command"],
        }  # fmt: skip
    except KeyError as missing:
        raise InputError(
            f"the experiment's result lacks {missing}", remedy="run it again; its trials are kept"
        ) from missing


def _system(row: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    runs, ledger, cost = max(row["runs"], 1), row["ledger"], row["cost"]
    return {
        "name": row["name"],
        "role": row["role"],
        "control": row["control"],
        "system": row["system"],
        "n": row["n"],
        "runs": row["runs"],
        "effectiveness": row["effectiveness"],
        "tokens_per_run": {kind: count / runs for kind, count in row["tokens"].items()},
        "calls_per_run": ledger["total"]["calls"] / runs,
        "cost_per_run": {"mean": cost["mean"], "interval": cost["interval"], "currency": cost["currency"],
                         "state": cost["state"]},
        **{name: {key: _share(cell, runs) for key, cell in ledger[name].items()} for name in PARTITIONS},
        "cost_of_pass": row["cost_of_pass"],
        "latency": row["latency"],
        "on_frontier": row["on_frontier"],
        "frontier_probability": row["frontier_probability"],
        "verdicts": [_verdict(pair) for pair in document["pairs"] if pair["b"] == row["name"] and "verdict" in pair],
    }  # fmt: skip


def _share(cell: Mapping[str, Any], runs: int) -> dict[str, Any]:
    """A cell of the ledger, per run."""
    amount = cell["cost"]["amount"]
    return {
        "cost": None if amount is None else float(amount) / runs,
        "tokens": Usage(**cell["tokens"]).total / runs,
        "calls": cell["calls"] / runs,
    }


def _verdict(pair: Mapping[str, Any]) -> dict[str, Any]:
    ratio = pair["cost_ratio"] or pair["tokens_ratio"]
    return {
        "against": pair["a"], "verdict": pair["verdict"], "says": pair["says"], "n": pair["n"],
        "cost_ratio": {"mean": ratio["mean"], "interval": ratio["interval"]},
        "success_difference": {key: pair["success_difference"][key] for key in ("mean", "interval")},
        "p_adjusted": pair["p_adjusted"],
    }  # fmt: skip
