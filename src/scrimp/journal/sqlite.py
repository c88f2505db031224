"""Opens every SQLite database of ours: WAL, synchronous NORMAL, foreign keys, numbered migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from scrimp.core.errors import JournalFailed, OutsideError

BUSY_SECONDS = 30.0


def connect(
    path: Path, migrations: str, *, full: bool = False, error: type[OutsideError] = JournalFailed
) -> sqlite3.Connection:
    """Open (and make, and migrate) the database at `path`.

    Args:
        migrations: package that holds numbered SQL files (`0001_first.sql`), applied in order once each.
        full: synchronous FULL, which also survives power loss; NORMAL survives any crash of a process.
        error: what a failure is raised as.

    Raises:
        OutsideError: of that kind: the file is no database, is damaged, or was written by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except OSError as fault:
        raise error(f"{path}: {fault.strerror}", remedy="set SCRIMP_HOME to another folder") from fault
    except sqlite3.Error as fault:
        raise failed(path, fault, error) from fault
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, path, migrations, error)
    except BaseException as fault:  # whatever stopped it, the file is not left open
        connection.close()
        if isinstance(fault, sqlite3.Error):
            raise failed(path, fault, error) from fault
        raise
    return connection


def failed(path: Path, error: sqlite3.Error, kind: type[OutsideError] = JournalFailed) -> OutsideError:
    """The one clear line for a database error."""
    text = str(error)
    remedies = {
        "not a database": "move the file away, or set SCRIMP_HOME to another folder",
        "malformed": "the file is damaged: move it away; `sqlite3 FILE .recover` may save what is in it",
        "locked": "another process is writing; wait for it, or set SCRIMP_HOME to another folder",
        "full": "free some space; nothing that was committed is lost",
        "readonly": "make the folder writable, or set SCRIMP_HOME to another one",
        "unable to open": "make the folder writable, or set SCRIMP_HOME to another one",
    }
    remedy = next((remedies[part] for part in remedies if part in text), "")
    return kind(f"{path.name}: {text}", remedy=remedy)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or none; takes the write lock at once, so that writers take turns."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:  # also when cancelled: all of it or none
        if connection.in_transaction:  # a full disk, for one, has ended it already
            connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection, path: Path, package: str, error: type[OutsideError]) -> None:
    steps = sorted(
        (int(file.name[:4]), file) for file in resources.files(package).iterdir() if file.name.endswith(".sql")
    )
    newest = steps[-1][0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == newest:
        return
    if version > newest:
        raise error(
            f"{path.name} was written by a newer scrimp (schema {version}, this one knows {newest})",
            remedy="update scrimp, or set SCRIMP_HOME to another folder",
        )
    with transaction(connection):
        # Another process may have migrated while we waited for the lock.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, file in steps:
            if number > version:
                for statement in _statements(file.read_text(encoding="utf-8")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number}")


def _statements(script: str) -> Iterator[str]:
    """Statements one by one; `executescript` would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
