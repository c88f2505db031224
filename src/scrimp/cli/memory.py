"""`scrimp memory`: a memory by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Json
from scrimp.cli.output import emit, note, write
from scrimp.cli.tables import facts, show, table
from scrimp.core.errors import InputError

if TYPE_CHECKING:
    from scrimp.core.records import Record
    from scrimp.memory.notebook import Notebook

app = new_app("A memory by itself: notes with owner and sources, found by words and by meaning.")

T = TypeVar("T")

StoreName = Annotated[
    str, typer.Option("--store", metavar="FILE|URL", help="A file, postgresql://..., or home: the one in SCRIMP_HOME.")
]
Owner = Annotated[str, typer.Option("--owner", metavar="NAME", help="Whose notes; nobody sees another owner's.")]
Scope = Annotated[str, typer.Option("--scope", metavar="NAME", help="Which of the owner's notebooks.")]
EmbedderName = Annotated[
    str, typer.Option("--embedder", metavar="NAME", help="What finds notes by meaning; none for words only.")
]
At = Annotated[str | None, typer.Option("--at", metavar="WHEN", help="2026-05-01, with 12:00 or not, or seconds.")]


@app.command()
def add(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note; @FILE reads it, - from the input.")],
    source: Annotated[str, typer.Option("--source", metavar="ID", help="Where it comes from.")] = "",
    at: At = None,
    store: StoreName = "home",
    owner: Owner = "",
    scope: Scope = "notes",
    embedder: EmbedderName = "multilingual",
    as_json: Json = False,
) -> None:
    """Keep a note."""
    from scrimp.cli.run import read_task

    said, since = read_task(text), _moment(at)
    kept = _with(store, owner, scope, embedder, lambda notes: notes.add(said, source=source, at=since))
    return emit(_row(kept, owner)) if as_json else write(f"{kept.id}\n")


@app.command()
def search(
    query: Annotated[str, typer.Argument(metavar="QUERY")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many notes.")] = 5,
    at: At = None,
    store: StoreName = "home",
    owner: Owner = "",
    scope: Scope = "notes",
    embedder: EmbedderName = "multilingual",
    as_json: Json = False,
) -> None:
    """Find notes, the best first. With --at as things stood then."""
    then = _moment(at)
    found = _with(store, owner, scope, embedder, lambda notes: notes.search(query, k, at=then))
    if as_json:
        return emit([{**_row(one.item, owner), "score": round(one.score, 6)} for one in found])
    return _print([one.item for one in found])


@app.command("show")
def show_(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The newest where none is given.")] = None,
    store: StoreName = "home",
    owner: Owner = "",
    scope: Scope = "notes",
    as_json: Json = False,
) -> None:
    """Notes by their ids, or the newest."""
    wanted = ids or []
    found = _with(store, owner, scope, "none", lambda notes: notes.show(wanted) if wanted else notes.newest())
    if as_json:
        return emit([_row(one, owner) for one in found])
    return _print(found)


@app.command()
def consolidate(
    similar: Annotated[float, typer.Option("--similar", min=0.0, max=1.0, help="Cosine from which on.")] = 0.95,
    store: StoreName = "home",
    owner: Owner = "",
    scope: Scope = "notes",
    as_json: Json = False,
) -> None:
    """Merge notes that say the same: the newer text stays, with the sources of both."""
    done = _with(store, owner, scope, "none", lambda notes: notes.consolidate(similar))
    if as_json:
        return emit({"before": done.before, "after": done.after, "merged": done.merged})
    return write(f"{done.merged} of {done.before} notes were merged into others; {done.after} are left\n")


@app.command()
def forget(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every note of this owner and scope.")] = False,
    store: StoreName = "home",
    owner: Owner = "",
    scope: Scope = "notes",
    as_json: Json = False,
) -> None:
    """Remove notes: rows, vectors, words, edges, and what the files still hold of them."""
    if bool(ids) == everything:
        raise InputError("nothing says what to forget", remedy="give ids, or --all for every note of this owner")
    gone = _with(store, owner, scope, "none", lambda notes: notes.forget(None if everything else ids))
    if everything:
        from scrimp.journal.home import home
        from scrimp.models.kept_prefixes import forget as forget_prefixes

        forget_prefixes(home(), owner)
    return emit({"forgotten": gone}) if as_json else write(f"{gone} forgotten\n")


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="JSON lines; to the output without.")
    ] = None,
    store: StoreName = "home",
    owner: Owner = "",
    scope: Scope = "notes",
    embedder: EmbedderName = "multilingual",
) -> None:
    """Every note as a line of JSON, with owner, sources and vector."""

    async def read(notes: Notebook) -> list[dict[str, Any]]:
        return [{"owner": owner, "scope": scope, **row} async for row in notes.export()]

    rows = _with(store, owner, scope, embedder, read)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if out is None:
        return write(text)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error
    return note(f"{len(rows)} notes written to {out}")


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `export` wrote; - for the input.")],
    store: StoreName = "home",
    owner: Owner = "",
    scope: Scope = "notes",
    embedder: EmbedderName = "multilingual",
    as_json: Json = False,
) -> None:
    """Keep notes that were exported, under the same ids."""
    rows = _rows(file)
    count = _with(store, owner, scope, embedder, lambda notes: notes.load(rows))
    return emit({"imported": count}) if as_json else write(f"{count} imported\n")


@app.command()
def stats(store: StoreName = "home", owner: Owner = "", scope: Scope = "notes", as_json: Json = False) -> None:
    """How many notes there are, and of which kinds."""
    found = _with(store, owner, scope, "none", lambda notes: notes.stats())
    if as_json:
        return emit(found)
    kinds = ", ".join(f"{kind} {count}" for kind, count in found["kinds"].items())
    scopes = ", ".join(one["scope"] for one in found["scopes"])
    shown = [(key, str(value)) for key, value in found.items() if key not in ("kinds", "scopes")]
    return show(facts([*shown, ("kinds", kinds), ("scopes of this owner", scopes)]))


# -- what they share ---------------------------------------------------------------------------------


def _with(store: str, owner: str, scope: str, embedder: str, act: Callable[[Notebook], Awaitable[T]]) -> T:
    """Open the notebook, act, and close it."""
    import anyio

    from scrimp.journal.home import home
    from scrimp.memory.notebook import Notebook, packaged_embedder

    async def main() -> T:
        meaning = packaged_embedder(embedder, home())
        async with Notebook(store, owner=owner, name=scope, embedder=meaning, home=home()) as notes:
            return await act(notes)

    return anyio.run(main)


def _moment(text: str | None) -> float | None:
    """A moment in seconds since the epoch; a date without a zone is in UTC."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass  # then it is a date
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no moment", remedy="write 2026-05-01, 2026-05-01T12:00 or seconds") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _rows(file: str) -> list[dict[str, Any]]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{file}, line {number} is no JSON", remedy="nothing was imported") from error
        if not isinstance(row, dict):
            raise InputError(f"{file}, line {number} is no note", remedy="nothing was imported")
        rows.append({key: value for key, value in row.items() if key not in ("owner", "scope")})
    return rows


def _row(found: Record, owner: str) -> dict[str, Any]:
    """A note as it is printed under --json: with its owner and its sources."""
    return {**found.to_json(), "owner": owner, "sources": list(found.sources)}


def _print(found: list[Record]) -> None:
    made = table("id", "text", "sources", "since", fixed=("id",))
    for one in found:
        moment = one.created if one.valid_from is None else one.valid_from
        since = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
        made.add(one.id, one.text, ", ".join(one.sources), since)
    if found:
        show(made)
    else:
        note("no notes")
