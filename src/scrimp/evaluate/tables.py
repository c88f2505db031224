"""Tables of the documentation as specifications, so that each can be repeated on another model."""

from __future__ import annotations

from importlib.resources import as_file, files

from scrimp.core.errors import UnknownName
from scrimp.evaluate.experiment import Experiment
from scrimp.evaluate.spec import read

PAGES = {"bfcl": "README.md", "toolworld": "docs/results/compare.md"}
"""The page where each table stands."""


def table(name: str) -> Experiment:
    """The experiment behind a table.

    Raises:
        UnknownName: no table of that name.
    """
    if name not in PAGES:
        raise UnknownName("table", name, PAGES)
    with as_file(files("scrimp.evaluate") / "data" / "tables" / f"{name}.toml") as file:
        return read(file)
