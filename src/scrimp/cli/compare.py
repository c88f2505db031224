"""`scrimp compare`: Systems x tasks x seeds, with statistics."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import BudgetText, Data, Json, Prices, check_prices, data_folder, read_budget
from scrimp.core.errors import InputError

if TYPE_CHECKING:
    from scrimp.core.system import System

app = new_app()


@app.command()
def compare(
    ctx: typer.Context,
    systems: Annotated[
        str, typer.Option("--systems", metavar="A,B,...", help="baseline, efficient, methods or TOML files.")
    ],
    bench: Annotated[
        str, typer.Option("--bench", metavar="B", help="A benchmark; its options follow a ?, as toolworld?tools=16.")
    ],
    data: Data = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="M", help="The main model of every System; oracle?error=0.1 for structure only."
        ),
    ] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, metavar="N", help="How many tasks; all by default.")] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="K", help="Repetitions of each task.")] = 1,
    budget: BudgetText = None,
    margin: Annotated[
        float, typer.Option("--margin", min=0.1, max=50, metavar="P", help="Of non-inferiority, in points.")
    ] = 3.0,
    split: Annotated[str | None, typer.Option("--split", metavar="S", help="Which tasks of the benchmark.")] = None,
    prices: Prices = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where trials, result and report go.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Which System is best: effectiveness against cost, with intervals, on the same tasks.

    The budget limits the whole experiment; exit code 3 if it ended it (what was done is printed).
    """
    limits, chosen = read_budget(budget), choose_systems(systems)
    check_prices(prices)
    check_out(out)

    import anyio

    from scrimp.cli.comparison import finish, watch
    from scrimp.cli.progress import Progress
    from scrimp.evaluate import experiment as evaluate

    experiment = evaluate.Experiment(
        chosen, bench, data=data_folder(bench, data), model=model, n=n, seeds=seeds, budget=limits, margin=margin,
        split=split, out=out, prices=prices, command=written(ctx),
    )  # fmt: skip
    with Progress(f"comparing on {bench}") as shown:
        document: dict[str, Any] = anyio.run(evaluate.run, experiment, watch(shown))
    finish(document, as_json)


def choose_systems(text: str) -> tuple[System, ...]:
    """The Systems that `--systems` names.

    Raises:
        InputError: none, one twice, or one that nobody knows.
    """
    from scrimp.evaluate.systems import named

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError("--systems names none", remedy="--systems baseline,efficient")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"--systems names {', '.join(twice)} twice")
    return tuple(named(name) for name in names)


def check_out(out: Path | None) -> None:
    """Refuse an `--out` that can be no folder.

    Raises:
        InputError: a file stands there.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file", remedy="name a folder")


def written(ctx: typer.Context) -> str:
    """The command as it was given, without `--json`: what repeats the experiment."""
    words = (ctx.find_root().obj or {}).get("words", ())
    return shlex.join(["scrimp", *(word for word in words if word != "--json")]) if words else ""
