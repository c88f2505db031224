"""A journal as DuckDB tables, to be asked in SQL, kept as a database file, or written as Parquet (extra `analytics`).

Tables `runs` and `events` (columns: rows.py), and three views that are the ledgers, harness left out and an unknown
price never 0: `ledgers` has a row for each run, `components` and `terms` one for each part of it. DuckDB's reader of
SQLite files is a download of its own, so the rows are handed over as JSON lines, which loses nothing: money is text
there and DECIMAL in the tables.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrimp.core.errors import InputError, MissingExtra, OutsideError
from scrimp.journal.journal import Journal
from scrimp.journal.rows import EVENT_TEXTS, EVENTS, RUN_TEXTS, RUNS, event_rows, run_row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NO_NETWORK: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": "false"}
"""Settings of every connection: nothing is fetched, whatever a query names."""
LONGEST = 16 * 2**20
"""Bytes of a line that DuckDB takes without being told."""

VIEW = """CREATE VIEW {name} AS SELECT {key},
    CASE WHEN count(*) = count(amount) THEN sum(amount) END AS amount, sum(known) AS known, any_value(currency) AS
    currency, sum(calls)::BIGINT AS calls, sum(input + cached_input + cache_write)::BIGINT AS prompt_tokens,
    sum(output)::BIGINT AS output_tokens, sum(input + cached_input + cache_write + output)::BIGINT AS tokens,
    sum(busy_us)::BIGINT AS busy_us
    FROM events WHERE component <> 'harness' GROUP BY {key} ORDER BY {key}"""
VIEWS: Mapping[str, str] = {"ledgers": "run", "components": "run, component", "terms": "run, term"}
"""What each view has a row for."""


@contextmanager
def opened(
    journal: Journal, runs: Iterable[str], *, content: bool = False, file: Path | None = None
) -> Iterator[DuckDBPyConnection]:
    """Runs as tables and views of a database.

    Args:
        runs: whole ids.
        content: whether questions, answers, requests and responses are columns too.
        file: where the database is kept, a file that is not there yet; in memory by default.

    Raises:
        MissingExtra: DuckDB is not installed.
        InputError: an amount has more digits than a column holds.
        OutsideError: the disk refuses.
    """
    with connected(file) as database, tempfile.TemporaryDirectory(prefix="scrimp-") as folder:
        told = list(runs)
        heads = (run_row(journal.run(run), content=content) for run in told)
        happened = (row for run in told for row in event_rows(journal, run, content=content))
        _load(database, Path(folder), "runs", heads, {**RUNS, **(RUN_TEXTS if content else {})})
        _load(database, Path(folder), "events", happened, {**EVENTS, **(EVENT_TEXTS if content else {})})
        for name, key in VIEWS.items():
            database.execute(VIEW.format(name=name, key=key))
        yield database


def asked(database: DuckDBPyConnection, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of the columns and the rows of an answer.

    Raises:
        InputError: the query is wrong.
    """
    import duckdb

    try:
        found = database.execute(query)
        return [column[0] for column in found.description or ()], found.fetchall()
    except duckdb.Error as error:
        raise InputError(
            f"the query failed: {_told(error)}", remedy="tables: runs, events; views: " + ", ".join(VIEWS)
        ) from error


def keep(journal: Journal, runs: Sequence[str], target: Path, *, content: bool = False) -> None:
    """Write a database file, all of it or nothing; one of that name is replaced."""
    with _whole(target) as file, opened(journal, runs, content=content, file=file):
        pass


def parquet(journal: Journal, runs: Sequence[str], target: Path, *, content: bool = False) -> None:
    """Write the events as a Parquet file, a row each, with the columns of their run beside; all of it or nothing."""
    with _whole(target) as file, opened(journal, runs, content=content) as database:
        rows = database.sql("SELECT * FROM events JOIN runs USING (run) ORDER BY event")
        rows.write_parquet(str(file), compression="zstd")


def parquet_of_lines(source: Path, target: Path) -> None:
    """Write JSON lines as a Parquet file; types are as DuckDB finds them, nested values nested columns."""
    with _whole(target) as file, connected() as database:
        rows = database.read_json(str(source), format="newline_delimited", union_by_name=True)
        rows.write_parquet(str(file), compression="zstd")


@contextmanager
def connected(file: Path | None = None) -> Iterator[DuckDBPyConnection]:
    """A connection that never opens the network; what DuckDB cannot read or write names its reason.

    Raises:
        MissingExtra: DuckDB is not installed.
        OutsideError: it cannot.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra("this needs the package duckdb", remedy="pip install 'scrimp[analytics]'") from error
    try:
        with duckdb.connect(str(file or ":memory:"), config=NO_NETWORK) as database:
            yield database
    except duckdb.Error as error:
        raise OutsideError(f"DuckDB cannot go on: {_told(error)}") from error


def _load(
    database: DuckDBPyConnection, folder: Path, name: str, rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]
) -> None:
    """Make a table of rows, by way of a file of JSON lines."""
    path, longest = folder / f"{name}.jsonl", LONGEST
    with path.open("wb") as lines:
        for row in rows:
            # A lone half of a surrogate pair is no text elsewhere; it becomes a question mark.
            line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
            longest = max(longest, len(line) + 1)
            lines.write(line)
    found = database.read_json(str(path), format="newline_delimited", columns=dict(types), maximum_object_size=longest)
    found.create(name)


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A file to write beside its place, which it takes when it is whole.

    Raises:
        OutsideError: the disk refuses.
    """
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise OutsideError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _told(error: Exception) -> str:
    return str(error).splitlines()[0]
