"""Handing a journal on: `scrimp runs export` and `scrimp runs query`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

import typer

from scrimp.cli.options import Experiment, Json, one_of, open_journal
from scrimp.cli.output import emit, note, write
from scrimp.cli.tables import show, table
from scrimp.core.errors import InputError, OutsideError

if TYPE_CHECKING:
    from scrimp.journal.journal import Journal

FORMATS = ("jsonl", "otel", "parquet", "duckdb", "prometheus")
FILES = ("parquet", "duckdb")
"""Formats that are no text, so they need a file."""
HEADERS_VARIABLE = "OTEL_EXPORTER_OTLP_HEADERS"
"""Headers for a collector, `key=value,key=value`, as OpenTelemetry names and writes them: where a key to it stands."""


def export(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, a beginning of it that is unique, last, or all.")
    ],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="jsonl; otel: OpenTelemetry spans as OTLP JSON; parquet: a row per event; duckdb: a database; "
            "prometheus: counters.",
        ),
    ] = "jsonl",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; standard output by default.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="An OTLP collector that takes JSON over HTTP; otel only.")
    ] = None,
    content: Annotated[
        bool, typer.Option("--content", help="Prompts, answers, arguments and results too; jsonl always has them.")
    ] = False,
    experiment: Experiment = None,
    as_json: Json = False,
) -> None:
    """A run with all its events: as JSON lines with all texts, or for the tools that others look at runs with."""
    one_of("--format", format_, FORMATS)
    if as_json and out is None and to is None:
        raise InputError("--json would stand in the exported lines", remedy="give --out FILE as well")
    if to is not None and format_ != "otel":
        raise InputError("--to sends spans", remedy="--format otel")
    if format_ in FILES and out is None:
        raise InputError(f"{format_} is no text", remedy="give --out FILE")
    if content and format_ == "prometheus":
        raise InputError("counters hold no content", remedy="leave --content out, or choose another --format")
    journal = open_journal(experiment)
    names = journal.ids() if run == "all" else [journal.run(run).id]
    if not names:
        raise InputError("there is no run to export", remedy="scrimp runs list")
    if to is not None:
        where = _send(to, _lines(journal, names, format_, content))
    elif out is not None:
        _write(journal, names, format_, content, out)
        where = str(out)
    else:
        for line in _lines(journal, names, format_, content):
            write(line)
        return None
    events = sum(len(journal.events(name)) for name in names)
    if as_json:
        return emit({"run": names[0] if run != "all" else "all", "runs": len(names), "format": format_, "out": where,
                     "events": events})  # fmt: skip
    what = f"run {names[0]}" if len(names) == 1 else f"{len(names)} runs"
    return note(f"{events} events of {what} written to {where}")


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="Tables: runs, events. Views: ledgers, components, terms.")],
    content: Annotated[
        bool, typer.Option("--content", help="Columns for questions, answers, requests and responses too.")
    ] = False,
    experiment: Experiment = None,
    as_json: Json = False,
) -> None:
    """Ask the journal in SQL, by way of DuckDB: `SELECT system, sum(amount) FROM runs JOIN ledgers USING (run) ...`."""
    from scrimp.journal.duck import asked, opened

    journal = open_journal(experiment)
    with opened(journal, journal.ids(), content=content) as database:
        columns, rows = asked(database, sql)
    if as_json:
        return emit([dict(zip(columns, map(_plain, row), strict=True)) for row in rows])
    numbers = {
        column for at, column in enumerate(columns) if any(isinstance(row[at], int | float | Decimal) for row in rows)
    }
    made = table(*columns, right=numbers)
    for row in rows:
        made.add(*("" if value is None else str(_plain(value)) for value in row))
    return show(made)


def _plain(value: Any) -> Any:
    """A value of a table as JSON has it: money as decimal text."""
    from scrimp.core.money import plain

    return plain(value) if isinstance(value, Decimal) else value


def _lines(journal: Journal, runs: Sequence[str], format_: str, content: bool) -> Iterator[str]:
    """What a format of text comes to, a line or several at a time."""
    if format_ == "prometheus":
        from scrimp.journal.prometheus import exposition

        yield exposition(journal, runs)
    elif format_ == "otel":
        import json

        from scrimp.journal.otel import requests

        for request in requests(journal, runs, content=content):
            yield json.dumps(request, ensure_ascii=False) + "\n"
    else:
        from scrimp.journal.export import jsonl

        yield from (f"{line}\n" for run in runs for line in jsonl(journal, run))


def _write(journal: Journal, runs: Sequence[str], format_: str, content: bool, out: Path) -> None:
    """Write the file, all of it or nothing."""
    if format_ in FILES:
        from scrimp.journal import duck

        save = duck.parquet if format_ == "parquet" else duck.keep
        return save(journal, runs, out, content=content)
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.writelines(_lines(journal, runs, format_, content))
        temporary.replace(out)
    except OSError as error:
        raise OutsideError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return None


def _send(to: str, bodies: Iterator[str]) -> str:
    """Hand export requests to a collector; where they were sent.

    Raises:
        OutsideError: the collector is not there, or did not take all of them.
    """
    import httpx2

    url = to.rstrip("/") if to.rstrip("/").endswith("/v1/traces") else f"{to.rstrip('/')}/v1/traces"
    headers = {"content-type": "application/json", **_headers(os.environ.get(HEADERS_VARIABLE, ""))}
    try:
        with httpx2.Client(headers=headers, timeout=30) as client:
            for body in bodies:
                answer = client.post(url, content=body.encode("utf-8", "replace"))
                answer.raise_for_status()
                refused = _refused(answer.text)
                if refused:
                    raise OutsideError(f"the collector did not take all spans: {refused}", remedy="ask whoever runs it")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise OutsideError(f"the collector did not take the spans: {error}", remedy=f"is one there at {to}?") from error
    return url


def _headers(text: str) -> dict[str, str]:
    """Headers as OpenTelemetry's variable writes them."""
    pairs = (pair.partition("=") for pair in text.split(",") if pair.strip())
    return {key.strip().lower(): unquote(value.strip()) for key, _, value in pairs}


def _refused(text: str) -> str:
    """Why a collector took only a part of what it was sent (`partialSuccess`); empty where it took all."""
    import json

    try:
        partial = json.loads(text or "{}").get("partialSuccess") or {}
        count = int(partial.get("rejectedSpans") or 0)
    except (ValueError, AttributeError, TypeError):
        return ""  # an answer in another form still said 200
    return f"{count} were refused, {partial.get('errorMessage') or 'without a reason'}" if count else ""
