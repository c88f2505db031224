"""An experiment's trials as Parquet, a row each: for notebooks and databases (extra `analytics`)."""

from __future__ import annotations

from pathlib import Path

from scrimp.core.errors import InputError
from scrimp.evaluate.folder import TRIALS
from scrimp.journal.duck import parquet_of_lines

NAME = "trials.parquet"


def write(folder: Path) -> Path:
    """Write `trials.parquet` beside the trials; ledgers and budgets are nested columns.

    Raises:
        MissingExtra: DuckDB is not installed.
        InputError: the folder holds no trials.
        OutsideError: the disk refuses.
    """
    source, target = folder / TRIALS, folder / NAME
    if not source.is_file():
        raise InputError(f"{folder} holds no trials", remedy="name the --out of a comparison")
    parquet_of_lines(source, target)
    return target
