"""What journals and accounts need of a database, and SQLite as one. PostgreSQL is the other (postgres.py).

SQL is written once, with `?` for values, in words that both understand; what differs is here: how writers take turns,
how a failure reads, and how to tell that the process behind an owner's name has gone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from scrimp.core.errors import JournalFailed, OutsideError
from scrimp.journal import sqlite
from scrimp.journal.owner import Owner, is_gone

SERVERS = ("postgresql://", "postgres://")


class Database(Protocol):
    """One open database. Failures of the database itself are raised as JournalFailed, in one line."""

    owner: str
    """This process, as others see it: gone when it has ended, however it ended."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """One statement: a cursor with `fetchone`, `fetchall`, `rowcount`. Outside `turn` a transaction by itself."""
        ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for each row."""
        ...

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Rows that are read by the names of their columns."""
        ...

    def turn(self, what: str = "") -> AbstractContextManager[Any]:
        """A transaction, all of it or none. Those who write the same thing take turns from its beginning."""
        ...

    def look(self) -> AbstractContextManager[Any]:
        """Readings of one moment."""
        ...

    def is_gone(self, owner: str) -> bool:
        """Whether the process of this name has ended."""
        ...

    def scrub(self) -> None:
        """See that what was deleted stands nowhere any more."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class SQLiteDatabase:
    """A file. Its folder also holds the lock files of the processes that have it open."""

    def __init__(self, path: Path, migrations: str, *, full: bool = False, error: type[OutsideError] = JournalFailed):
        self.path, self._error = path, error
        self._db = sqlite.connect(path, migrations, full=full, error=error)
        self.owner = Owner.here(path.parent).id

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """One statement."""
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise sqlite.failed(self.path, error, self._error) from error

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for each row."""
        try:
            self._db.executemany(statement, rows)
        except sqlite3.Error as error:
            raise sqlite.failed(self.path, error, self._error) from error

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Rows by name."""
        try:
            cursor = self._db.cursor()
            cursor.row_factory = sqlite3.Row
            return cursor.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise sqlite.failed(self.path, error, self._error) from error

    @contextmanager
    def turn(self, what: str = "") -> Iterator[SQLiteDatabase]:
        """A transaction; all writers of the file take turns."""
        try:
            with sqlite.transaction(self._db):
                yield self
        except sqlite3.Error as error:
            raise sqlite.failed(self.path, error, self._error) from error

    @contextmanager
    def look(self) -> Iterator[SQLiteDatabase]:
        """Readings of one moment."""
        try:
            self._db.execute("BEGIN")
            try:
                yield self
            finally:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise sqlite.failed(self.path, error, self._error) from error

    def is_gone(self, owner: str) -> bool:
        """Whether the process has ended: the system has then freed its lock."""
        return is_gone(owner, self.path.parent)

    def scrub(self) -> None:
        """Overwrite what was deleted, in the file and in its log."""
        self.execute("VACUUM")  # pages that were split may hold copies of what was deleted
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # old pages also stand in the log

    def close(self) -> None:
        """Close the file."""
        self._db.close()


@dataclass(frozen=True)
class Tables:
    """Where the tables of one kind are made: packages of numbered SQL scripts, and the schema on a server."""

    sqlite: str
    postgres: str
    schema: str


def open_database(place: Path | str, tables: Tables, *, full: bool = False) -> Database:
    """The database at a path or a URL.

    Args:
        full: of a file: it also survives power loss.

    Raises:
        JournalFailed: it cannot be opened.
    """
    if isinstance(place, str) and place.startswith(SERVERS):
        from scrimp.journal.postgres import PostgresDatabase

        return PostgresDatabase(place, tables.postgres, tables.schema)
    return SQLiteDatabase(Path(place).expanduser(), tables.sqlite, full=full)
