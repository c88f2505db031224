"""`scrimp report`: the HTML report of a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Json, one_of
from scrimp.cli.output import emit, note
from scrimp.core.errors import InputError, UnknownName

app = new_app()

RESULT = "result.json"
FORMATS = ("html", "card", "parquet")


@app.command()
def report(
    experiment: Annotated[
        str | None,
        typer.Argument(metavar="DIR|EXPERIMENT", help="A folder with result.json, an experiment's id, or: last."),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="html; card: JSON by a published schema; parquet.")
    ] = "html",
    system: Annotated[
        str, typer.Option("--system", metavar="NAME", help="The System whose card it is; all by default.")
    ] = "",
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of cards.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Write the report of a comparison as one HTML file that needs no network, or print its efficiency card."""
    one_of("--format", format_, FORMATS)
    if schema:
        from scrimp.report.card import schema as published

        return emit(published())
    if experiment is None:
        raise InputError("no experiment is named", remedy="scrimp report last")
    folder = find_folder(experiment)
    if format_ == "card":
        from scrimp.report.card import card

        return emit(card(read_result(folder), system))
    if format_ == "parquet":
        from scrimp.report.parquet import write

        written = write(folder)
        return emit({"parquet": str(written)}) if as_json else note(f"trials: {written}")
    from scrimp.cli.comparison import write_report

    page = write_report(read_result(folder), folder)
    if as_json:
        emit({"report": str(page)})
    else:
        note(f"report: {page}")
    if open_:
        typer.launch(str(page))
    return None


def find_folder(name: str) -> Path:
    """The folder of an experiment: a path, an id or a unique beginning of one, or `last`.

    Raises:
        InputError: there is none, or several begin so.
    """
    given = Path(name).expanduser()
    if given.is_dir():
        return given
    from scrimp.journal.home import home

    root = home() / "experiments"
    known = sorted(path.parent.name for path in root.glob(f"*/{RESULT}"))
    found = known[-1:] if name == "last" else [one for one in known if one.startswith(name.upper())]
    if len(found) != 1:
        several = "several begin so; give more of it" if found else ""
        remedy = several or (f"the newest: {', '.join(known[:-4:-1])}" if known else "scrimp compare makes one")
        raise UnknownName("experiment or folder", name, remedy=remedy)
    return root / found[0]


def read_result(folder: Path) -> dict[str, Any]:
    """The document of a comparison.

    Raises:
        InputError: the folder holds none.
    """
    file = folder / RESULT
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", remedy="name the --out of a comparison") from error
    except ValueError as error:
        raise InputError(f"{file} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{file} holds no comparison")
    return document
