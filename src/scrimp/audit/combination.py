"""Remedies together: chosen one after the other by what each adds, billed at once, and written down as a System.

Savings do not add up: two remedies may save the same tokens, and one may break the cache that the other lives on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from scrimp.audit.bill import Biller
from scrimp.audit.draft import Remedy, apply_all, draft
from scrimp.audit.measure import Run
from scrimp.audit.remedies.table import EITHER, REMEDIES
from scrimp.core.errors import InputError, OutsideError
from scrimp.journal.locks import write_whole

RUNS = 200
"""Runs on which combinations are tried, drawn like any sample."""

LABELS = ("exact", "behavioural", "hindsight bound")
"""From the surest to the least sure."""

CANDIDATES = ("exact", "behavioural")
"""What a combination is made of: a hindsight bound cannot be switched on."""

APART = ("batch-tier", "flex-tier", "cheaper-model", "lower-effort")
"""Left out: whether anybody waits, or another model is good enough, no record tells."""

WORTH = Decimal("0.005")
"""Share of the cost that a remedy must add to be taken in."""


@dataclass
class Combination:
    """Remedies that were chosen, with what they save on the runs they were tried on, in dollars."""

    chosen: list[Remedy] = field(default_factory=list)
    net: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    alone: Decimal = Decimal(0)
    exact: Decimal = Decimal(0)
    runs: int = 0

    def to_json(self, whole: Decimal | None, scale: Decimal | None) -> dict[str, Any]:
        """The `combination` of an audit's document; dollars over all runs, in proportion to their cost."""
        factor = whole / self.cost if whole is not None and self.cost else Decimal(1)
        labels = [remedy.exactness for remedy in self.chosen]
        out: dict[str, Any] = {
            "remedies": [remedy.name for remedy in self.chosen],
            "net": float(self.net * factor),
            "share": float(self.net / self.cost) if self.cost else None,
            "sum_of_single": float(self.alone * factor),
            "exact_only": float(self.exact * factor),
            "exactness": max(labels, key=LABELS.index) if labels else None,
            "tried_on_runs": self.runs,
        }
        if scale is not None:
            out["per_month"] = float(self.net * factor * scale)
            out["sum_of_single_per_month"] = float(self.alone * factor * scale)
        return out


def combine(runs: Sequence[Run]) -> Combination:
    """The remedies that together save most, chosen greedily; exact and behavioural ones only."""
    billers = [(run, Biller(run)) for run in runs if run.calls]
    cost = _cost(billers, ())
    if cost is None or not cost:
        return Combination(runs=len(billers))
    candidates = [remedy for remedy in REMEDIES if remedy.exactness in CANDIDATES and remedy.name not in APART]
    alone = {remedy.name: cost - (_cost(billers, (remedy,)) or cost) for remedy in candidates}
    found = Combination(cost=cost, runs=len(billers))
    left = [remedy for remedy in candidates if alone[remedy.name] > WORTH * cost]
    while left:
        tried = [(cost - (_cost(billers, (*found.chosen, remedy)) or cost), remedy) for remedy in left]
        net, best = max(tried, key=lambda item: item[0])
        if net - found.net < WORTH * cost:
            break
        found.chosen, found.net = sorted([*found.chosen, best], key=lambda remedy: remedy.rank), net
        others = {name for group in EITHER if best.name in group for name in group}
        left = [remedy for remedy in left if remedy is not best and remedy.name not in others]
    found.alone = sum((alone[remedy.name] for remedy in found.chosen), Decimal(0))
    exact = [remedy for remedy in found.chosen if remedy.exactness == "exact"]
    found.exact = cost - (_cost(billers, exact) or cost)
    return found


def _cost(billers: Iterable[tuple[Run, Biller]], remedies: Sequence[Remedy]) -> Decimal | None:
    """Dollars of all runs with these remedies; runs without a price are left out."""
    total = Decimal(0)
    for run, biller in billers:
        made = apply_all(remedies, run) if remedies else draft(run)
        total += biller.bill(made).dollars() or Decimal(0)
    return total


# -- as a System -------------------------------------------------------------------------------------


def emit_config(rows: Sequence[Mapping[str, Any]], chosen: Sequence[str], path: Path, model: str = "") -> None:
    """Write the chosen remedies as the TOML of a System, all of it or nothing.

    Args:
        rows: the `remedies` of an audit's document.
        model: the main model, to which options (`?cache=1h`) are added.

    Raises:
        InputError: the folder is not there.
        OutsideError: the disk refuses.
    """
    text = config(rows, chosen, model)
    if not path.parent.is_dir():
        raise InputError(f"--emit-config: there is no folder {path.parent}")
    try:
        write_whole(path, text)
    except OSError as error:
        raise OutsideError(f"{path} could not be written: {error.strerror}") from error


def config(rows: Sequence[Mapping[str, Any]], chosen: Sequence[str], model: str = "") -> str:
    """The TOML of a System with the chosen remedies."""
    by_name = {row["name"]: row for row in rows}
    picked = [by_name[name] for name in chosen if name in by_name]
    options = [row["settings"]["model"] for row in picked if "model" in row["settings"]]
    lines = ["# What `scrimp audit` chose; each with what it would have saved on the recorded runs."]
    keys: dict[str, Any] = {}
    for row in picked:
        keys |= {key: value for key, value in row["settings"].items() if key not in ("transform", "model")}
    if model:
        query = "&".join(option.removeprefix("?") for option in options)
        lines.append(f"model = {json.dumps(f'{model}?{query}' if query else model)}")
    lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    for row in picked:
        lines += ["", *_comment(row)]
        tables = row["settings"].get("transform", ())
        if not row["settings"]:
            lines.append("# Nothing to switch on here: it takes a change of the agent, or the provider does it.")
        for table in tables:
            lines.append("[[transform]]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _comment(row: Mapping[str, Any]) -> list[str]:
    share = row["share"] or 0.0
    return [
        f"# {row['name']}: {row['title']}. Saves {100 * share:.1f} % alone ({row['exactness']}).",
        f"# Assumes: {' '.join(row['assumes'].split())}",
    ]
