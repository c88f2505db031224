"""PostgreSQL as a Database: what journals and accounts need so that several machines share one budget.

The owner of what is held is a session: it holds an advisory lock, which the server frees when the session ends, also
when its machine does (it notices a silent one within a minute). So scrimp speaks to the server itself, or through a
pooler that gives a client one session for as long as it lives. Those who write one account, or one journal's texts,
take turns by another lock; nobody waits for one longer than half a minute. A connection that is lost fails what was
under way (a transaction is then gone whole) and is opened again, under the same name, at the next call.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from scrimp.core.errors import InputError, JournalFailed, MissingExtra, OutsideError
from scrimp.core.events import ulid

if TYPE_CHECKING:
    from psycopg import Connection

CONNECT_SECONDS = 10
BUSY_SECONDS = 30
"""The longest wait for somebody else's turn, as with a file."""
ALIVE: Mapping[str, Any] = {
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
SEEN_ALIVE = " ".join(f"-c tcp_{name}={value}" for name, value in ALIVE.items() if name.startswith("keep"))
"""How soon the two ends notice that the other has gone without a word: seconds, the last in milliseconds."""
_ESCAPE, _NUL, _ITSELF = "\ue000", "\ue0000", "\ue0001"
"""PostgreSQL's texts hold no NUL, so it stands there as two characters."""
HELD = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (classid::bigint << 32 | objid::bigint) = hashtextextended(?, 0)"
)
"""Whether anybody holds an advisory lock; to look does not take it."""
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,50}")


