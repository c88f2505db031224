"""Runs on the screen: the answer, what stopped it, and where the cost went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scrimp.cli import values
from scrimp.cli.output import one_line, safe
from scrimp.cli.tables import bar, show, table, width

if TYPE_CHECKING:
    from scrimp.cli.tables import Grid

EXIT_CODES = {"done": 0, "budget": 3, "error": 4}
NUMBERS = ("cost", "tokens", "calls", "busy")

ROOM_FOR_BARS = 76
"""Columns of a terminal from which on bars are drawn."""


def print_run(document: Mapping[str, Any], *, answer: bool = True) -> None:
    """A run's document (that of `run --json`) for people."""
    if answer:
        show(safe(document["answer"]) or "(no answer)")
        for call in document.get("calls", ()):
            show(f"  {call['name']}({_arguments(call)})")
        show("")
    ledger = document["ledger"]
    show(_headline(document))
    for made in ledger_tables(ledger):
        show("", made)
    if document["budget"]:
        show("", budget_table(document["budget"]))


def _headline(document: Mapping[str, Any]) -> str:
    total = document["ledger"]["total"]
    pieces = [
        f"run {document['run']}",
        {"done": "done", "budget": "stopped by its budget", "error": "failed"}.get(
            document["status"], document["status"]
        ),
        values.money(total["cost"]),
        f"{values.tokens(total['tokens'])} tokens",
        "1 step" if document["steps"] == 1 else f"{'?' if document['steps'] is None else document['steps']} steps",
        values.seconds(document["ledger"]["wall_seconds"]),
    ]
    return ", ".join(pieces) + f" ({values.source(total['cost'])})"


def _arguments(call: Mapping[str, Any]) -> str:
    arguments = call.get("arguments")
    if not isinstance(arguments, Mapping):
        return one_line(str(call.get("raw", "")))
    return ", ".join(f"{key}={one_line(str(value))}" for key, value in arguments.items())


# -- ledgers -----------------------------------------------------------------------------------------


def ledger_tables(ledger: Mapping[str, Any]) -> list[Grid]:
    """The two partitions of a ledger, with bars. Lines without any call are left out."""
    made = [_partition(ledger, "components", "component"), _partition(ledger, "terms", "term")]
    if ledger["harness"]["calls"]:
        made[0].add("(harness)", *_figures(ledger["harness"]), "")
    return made


def _partition(ledger: Mapping[str, Any], key: str, header: str) -> Grid:
    made = table(header, "cost", "tokens", "calls", "busy", "share", right=NUMBERS, fixed=(header, "share"))
    total, unit = ledger["total"], _unit(ledger["total"])
    for name, cell in ledger[key].items():
        if cell["calls"] or values.all_tokens(cell["tokens"]):
            whole = _weight(total, unit)
            made.add(name, *_figures(cell), shown_share(_weight(cell, unit) / whole if whole else 0.0))
    made.add("total", *_figures(total), "", bold=True)
    return made


def shown_share(share: float) -> str:
    """A share as bar and percent; the bar only where there is room for it."""
    return f"{bar(share) if width() >= ROOM_FOR_BARS else ''} {values.share(share)}".strip()


def _figures(cell: Mapping[str, Any]) -> tuple[str, str, str, str]:
    tokens = values.count(values.all_tokens(cell["tokens"]))
    return values.money(cell["cost"]), tokens, values.count(cell["calls"]), values.seconds(cell["busy_seconds"])


def _unit(total: Mapping[str, Any]) -> str:
    """What shares are of: money where it is known and not nothing, else tokens, else time."""
    if total["cost"]["amount"] is not None and float(total["cost"]["amount"]):
        return "cost"
    return "tokens" if values.all_tokens(total["tokens"]) else "busy"


def _weight(cell: Mapping[str, Any], unit: str) -> float:
    if unit == "cost":
        return float(cell["cost"]["amount"] or 0)
    return float(values.all_tokens(cell["tokens"]) if unit == "tokens" else float(cell["busy_seconds"]))


def budget_table(budget: Mapping[str, Mapping[str, Any]]) -> Grid:
    """Limits, and how much of each is used."""
    made = table("budget", "limit", "spent", "used", right=("limit", "spent"), fixed=("used",))
    for key, row in budget.items():
        limit, spent = float(row["limit"]), row["spent"]
        share = float(spent) / limit if limit and spent is not None else 0.0
        made.add(key, values.plain(row["limit"]), values.plain(spent), shown_share(share))
    return made
