"""An experiment's trials as Parquet, a row each: for notebooks and databases (extra `analytics`)."""

from __future__ import annotations

from pathlib import Path

from scrimp.core.errors import InputError, MissingExtra, OutsideError
from scrimp.evaluate.folder import TRIALS

NAME = "trials.parquet"


def write(folder: Path) -> Path:
    """Write `trials.parquet` beside the trials; ledgers and budgets are nested columns.

    Raises:
        MissingExtra: DuckDB is not installed.
        InputError: the folder holds no trials.
        OutsideError: the disk refuses.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra("Parquet needs the package duckdb", remedy="pip install 'scrimp[analytics]'") from error
    source, target = folder / TRIALS, folder / NAME
    if not source.is_file():
        raise InputError(f"{folder} holds no trials", remedy="name the --out of a comparison")
    try:
        with duckdb.connect() as database:
            rows = database.read_json(str(source), format="newline_delimited", union_by_name=True)
            rows.write_parquet(str(target), compression="zstd")
    except duckdb.Error as error:
        raise OutsideError(f"{target} cannot be written: {str(error).splitlines()[0]}") from error
    return target
