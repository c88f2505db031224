"""`scrimp reproduce`: a table of the documentation, repeated on another model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.compare import check_out, conduct, read_workers, written
from scrimp.cli.options import BudgetText, Data, Json, Prices, check_prices, data_folder, read_budget
from scrimp.cli.output import emit
from scrimp.cli.tables import show, table

if TYPE_CHECKING:
    from scrimp.evaluate.experiment import Experiment

app = new_app()


@app.command()
def reproduce(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="A table's name; without it, those that there are.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="M", help="The model to repeat it on; its own by default.")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, metavar="N", help="Fewer tasks than the table has.")] = None,
    data: Data = None,
    budget: BudgetText = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it may cost; nothing is spent.")] = False,
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="local|ray[:N]", help="Where trials run, and how many at once.")
    ] = None,
    prices: Prices = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="As in compare.")] = None,
    as_json: Json = False,
) -> None:
    """Repeat a table of the documentation, on another model if one is named.

    A ranking holds for the model class that it was measured on; this asks whether it holds for yours. Without
    --dry-run it says first, on standard error, what it may cost.
    """
    from scrimp.evaluate import tables

    if name is None:
        return list_tables(as_json)
    limits = read_budget(budget)
    check_prices(prices)
    check_out(out)
    where, at_once = read_workers(workers)
    experiment = tables.table(name)
    given = {"model": model, "n": n, "budget": limits, "prices": prices, "out": out, "executor": where,
             "workers": at_once}  # fmt: skip
    experiment = replace(experiment, **{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    experiment = replace(experiment, data=data_folder(experiment.bench, data), command=written(ctx))
    if not dry_run:
        forecast_first(experiment)
    return conduct(experiment, dry_run, as_json)


def forecast_first(experiment: Experiment) -> None:
    """What it may cost, before it is spent."""
    import anyio

    from scrimp.cli import values
    from scrimp.cli.output import note
    from scrimp.evaluate.experiment import plan
    from scrimp.evaluate.outlook import outlook

    found = outlook(anyio.run(plan, experiment))
    dollars = (found["forecast"] or {}).get("usd")
    if dollars:
        low, mean, high = (values.dollars(dollars[key]) for key in ("low", "mean", "high"))
        note(f"forecast: {mean} ({low} to {high}, 90 % interval); {found['upper_bound']['says']}")
    else:
        note(f"no forecast: no earlier trials of these Systems are known; {found['upper_bound']['says']}")


def list_tables(as_json: bool) -> None:
    """The tables that can be repeated."""
    from scrimp.evaluate import tables

    rows = []
    for name, page in tables.PAGES.items():
        experiment = tables.table(name)
        systems = ", ".join(system.name for system in experiment.systems)
        rows.append({"name": name, "page": page, "bench": experiment.bench, "model": experiment.model,
                     "n": experiment.n, "systems": systems})  # fmt: skip
    if as_json:
        return emit(rows)
    made = table("name", "page", "bench", "model", "n", "systems", right=("n",), fixed=("name",))
    for row in rows:
        made.add(str(row["name"]), str(row["page"]), str(row["bench"]), str(row["model"]), str(row["n"]),
                 str(row["systems"]))  # fmt: skip
    return show(made)
