"""`scrimp tune`: the cheapest System that holds a quality, or the best at a cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.compare import check_out, written
from scrimp.cli.options import Data, Json, Prices, check_prices, data_folder, one_of, read_budget
from scrimp.cli.output import complain, emit, safe, short
from scrimp.cli.tables import show, table
from scrimp.core.errors import InputError

if TYPE_CHECKING:
    from scrimp.evaluate.tune.race import Goal

app = new_app()

NO, STOPPED = 1, 3
SHOWN = 12
"""Systems that are listed for people."""


@app.command()
def tune(
    ctx: typer.Context,
    spec: Annotated[Path, typer.Option("--spec", metavar="FILE", help="The space: [base] and [space] as TOML.")],
    bench: Annotated[str, typer.Option("--bench", metavar="B", help="A benchmark.")],
    spend: Annotated[str, typer.Option("--spend", metavar="K=V,...", help="What the search may use, as usd=0.50.")],
    at_quality: Annotated[
        float | None, typer.Option("--at-quality", metavar="Q", help="Find the cheapest with this success (0 to 1).")
    ] = None,
    at_cost: Annotated[
        str | None, typer.Option("--at-cost", metavar="usd=X", help="Find the best at this mean cost of a run.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="M", help="The main model of every System.")] = None,
    data: Data = None,
    n: Annotated[
        int | None, typer.Option("--n", min=20, metavar="N", help="Tasks to search on, and as many to confirm on.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Of the proposals.")] = 0,
    searcher: Annotated[
        str, typer.Option("--searcher", metavar="NAME", help="race (every System) or optuna; by size by default.")
    ] = "",
    prices: Prices = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="As in compare; a search goes on there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Search a space of Systems: race them on tasks, drop what is surely worse, confirm the winner on other tasks.

    Exit code 1 if no System holds what was asked, 3 if the budget ended the search.
    """
    limits, goal = read_budget(spend), read_goal(at_quality, at_cost)
    check_prices(prices)
    check_out(out)
    if searcher:
        one_of("--searcher", searcher, ("race", "optuna"))

    import anyio

    from scrimp.cli.comparison import watch
    from scrimp.cli.progress import Progress
    from scrimp.evaluate.tune.space import Space
    from scrimp.evaluate.tune.tune import Search
    from scrimp.evaluate.tune.tune import tune as run

    assert limits is not None
    search = Search(
        Space.read(spec), bench, goal, limits, data=data_folder(bench, data), model=model, prices=prices, n=n,
        seed=seed, searcher=searcher, out=out, command=written(ctx),
    )  # fmt: skip
    with Progress(f"tuning on {bench}") as shown:
        document: dict[str, Any] = anyio.run(run, search, watch(shown))
    if as_json:
        emit(document)
    else:
        print_search(document)
    if document["stopped"]:
        complain(document["stopped"])
        raise typer.Exit(STOPPED)
    raise typer.Exit(0 if document["best"] else NO)


def read_goal(at_quality: float | None, at_cost: str | None) -> Goal:
    """What is searched for.

    Raises:
        InputError: neither or both are said, or a value is none.
    """
    from scrimp.evaluate.tune.race import Goal

    if (at_quality is None) == (at_cost is None):
        raise InputError("tune needs one goal", remedy="--at-quality 0.8, or --at-cost usd=0.001")
    if at_quality is not None:
        if not 0 < at_quality <= 1:
            raise InputError(f"a quality of {at_quality:g} is not between 0 and 1", remedy="--at-quality 0.8")
        return Goal("quality", at_quality)
    budget = read_budget(at_cost)
    limits = budget.limits if budget is not None else {}
    if set(limits) != {"usd"}:
        raise InputError(f"--at-cost {at_cost} is no cost in dollars", remedy="--at-cost usd=0.001")
    return Goal("cost", float(limits["usd"]))


def print_search(document: dict[str, Any]) -> None:
    """The document of `tune` for people."""
    from scrimp.cli import values

    made = table("system", "tasks", "success [95 %]", "cost per run", "dropped", right=("tasks",), fixed=("system",))
    best = document["best"]["name"] if document["best"] else ""
    rows = sorted(document["tried"], key=lambda row: (row["name"] != best, row["dropped"] or "", row["cost"]["mean"]))
    for row in rows[:SHOWN]:
        made.add(
            safe(row["name"]), str(row["tasks"]), values.interval(row["effectiveness"]),
            values.interval(row["cost"], of="dollars"), safe(short(row["dropped"] or "", 24)),
        )  # fmt: skip
    show(made, "")
    if len(rows) > SHOWN:
        show(f"- {len(rows) - SHOWN} more, {sum(row['dropped'] is not None for row in rows)} dropped in all: --json")
    show(safe(document["evidence"]["says"]))
    spent = document["spent"]
    show(f"- spent: {values.money(spent['usd'])} on {spent['trials']} trials, confirmation included")
    if document["best"]:
        show(f"- use it with: scrimp compare --systems baseline,{document['best']['file']} ...")