class PostgresDatabase:
    """One schema of a database, over one connection.

    Args:
        url: `postgresql://...`; its password appears in no message.
        migrations: package that holds numbered SQL files.
        schema: made if it is not there.

    Raises:
        MissingExtra: psycopg is not installed.
        JournalFailed: the server cannot be reached, or the schema is of a newer scrimp.
    """

    def __init__(self, url: str, migrations: str, schema: str) -> None:
        require()
        self.url, self.schema = url, schema
        self.owner = ulid()
        self._lock = threading.RLock()
        self._db: Connection[Any] | None = None
        self._turning = self._over = False
        with self._failing():
            migrate(self._opened(), schema, migrations)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """One statement."""
        with self._failing():
            return _Plain(self._opened().execute(_written(statement), [escaped(value) for value in values]))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for each row."""
        with self._failing(), self._opened().cursor() as cursor:
            cursor.executemany(_written(statement), [[escaped(value) for value in row] for row in rows])

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Rows by name."""
        from psycopg.rows import dict_row

        with self._failing(), self._opened().cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(_written(query), [escaped(value) for value in values]).fetchall()
        return [{key: plain(value) for key, value in row.items()} for row in found]

    @contextmanager
    def turn(self, what: str = "") -> Iterator[PostgresDatabase]:
        """A transaction; those who write the same thing take turns."""
        with self._transaction() as db:
            if what:
                key = f"{self.schema} {escaped(what)}"
                db.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
            yield self

    @contextmanager
    def look(self) -> Iterator[PostgresDatabase]:
        """Readings of one moment."""
        with self._transaction() as db:
            db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield self

    def is_gone(self, owner: str) -> bool:
        """Whether the session of this name has ended: the server has then freed its lock."""
        return owner != self.owner and self.execute(HELD, (f"{self.schema} owner {owner}",)).fetchone() is None

    def scrub(self) -> None:
        """Have the server write its tables anew; what its log and its backups keep is the server's to say."""
        for table in ("events", "payloads", "runs"):
            self.execute(f"VACUUM (FULL) {table}")

    def close(self) -> None:
        """End the session; what it held is then somebody's who has gone."""
        with self._lock:
            self._over = True
            if self._db is not None:
                self._db.close()

    def _opened(self) -> Connection[Any]:
        """The connection; a new one where the old one was lost, with this owner's lock."""
        with self._lock:
            if self._db is None or (self._db.closed and not (self._turning or self._over)):
                self._db = opened(self.url, self.schema)
                weakref.finalize(self, _leave, self._db, os.getpid())
                self._db.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
                # Shared: the server may still believe in the session that was lost.
                key = f"{self.schema} owner {self.owner}"
                self._db.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", (key,))
            return self._db

    @contextmanager
    def _transaction(self) -> Iterator[Connection[Any]]:
        """All of it or none; a connection that is lost in between is not opened again before its end."""
        with self._lock, self._failing(), self._opened().transaction():
            self._turning = True
            try:
                yield self._opened()
            finally:
                self._turning = False

    @contextmanager
    def _failing(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise failed(self.url, error) from None


def _leave(db: Connection[Any], pid: int) -> None:
    """Close the connection of somebody who did not; not in a forked child, where it would end the parent's session."""
    if os.getpid() == pid:
        db.close()


class _Plain:
    """A cursor whose texts are as they were put."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.rowcount: int = cursor.rowcount

    def fetchone(self) -> Any:
        row = self._cursor.fetchone()
        return None if row is None else tuple(plain(value) for value in row)

    def fetchall(self) -> list[Any]:
        return [tuple(plain(value) for value in row) for row in self._cursor.fetchall()]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


def opened(url: str, schema: str) -> Connection[Any]:
    """A connection whose statements are transactions by themselves, in a schema.

    Raises:
        InputError: the name of the schema is none, or the address.
    """
    import psycopg

    _parts(url)
    if not _NAME.fullmatch(schema):
        raise InputError(f"{schema!r} is no name of a schema", remedy="small letters, digits and underscores")
    return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS, **ALIVE,
                           options=f"-c search_path={schema},public {SEEN_ALIVE}")  # fmt: skip


def migrate(db: Connection[Any], schema: str, package: str) -> None:
    """Bring a schema up to date; processes that start at once take turns.

    Raises:
        JournalFailed: a newer scrimp wrote it.
    """
    scripts = sorted(
        (file.name, file.read_text(encoding="utf-8"))
        for file in resources.files(package).iterdir() if file.name.endswith(".sql")
    )  # fmt: skip
    with taking_turns(db, "scrimp migrations"), db.transaction():
        db.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        db.execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)")
        done = {row[0] for row in db.execute("SELECT name FROM migrations").fetchall()}
        if newer := sorted(done - {name for name, _ in scripts}):
            raise JournalFailed(f"schema {schema} was written by a newer scrimp ({newer[0]})", remedy="update scrimp")
        for name, script in scripts:
            if name not in done:
                db.execute(script)
                db.execute("INSERT INTO migrations VALUES (%s)", (name,))


@contextmanager
def taking_turns(db: Connection[Any], what: str) -> Iterator[None]:
    """A lock that is there before a transaction begins: what is made inside then sees what others have made."""
    db.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (what,))
    try:
        yield
    finally:
        db.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (what,))


def shown(url: str) -> str:
    """An address without what is secret in it."""
    parts = _parts(url)
    port = f":{parts.port}" if parts.port else ""
    return f"postgresql://{parts.hostname or ''}{port}{parts.path}"


def failed(url: str, error: BaseException, kind: type[OutsideError] = JournalFailed) -> OutsideError:
    """The one clear line for a failure of the server."""
    said, parts = " ".join(str(error).split()), _parts(url)
    written = [parts.password or "", *parse_qs(parts.query).get("password", [])]
    for secret in filter(None, [*written, *map(unquote, written)]):
        said = said.replace(secret, "***")
    remedies = {
        "lock timeout": "another process is writing; wait for it",
        "refused": "start the server, or correct the address",
        "authentication failed": "correct the user and the password of the address",
        "No space left": "free some space; nothing that was committed is lost",
    }
    remedy = next((remedies[part] for part in remedies if part in said), "")
    return kind(f"{shown(url)}: {said[:300]}", remedy=remedy)


def _parts(url: str) -> SplitResult:
    """The parts of an address.

    Raises:
        InputError: a sign in the password makes it another address, which could then show some of it.
    """
    parts = urlsplit(url)
    try:
        clear = parts.port != 0 and url.count("@") == parts.netloc.count("@") < 2
    except ValueError:  # what stands for the port is no number
        clear = False
    if not clear:
        raise InputError(
            "the address of the PostgreSQL server cannot be read",
            remedy="postgresql://user:password@host:5432/database, with %40 for @ in a password, %2F for / and so on",
        )
    return parts


def require() -> None:
    """See that psycopg is there.

    Raises:
        MissingExtra: it is not.
    """
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtra("PostgreSQL needs the package psycopg", remedy="pip install 'scrimp[postgres]'") from None


def escaped(value: Any) -> Any:
    """A text, or the texts in a plain value, without NUL; `plain` gives it back."""
    if isinstance(value, str):
        return value.replace(_ESCAPE, _ITSELF).replace("\x00", _NUL) if _ESCAPE in value or "\x00" in value else value
    if isinstance(value, Mapping):
        return {escaped(key): escaped(item) for key, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, list | tuple) else value


def plain(value: Any) -> Any:
    """The inverse of `escaped`."""
    if isinstance(value, str):
        return value.replace(_NUL, "\x00").replace(_ITSELF, _ESCAPE) if _ESCAPE in value else value
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def as_json(value: Any) -> Any:
    """A plain value as a column of JSON takes it."""
    from psycopg.types.json import Jsonb

    return Jsonb(escaped(value))


def _written(statement: str) -> str:
    """A statement with PostgreSQL's mark for values."""
    return statement.replace("%", "%%").replace("?", "%s")
