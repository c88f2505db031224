"""`scrimp bench`: benchmarks, their facts, their data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Data, Json, data_folder
from scrimp.cli.output import emit, note
from scrimp.cli.tables import facts, show, table
from scrimp.core.errors import InputError, OutsideError, UnknownName

if TYPE_CHECKING:
    from scrimp.evaluate.benchmarks.entries import Entry

app = new_app("Benchmarks: made here, or read from their official files.")

Bench = Annotated[str, typer.Argument(metavar="BENCH", help="A name that `scrimp bench list` shows.")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Every benchmark, and whether its data are here."""
    from scrimp.evaluate.benchmarks.entries import BENCHMARKS

    rows = [_row(entry) for entry in BENCHMARKS.values()]
    if as_json:
        keys = ("name", "tasks", "splits", "metrics", "licence", "available")
        return emit([{key: row[key] for key in keys} for row in rows])
    made = table("name", "what", "tasks", "splits", "metrics", "licence", "here", right=("tasks",), fixed=("name",))
    for row in rows:
        made.add(
            row["name"], row["title"], str(row["tasks"]), ", ".join(row["splits"]), ", ".join(row["metrics"]),
            row["licence"], "yes" if row["available"] else f"no: {_missing(row)}",
        )  # fmt: skip
    return show(made)


@app.command("show")
def show_(bench: Bench, as_json: Json = False) -> None:
    """One benchmark: where it comes from, how it is scored, what may be chosen."""
    row = _row(_entry(bench))
    if as_json:
        return emit(row)
    options = ", ".join(f"{key}={about}" for key, about in row["options"].items())
    shown = [
        ("name", row["name"]),
        ("title", row["title"]),
        ("tasks", str(row["tasks"])),
        ("splits", ", ".join(row["splits"])),
        ("metrics", ", ".join(row["metrics"])),
        ("licence", row["licence"]),
        ("data from", row["official_place"]),
        ("size", row["size"]),
        ("available", "yes" if row["available"] else f"no: {_missing(row)}"),
        ("sample", f"{row['name']}?data=sample is a few items of scrimp's own" if row["needs_data"] else ""),
        ("needs a judge for", ", ".join(row["judge"])),
        ("plays a user", "yes: user=scripted (no success figure), none, or the name of a model" if row["user"] else ""),
        ("options", f"{options}, written as {row['name']}?key=value" if options else ""),
        ("notes", row["notes"]),
    ]
    return show(facts(shown))


@app.command()
def get(
    bench: Bench,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder that holds the official files already.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take official data into SCRIMP_HOME, from a folder where they are; or say where they are had."""
    entry = _entry(bench)
    if entry.needs_data:
        if data is None:
            raise InputError(
                f"the data of {entry.name} are not shipped; their official place: {entry.official_place}",
                remedy=f"scrimp bench get {entry.name} --data DIR",
            )
        folder: Path | None = _take(entry, data)
    else:
        folder = None
    if as_json:
        return emit({**_row(entry), "folder": None if folder is None else str(folder)})
    return note(f"{entry.name} is here: {folder}" if folder else f"{entry.name} is made by scrimp: nothing to get")


@app.command()
def check(bench: Bench, data: Data = None, as_json: Json = False) -> None:
    """Load every item, verify it, and score its gold answer."""
    from scrimp.cli.progress import Progress
    from scrimp.evaluate.benchmarks.catalog import open_benchmark
    from scrimp.evaluate.benchmarks.checking import verify

    entry = _entry(bench)
    folder = data_folder(bench, data) if entry.needs_data else None
    with Progress(f"checking {bench}"):
        counts = verify(open_benchmark(bench, folder))
    if as_json:
        return emit({"name": entry.name, "ok": True, **counts})
    return show(facts([("benchmark", entry.name), *((key, _counts(value)) for key, value in counts.items())]))


def _counts(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_counts(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_counts, value))
    return str(value)


def _entry(bench: str) -> Entry:
    from scrimp.evaluate.benchmarks.catalog import split_name
    from scrimp.evaluate.benchmarks.entries import BENCHMARKS

    name, _ = split_name(bench)
    if name not in BENCHMARKS:
        raise UnknownName("benchmark", name, BENCHMARKS)
    return BENCHMARKS[name]


def _row(entry: Entry) -> dict[str, Any]:
    from importlib.util import find_spec

    here = not entry.needs_data or data_folder(entry.name, None) is not None
    return {**entry.facts(), "available": here and (not entry.package or find_spec(entry.package) is not None)}


def _missing(row: dict[str, Any]) -> str:
    """What to do where a benchmark is not here."""
    return "pip install 'scrimp[worlds]'" if row["package"] else f"scrimp bench get {row['name']}"


def _take(entry: Entry, data: Path) -> Path:
    """Check the official files and copy their folder to SCRIMP_HOME/bench/NAME, whole or not at all."""
    import shutil

    from scrimp.evaluate.benchmarks.catalog import open_benchmark
    from scrimp.evaluate.benchmarks.checking import verify
    from scrimp.journal.home import home

    if not data.is_dir():
        raise InputError(f"--data: there is no folder {data}")
    data = data / entry.name if (data / entry.name).is_dir() else data
    verify(open_benchmark(entry.name, data))
    target = home() / "bench" / entry.name
    if data.resolve() == target.resolve():
        return target
    fresh, old = target.with_name(f".{entry.name}.new"), target.with_name(f".{entry.name}.old")
    try:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(data, fresh)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise OutsideError(f"the data could not be copied to {target}: {error}") from error
    shutil.rmtree(old, ignore_errors=True)
    return target
