"""`scrimp compare`: Systems x tasks x seeds, with statistics."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import BudgetText, Data, Json, Prices, check_prices, data_folder, read_budget
from scrimp.core.errors import InputError

if TYPE_CHECKING:
    from scrimp.core.budget import Budget
    from scrimp.core.system import System
    from scrimp.evaluate.experiment import Experiment

app = new_app()

EXECUTORS = ("local", "ray")


@app.command()
def compare(
    ctx: typer.Context,
    systems: Annotated[
        str | None, typer.Option("--systems", metavar="A,B,...", help="baseline, efficient, methods or TOML files.")
    ] = None,
    spec: Annotated[
        Path | None, typer.Option("--spec", metavar="FILE", help="An experiment as TOML; options here win over it.")
    ] = None,
    bench: Annotated[
        str | None,
        typer.Option("--bench", metavar="B", help="A benchmark; its options follow a ?, as toolworld?tools=16."),
    ] = None,
    data: Data = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="M", help="The main model of every System; oracle?error=0.1 for structure only."
        ),
    ] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, metavar="N", help="How many tasks; all by default.")] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, metavar="K", help="Repetitions of each task (1).")
    ] = None,
    budget: BudgetText = None,
    at_cost: Annotated[
        str | None, typer.Option("--at-cost", metavar="K=V", help="Which is best at this budget of one run?")
    ] = None,
    at_quality: Annotated[
        float | None, typer.Option("--at-quality", metavar="Q", help="Which is the cheapest that holds this success?")
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option("--level", metavar="K=V", help="A budget of one run to compare success at; may be repeated."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", min=0.1, max=50, metavar="P", help="Of non-inferiority, in points (3).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all of it, and say what it may cost; nothing is spent.")
    ] = False,
    no_controls: Annotated[
        bool, typer.Option("--no-controls", help="Leave the controls out; then nothing is called more efficient.")
    ] = False,
    guard: Annotated[
        str | None,
        typer.Option("--guard", metavar="BASE", help="Exit 1 if cost per success rises beyond noise against it: a "
                     "System here, or the folder of an earlier comparison."),
    ] = None,
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="local|ray[:N]", help="Where trials run, and how many at once.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", metavar="S", help="Which tasks of the benchmark.")] = None,
    prices: Prices = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where trials, journal, result and report go; an "
                                  "experiment that was begun there goes on.")
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Which System is best: effectiveness against cost, with intervals, on the same tasks.

    The budget limits the whole experiment; exit code 3 if it ended it (what was done is printed).
    """
    where, at_once = read_workers(workers)
    given: dict[str, Any] = {
        "systems": choose_systems(systems) if systems is not None else None, "bench": bench, "model": model, "n": n,
        "seeds": seeds, "budget": read_budget(budget), "at_cost": _level(at_cost, "--at-cost"),
        "at_quality": at_quality, "levels": tuple(_level(text, "--level") for text in level or ()) or None,
        "margin": margin, "controls": False if no_controls else None, "guard": guard, "executor": where,
        "workers": at_once, "split": split, "prices": prices, "out": out,
    }  # fmt: skip
    experiment = gather(spec, given, data)
    check_prices(experiment.prices)
    check_out(experiment.out)
    conduct(replace(experiment, command=written(ctx)), dry_run, as_json)


def conduct(experiment: Experiment, dry_run: bool, as_json: bool) -> None:
    """Run an experiment, or say what it may cost, and leave with its exit code."""
    import anyio

    from scrimp.cli.comparison import finish, print_forecast, watch
    from scrimp.cli.output import emit
    from scrimp.cli.progress import Progress
    from scrimp.evaluate import experiment as evaluate
    from scrimp.evaluate.outlook import outlook

    if dry_run:
        plan = anyio.run(evaluate.plan, experiment)
        found = outlook(plan)
        return emit(found) if as_json else print_forecast(found)
    with Progress(f"comparing on {experiment.bench}") as shown:
        document: dict[str, Any] = anyio.run(evaluate.run, experiment, watch(shown))
    return finish(document, as_json)


def gather(spec: Path | None, given: dict[str, Any], data: Path | None) -> Experiment:
    """The experiment of a specification and the options beside it, which win.

    Raises:
        InputError: no benchmark or no System is named, or the specification is wrong.
    """
    from scrimp.evaluate.experiment import Experiment
    from scrimp.evaluate.spec import read

    under = read(spec) if spec is not None else Experiment((), "", controls=True)
    experiment = replace(under, **{key: value for key, value in given.items() if value is not None})
    if not experiment.bench:
        raise InputError("no benchmark is named", remedy="--bench toolworld; scrimp bench list shows them")
    if not experiment.systems:
        raise InputError("no System is named", remedy="--systems baseline,efficient")
    folder = data_folder(experiment.bench, data if data is not None else experiment.data)
    return replace(experiment, data=folder)


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


def read_workers(text: str | None) -> tuple[str | None, int | None]:
    """`local`, `ray`, `ray:8` or `8`: where trials run and how many at once; None where it is not said.

    Raises:
        InputError: it is none of these.
    """
    if text is None:
        return None, None
    where, _, count = text.partition(":") if not text.isdigit() else ("local", ":", text)
    if where not in EXECUTORS or (count and not (count.isdigit() and int(count))):
        raise InputError(f"--workers {text} is not known", remedy="local, local:4, ray or ray:8")
    return where, int(count) if count else None


def _level(text: str | None, option: str) -> Budget | None:
    if text is None:
        return None
    from scrimp.core.budget import Budget

    budget = Budget.parse(text)
    if not budget:
        raise InputError(f"{option} limits nothing", remedy=f"{option} usd=0.001")
    return budget


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
