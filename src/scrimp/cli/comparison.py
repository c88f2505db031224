"""Comparisons on the screen, and their report file; what `compare` and `demo` share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from scrimp.cli import values
from scrimp.cli.output import complain, emit, safe
from scrimp.cli.tables import show, table
from scrimp.core.errors import ScrimpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrimp.cli.progress import Progress
    from scrimp.cli.tables import Grid
    from scrimp.evaluate.experiment import Progress as Done

NO, STOPPED = 1, 3


def watch(shown: Progress) -> Callable[[Done], None]:
    """What an experiment tells its progress to."""

    def update(at: Done) -> None:
        spent = "an unknown amount" if at.spent.amount is None else values.dollars(at.spent.amount)
        left = "" if at.left is None or at.left.amount is None else f", {values.dollars(at.left.amount)} left"
        shown.update(at.done, at.total, f"{spent} spent{left}", elapsed=at.seconds)

    return update


def finish(document: dict[str, Any], as_json: bool) -> None:
    """Write the report, print the document, and leave with its exit code."""
    guard = document.get("guard")
    code = STOPPED if document.get("stopped") else NO if guard and guard["passed"] is False else 0
    if document["systems"]:
        try:
            document["report"] = str(write_report(document, Path(document["folder"])))
        except ScrimpError as error:  # the result is printed all the same: it was paid for
            complain(str(error))
            code = code or error.exit_code
    if as_json:
        emit(document)
    else:
        print_comparison(document)
    if document.get("stopped"):
        complain(str(document["stopped"]))
    raise typer.Exit(code)


def write_report(document: Mapping[str, Any], folder: Path) -> Path:
    """The HTML report of a document, in a folder."""
    from scrimp.report.html import write

    return write(document, folder)


def print_comparison(document: Mapping[str, Any]) -> None:
    """The document of `compare` for people."""
    from scrimp.report.data import said

    systems = document["systems"]
    show(_headline(document), "")
    if systems:
        show(_systems(systems), "")
        show(_where("components", "cost by component", systems), "")
        show(_where("terms", "cost by term", systems), "")
    for line in said(document):
        show(safe(line))
    for line in document.get("notes") or ():
        show(f"- {safe(line)}")
    if document.get("command"):
        show(f"- repeat it with: {safe(document['command'])}")
    if document.get("report"):
        show("", f"report: {document['report']}")


def print_forecast(found: Mapping[str, Any]) -> None:
    """The document of a dry run for people."""
    show(f"{found['runs']} runs: {found['n']} tasks, {found['seeds']} seed{'s' if found['seeds'] > 1 else ''}", "")
    made = table("system", "runs", "model", right=("runs",), fixed=("system",))
    for row in found["systems"]:
        made.add(safe(row["name"]), str(row["runs"]), safe(row["model"]))
    show(made, "")
    show(f"- {found['upper_bound']['says']}")
    forecast = found["forecast"]
    if forecast is None:
        show("- no forecast: no earlier trials of all these Systems; a run with --n 10 and the same --out makes some,")
        show("  and they count when the whole is run there")
    else:
        show(f"- forecast, 90 % interval, from {forecast['from']}:")
        for unit, write_ in (("usd", values.dollars), ("tokens", values.count), ("seconds", values.seconds)):
            if forecast[unit]:
                low, mean, high = (write_(forecast[unit][key]) for key in ("low", "mean", "high"))
                show(f"    {unit}: {mean} ({low} to {high})")
    for line in found["missing_controls"]:
        show(f"- no control for {safe(line)}")
    show(f"- {found['power']['says']}")


def _headline(document: Mapping[str, Any]) -> str:
    pieces = [
        f"{document['bench']} ({document['split']})" if document.get("split") else str(document["bench"]),
        f"model {document['model']}",
        f"n = {document['n']} tasks",
    ]
    if (document.get("seeds") or 1) != 1:
        pieces.append(f"{document['seeds']} seeds")
    if document.get("prices"):
        pieces.append(values.price_lists(document["prices"]))
    return safe(", ".join(pieces))


def _systems(systems: list[Mapping[str, Any]]) -> Grid:
    made = table(
        "system", "n", "success [95 %]", "cost per run", "tokens", "time", "cost per success", "frontier",
        right=("n", "tokens", "time"), fixed=("system",),
    )  # fmt: skip
    for row in systems:
        runs = max(1, row.get("runs") or row["n"])
        passed = row.get("cost_of_pass") or {}
        made.add(
            safe(row["name"]),
            str(row["n"]),
            _success(row),
            _dollars(row["cost"]),
            values.count(values.all_tokens(row["ledger"]["total"]["tokens"]) / runs),
            values.seconds((row.get("latency") or {}).get("mean")),
            _dollars(passed),
            "yes" if row["on_frontier"] else "no",
        )
    return made


def _success(row: Mapping[str, Any]) -> str:
    """Success with its interval, and the finer score beside it where that is another figure."""
    found, score = row["effectiveness"], (row.get("score") or {}).get("mean")
    shown = values.interval(found)
    return shown if score is None or score == found.get("mean") else f"{shown}, score {values.share(score)}"


def _dollars(found: Mapping[str, Any]) -> str:
    """A mean in dollars with its interval, or why there is none."""
    if found.get("mean") is None:
        return str(found.get("reason") or "unknown")
    return values.interval(found, of="dollars")


def _where(partition: str, header: str, systems: list[Mapping[str, Any]]) -> Grid:
    """Where each System's money goes, per run; lines where none has any call are left out."""
    names = [safe(row["name"]) for row in systems]
    made = table(f"{header}, per run", *names, right=names)
    for key in systems[0]["ledger"][partition]:
        cells = [row["ledger"][partition].get(key) for row in systems]
        if any(cell and cell["calls"] for cell in cells):
            made.add(key, *(_cell(cell, row) for cell, row in zip(cells, systems, strict=True)))
    return made


def _cell(cell: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str:
    if cell is None or not cell["calls"]:
        return values.MISSING
    whole, runs = row["ledger"]["total"]["cost"]["amount"], max(1, row.get("runs") or row["n"])
    if cell["cost"]["amount"] is None:
        return values.money(cell["cost"])
    amount = float(cell["cost"]["amount"])
    share = f" ({values.share(amount / float(whole))})" if whole is not None and float(whole) else ""
    return values.dollars(amount / runs) + share
