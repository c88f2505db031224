"""`scrimp train`: methods that learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import BudgetText, Json, read_budget
from scrimp.cli.output import emit, safe
from scrimp.cli.tables import facts, show

app = new_app()


@app.command()
def train(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="A trainer, as otc-po.")],
    spec: Annotated[Path, typer.Option("--spec", metavar="FILE", help="[data], [policy], [parameters] as TOML.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="What is made; the same again goes on after a kill.")
    ] = Path("training"),
    budget: BudgetText = None,
    as_json: Json = False,
) -> None:
    """Train a method, measure it before and after on questions held out, and say after how many uses it has paid."""
    from scrimp.cli.progress import Progress
    from scrimp.training import session

    tables = session.read_spec(spec)
    limits = session.check_budget(read_budget(budget))
    with Progress(f"training {method}") as shown:

        def watch(what: str, done: int, total: int) -> None:
            shown.update(done, total, what)

        document: dict[str, Any] = session.train(method, tables, out, limits, watch)
    if as_json:
        return emit(document)
    return print_training(document)


def print_training(document: dict[str, Any]) -> None:
    """The document of `train` for people."""
    before, after, paid = document["before"], document["after"], document["break_even"]
    rows = [
        ("method", document["method"]),
        ("artifact", safe(document["artifact"]["path"])),
        ("held out", f"{before['n']} questions"),
        ("success", f"{before['success']:.1%} before, {after['success']:.1%} after"),
        ("tool calls", f"{before['calls']:.3f} a question before, {after['calls']:.3f} after"),
        ("trained", f"{document['spent']['steps']} steps, {document['spent']['seconds']:.0f} s"),
        ("breaks even", "never: a use is not cheaper" if paid["uses"] is None else f"after {paid['uses']} uses"),
    ]
    show(facts(rows))
