"""The store in PostgreSQL with pgvector: what several machines share. The same promises as the SQLite store.

Every write is one transaction; writers of one scope take turns by its row. Vectors are scanned exactly, and through an
HNSW index above `approximate_from` in a scope (where that finds too few, the scan answers). Calls run in threads, each
on a connection of its own from those that are idle, so any event loop may use a store.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import to_thread

from scrimp.core.errors import StoreFailed
from scrimp.core.protocols import Scored, Vectors
from scrimp.core.records import ALL, Filter, Record, Records
from scrimp.journal.postgres import escaped, failed, migrate, opened, plain, require, shown, taking_turns
from scrimp.stores import postgres_words
from scrimp.stores.checked import checked, clean, same_dimension, unit
from scrimp.stores.filters import FIELDS, OF_R
from scrimp.stores.postgres_rows import columns, conditions, fields, record_of, written

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")

MIGRATIONS = "scrimp.stores.postgres_migrations"
SCHEMA = "scrimp"
APPROXIMATE_FROM = 100_000
"""Vectors of a scope from which on an HNSW index is kept."""
MOST_INDEXED = 2000
"""Dimensions that pgvector can index."""

EDGES = """
WITH RECURSIVE reach (node, hop) AS (
  SELECT unnest(%(ids)s::text[]), 0
  UNION SELECT CASE WHEN r.head = node THEN r.tail ELSE r.head END, hop + 1
    FROM reach JOIN records r ON r.scope = %(scope)s AND (r.head = node OR r.tail = node)
      AND r.head <> '' AND r.tail <> '' AND {where}
    WHERE hop < %(hops)s - 1
), touched AS (
  SELECT r.row, min(hop) AS hop FROM reach
    JOIN records r ON r.scope = %(scope)s AND node <> '' AND (r.head = node OR r.tail = node) AND {where}
    GROUP BY r.row
)
SELECT {fields} FROM touched JOIN records r USING (row) ORDER BY hop, row LIMIT %(limit)s
"""


class PostgresStore:
    """Records of all scopes in one schema of a database.

    Args:
        url: `postgresql://...`; its password appears in no message.
        schema: made if it is not there.
        approximate_from: vectors of a scope from which on an index is kept.

    Raises:
        MissingExtra: psycopg is not installed.
        InputError: the name of the schema is none.
        StoreFailed: the server cannot be reached, or has no pgvector.
    """

    def __init__(self, url: str, *, schema: str = SCHEMA, approximate_from: int = APPROXIMATE_FROM) -> None:
        require()
        self._url, self.schema, self.approximate_from = url, schema, approximate_from
        self._idle: list[Connection[Any]] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._idle)
        self._migrate()

    def __repr__(self) -> str:
        return f"PostgresStore({shown(self._url)!r})"

    def records(self, owner: str = "", name: str = "") -> Records:
        """The records of one scope."""
        return PostgresRecords(self, clean(owner), clean(name))

    async def scopes(self, owner: str | None = None) -> list[tuple[str, str]]:
        """Owner and name of every scope that holds records."""

        def act() -> list[tuple[str, str]]:
            with self.reading() as db:
                rows = db.execute(
                    "SELECT owner, name FROM scopes s WHERE EXISTS (SELECT 1 FROM records r WHERE r.scope = s.scope)"
                    " AND (%(owner)s::text IS NULL OR owner = %(owner)s) ORDER BY owner, name",
                    {"owner": None if owner is None else escaped(clean(owner))},
                ).fetchall()
            return [(plain(row[0]), plain(row[1])) for row in rows]

        return await to_thread.run_sync(act)

    async def forget(self, owner: str, name: str | None = None) -> int:
        """Remove all records of an owner, or of one of its scopes, and have the server write its tables anew without
        them. What its write-ahead log and its backups keep is the server's to say."""
        gone = 0
        for scope in [one for one in await self.scopes(owner) if name in (None, one[1])]:
            gone += await PostgresRecords(self, *scope).clear()

        def scrub() -> None:
            with self.reading() as db:
                db.execute("VACUUM (FULL) records")
                db.execute("VACUUM (FULL) words")

        await to_thread.run_sync(scrub)
        return gone

    async def aclose(self) -> None:
        """Close the idle connections."""
        _close(self._idle)

    # -- for the scopes --

    @contextmanager
    def reading(self) -> Iterator[Connection[Any]]:
        """A connection; a failure names the server, and the connection is not used again."""
        import psycopg

        db = self._taken()
        try:
            yield db
        except psycopg.Error as error:
            db.close()
            raise failed(self._url, error, StoreFailed) from None
        except BaseException:  # also when cancelled: a connection in an unknown state serves nobody after this
            db.close()
            raise
        with self._lock:
            self._idle.append(db)

    @contextmanager
    def writing(self) -> Iterator[Connection[Any]]:
        """A transaction: all of it or none."""
        with self.reading() as db, db.transaction():
            yield db

    def _taken(self) -> Connection[Any]:
        import psycopg

        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return opened(self._url, self.schema)
        except psycopg.Error as error:
            raise failed(self._url, error, StoreFailed) from None

    def _migrate(self) -> None:
        """Bring the schema up to date; processes that start at once take turns."""
        with self.reading() as db:
            with taking_turns(db, "scrimp vector"):
                db.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
            migrate(db, self.schema, MIGRATIONS)


