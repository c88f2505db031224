"""Options that several commands share, and how their texts are read. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scrimp.core.errors import InputError

if TYPE_CHECKING:
    from scrimp.core.budget import Budget
    from scrimp.journal.journal import Journal

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="local, small, openai:NAME, URL#NAME, gguf:FILE or scripted:FILE."),
]
BudgetText = Annotated[
    str | None,
    typer.Option("--budget", metavar="K=V,...", help="Hard limits, such as usd=0.02,seconds=30,tool_calls.search=3."),
]
Prices = Annotated[str | None, typer.Option("--prices", metavar="FILE", help="A price list (TOML).")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="K=V", help="A fact to find runs by; may be repeated.")
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder of the official files; SCRIMP_DATA/NAME where there is one."),
]
Experiment = Annotated[
    str | None,
    typer.Option("--experiment", metavar="DIR|EXPERIMENT", help="The journal of an experiment instead of the home's."),
]


def open_journal(experiment: str | None) -> Journal:
    """The journal of the home, or of an experiment.

    Raises:
        InputError: the experiment has none.
    """
    from scrimp.journal.journal import Journal

    if experiment is None:
        return Journal()
    from scrimp.cli.report import find_folder
    from scrimp.evaluate.folder import JOURNAL

    file = find_folder(experiment) / JOURNAL
    if not file.is_file():
        raise InputError(f"there is no journal in {file.parent}", remedy="name the --out of a comparison")
    return Journal(file)


def read_budget(text: str | None) -> Budget | None:
    """The budget of `--budget`.

    Raises:
        InputError: a key nobody knows, a value that is none, or nothing at all.
    """
    if text is None:
        return None
    from scrimp.core.budget import Budget

    budget = Budget.parse(text)
    if not budget:
        raise InputError("--budget limits nothing", remedy="write it as usd=0.02,seconds=30")
    return budget


def read_labels(texts: Sequence[str] | None) -> Mapping[str, str]:
    """The labels of `--label`.

    Raises:
        InputError: one that is not K=V.
    """
    labels: dict[str, str] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"the label {text!r} has no value", remedy="write it as --label team=search")
        labels[key.strip()] = value.strip()
    return labels


def check_prices(source: str | None) -> str | None:
    """The price list of `--prices`, read once so that a mistake in it shows before anything is spent.

    Raises:
        InputError: it cannot be read.
    """
    if source is not None:
        from scrimp.models.prices import load

        load(source)
    return source


def data_folder(bench: str, given: Path | None) -> Path | None:
    """The folder of a benchmark's official files: as given, else under SCRIMP_DATA, else under SCRIMP_HOME.

    Raises:
        InputError: the folder that was given is not there.
    """
    from scrimp.evaluate.benchmarks.files import find

    if given is not None:
        if not given.is_dir():
            raise InputError(f"--data: there is no folder {given}")
        return given
    name, _, options = bench.partition("?")
    return None if "data=" in options else find(name)


def one_of(option: str, value: str, known: Sequence[str]) -> str:
    """The value, if it is one of the known ones.

    Raises:
        InputError: it is not.
    """
    if value not in known:
        raise InputError(f"{option} is {value!r}", remedy=f"known: {', '.join(known)}")
    return value
