"""The command line: parse, call, print. Every command is a line in COMMANDS and a file of its own.

What scripts may rely on (JSON documents, exit codes) is fixed: one JSON document on standard output under `--json`,
and one line on standard error for every failure, with the exit code of its class in `core.errors`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, ClassVar

import typer

from scrimp.cli.apps import Lazy, LazyGroup, built, new_app
from scrimp.cli.failures import report
from scrimp.cli.output import close, complain, write
from scrimp.core.version import VERSION

COMMANDS = {
    "demo": Lazy("scrimp.cli.demo", "Compare two agents on a local model, within minutes."),
    "doctor": Lazy("scrimp.cli.doctor", "What works on this machine, and what to install for the rest."),
    "models": Lazy("scrimp.cli.models", "Models at hand: list, get, add, serve."),
    "methods": Lazy("scrimp.cli.methods", "Ways of making an agent cheaper: list, show."),
    "run": Lazy("scrimp.cli.run", "Do one task within a budget."),
    "runs": Lazy("scrimp.cli.runs", "What was run: list, show, replay at no cost, export."),
    "audit": Lazy("scrimp.cli.audit", "Where recorded runs spent their money, and what would have saved it."),
    "bench": Lazy("scrimp.cli.bench", "Benchmarks: list, show, get, check."),
    "compare": Lazy("scrimp.cli.compare", "Which way of building an agent is best: effectiveness against cost."),
    "tune": Lazy("scrimp.cli.tune", "Search for the cheapest way that holds a quality, or the best at a cost."),
    "train": Lazy("scrimp.cli.train", "Train a method that learns, and say after how many uses it has paid."),
    "reproduce": Lazy("scrimp.cli.reproduce", "A table of the documentation, repeated on another model."),
    "memory": Lazy("scrimp.cli.memory", "A memory by itself: add, search, show, consolidate, forget, export, import."),
    "report": Lazy("scrimp.cli.report", "The report of a comparison, as one HTML file."),
}

INTERRUPTED = 130


class Root(LazyGroup):
    """`scrimp` itself."""

    table: ClassVar = COMMANDS


app = new_app(cls=Root)


def _version(asked: bool) -> None:
    if asked:
        write(f"scrimp {VERSION}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Agents that get the job done for less, and the proof."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: the words after `scrimp`; those of this process where None.
    """
    try:
        words = sys.argv[1:] if arguments is None else list(arguments)
        code = built(app).main(args=words, prog_name="scrimp", standalone_mode=False, obj={"words": words})
        if code == INTERRUPTED:
            complain("interrupted")  # typer swallows Ctrl+C and gives its code
    except BaseException as error:  # noqa: BLE001 - whatever happens ends as one line and an exit code
        code = report(error)
    return close(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    sys.exit(main())