class PostgresRecords:
    """The records of one scope (core/records.py says what each operation does)."""

    def __init__(self, store: PostgresStore, owner: str, name: str) -> None:
        self._store, self.owner, self.name = store, owner, name

    # -- writing --

    async def put(self, records: Sequence[Record], *, remove: Sequence[str] = ()) -> list[str]:
        kept = checked(records)

        def act() -> None:
            with self._store.writing() as db:
                scope, known, indexed = self._own(db)
                dimension = same_dimension(kept, known)
                if dimension != known:
                    db.execute("UPDATE scopes SET dimension = %s WHERE scope = %s", (dimension, scope))
                _remove(db, scope, remove)
                for record in kept:
                    _put(db, scope, record)
                if not indexed and 0 < dimension <= MOST_INDEXED:
                    self._index(db, scope, dimension)

        await to_thread.run_sync(act)
        return [record.id for record in kept]

    async def remove(self, ids: Sequence[str]) -> int:
        def act() -> int:
            with self._store.writing() as db:
                return _remove(db, self._own(db)[0], ids)

        return await to_thread.run_sync(act)

    async def clear(self) -> int:
        def act() -> int:
            with self._store.writing() as db:
                scope = self._own(db)[0]
                gone = db.execute("DELETE FROM records WHERE scope = %s", (scope,)).rowcount
                db.execute(f"DROP INDEX IF EXISTS near_{scope}")
                db.execute("UPDATE scopes SET dimension = 0, indexed = 0 WHERE scope = %s", (scope,))
                return gone

        return await to_thread.run_sync(act)

    def _own(self, db: Connection[Any]) -> tuple[int, int, int]:
        """Number of the scope, which is made if it is not there and locked; its dimension; whether it has an index."""
        row: tuple[int, int, int] | None = db.execute(
            "INSERT INTO scopes (owner, name) VALUES (%s, %s)"
            " ON CONFLICT (owner, name) DO UPDATE SET owner = excluded.owner RETURNING scope, dimension, indexed",
            (escaped(self.owner), escaped(self.name)),
        ).fetchone()
        assert row is not None
        return row

    def _index(self, db: Connection[Any], scope: int, dimension: int) -> None:
        """Keep an approximate index of this scope's vectors once there are many."""
        count = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM records WHERE scope = %s AND vector IS NOT NULL LIMIT %s) few",
            (scope, self._store.approximate_from),
        ).fetchone()
        if count is not None and count[0] >= self._store.approximate_from:
            db.execute(
                f"CREATE INDEX IF NOT EXISTS near_{scope} ON records USING hnsw"
                f" ((vector::vector({dimension})) vector_ip_ops) WHERE scope = {scope} AND vector IS NOT NULL"
            )
            db.execute("UPDATE scopes SET indexed = 1 WHERE scope = %s", (scope,))

    # -- reading --

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Record]:
        wanted = list(dict.fromkeys(map(clean, ids)))
        rows = await self._asked(
            f"SELECT {fields(vectors)} FROM records r WHERE scope = %(scope)s AND id = ANY(%(ids)s)",
            {"ids": [escaped(id) for id in wanted]},
        )
        found = {record.id: record for record in map(record_of, rows)}
        return [found[id] for id in wanted if id in found]

    async def scan(
        self, filter: Filter = ALL, *, limit: int | None = None, newest: bool = False, vectors: bool = False
    ) -> list[Record]:
        where, values = conditions(filter)
        rows = await self._asked(
            f"SELECT {fields(vectors)} FROM records r WHERE scope = %(scope)s AND {where}"
            f" ORDER BY row {'DESC' if newest else 'ASC'} LIMIT %(limit)s",
            {**values, "limit": limit},
        )
        return [record_of(row) for row in rows]

    async def count(self, filter: Filter = ALL) -> int:
        where, values = conditions(filter)
        rows = await self._asked(f"SELECT count(*) FROM records r WHERE scope = %(scope)s AND {where}", values)
        return int(rows[0][0]) if rows else 0

    async def match(self, text: str, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        where, values = conditions(filter)
        rows = await self._with(lambda db, scope: postgres_words.ranked(db, scope, clean(text), k, OF_R, where, values))
        return [Scored(record_of(row[:-1]), float(row[-1])) for row in rows]

    async def around(
        self, ids: Sequence[str], *, hops: int = 1, filter: Filter = ALL, limit: int = 100
    ) -> list[Record]:
        where, values = conditions(filter)
        given = {**values, "ids": [escaped(clean(id)) for id in ids], "hops": hops, "limit": limit}
        return [record_of(row) for row in await self._asked(EDGES.format(where=where, fields=OF_R), given)]

    async def near(self, vector: Vectors, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        asked = unit(vector)
        where, values = conditions(filter)
        given = {**values, "asked": written(asked), "k": k}
        size = int(asked.shape[0])
        near = (
            f"SELECT {OF_R}, -(vector::vector({size}) <#> %(asked)s::vector({size})) AS score FROM records r"
            f" WHERE scope = %(scope)s AND vector IS NOT NULL AND {where}"
            f" ORDER BY vector::vector({size}) <#> %(asked)s::vector({size}) LIMIT %(k)s"
        )

        def act(db: Connection[Any], scope: int) -> Sequence[Any]:
            row = db.execute("SELECT dimension, indexed FROM scopes WHERE scope = %s", (scope,)).fetchone()
            dimension, indexed = row or (0, 0)
            if not dimension or k < 1:
                return []
            same_dimension([Record(vector=asked)], dimension)
            bound = {**given, "scope": scope}
            with db.transaction():
                if not indexed:
                    return db.execute(near, bound).fetchall()
                db.execute(f"SET LOCAL hnsw.ef_search = {min(max(4 * k, 100), 1000)}")
                few = db.execute(near.replace("%(scope)s", str(scope)), bound).fetchall()
                if len(few) >= k:
                    return few
                db.execute("SET LOCAL enable_indexscan = off")
                return db.execute(near, bound).fetchall()

        return [Scored(record_of(row[:-1]), float(row[-1])) for row in await self._with(act)]

    async def _asked(self, query: str, values: Mapping[str, Any]) -> Sequence[Any]:
        return await self._with(lambda db, scope: db.execute(query, {**values, "scope": scope}).fetchall())

    async def _with(self, act: Callable[[Connection[Any], int], Sequence[Any]]) -> Sequence[Any]:
        """Rows of a reading; none where the scope is not there."""

        def run() -> Sequence[Any]:
            with self._store.reading() as db:
                row = db.execute(
                    "SELECT scope FROM scopes WHERE owner = %s AND name = %s",
                    (escaped(self.owner), escaped(self.name)),
                ).fetchone()
                return [] if row is None else act(db, row[0])

        return await to_thread.run_sync(run)


def _close(idle: list[Connection[Any]]) -> None:
    while idle:
        idle.pop().close()


def _put(db: Connection[Any], scope: int, record: Record) -> None:
    """Write one record; a vector stays where none is given and the text is the same."""
    found = db.execute(
        "SELECT row, text, vector IS NOT NULL FROM records WHERE scope = %s AND id = %s", (scope, escaped(record.id))
    ).fetchone()
    counts = postgres_words.counted(record.text)
    vector = None if record.vector is None else written(record.vector)
    values = (*columns(record), sum(counts.values()))
    names = [*FIELDS.split(", "), "length"]
    if found is None:
        row = db.execute(
            f"INSERT INTO records ({', '.join(names)}, scope, vector) VALUES ({', '.join(['%s'] * 14)}, %s::vector)"
            " RETURNING row",
            (*values, scope, vector),
        ).fetchone()
        assert row is not None
        _enter(db, scope, row[0], counts)
        return
    row_number, text, has = found
    same = plain(text) == record.text
    sets = ", ".join(f"{name} = %s" for name in names)
    if vector is None and has and same:
        db.execute(f"UPDATE records SET {sets} WHERE row = %s", (*values, row_number))
    else:
        db.execute(f"UPDATE records SET {sets}, vector = %s::vector WHERE row = %s", (*values, vector, row_number))
    if not same:
        db.execute("DELETE FROM words WHERE row = %s", (row_number,))
        _enter(db, scope, row_number, counts)


def _enter(db: Connection[Any], scope: int, row: int, counts: Mapping[str, int]) -> None:
    if counts:
        db.execute(
            "INSERT INTO words (scope, word, row, count) SELECT %s, word, %s, held FROM unnest(%s::text[], %s::int[])"
            " AS given (word, held)",
            (scope, row, list(counts), list(counts.values())),
        )


def _remove(db: Connection[Any], scope: int, ids: Sequence[str]) -> int:
    """Remove records and the edges at them; how many there were."""
    if not ids:
        return 0
    gone = [escaped(clean(id)) for id in ids]
    return db.execute(
        "DELETE FROM records WHERE scope = %(scope)s AND (id = ANY(%(ids)s)"
        " OR (head <> '' AND head = ANY(%(ids)s)) OR (tail <> '' AND tail = ANY(%(ids)s)))",
        {"scope": scope, "ids": gone},
    ).rowcount
