"""The store in a SQLite file: what needs no server, and the default.

Rows, vectors, words and edges are written in one transaction. Vectors are searched in memory (matrix.py, and ann.py
where there are very many), words by FTS5 (lexical.py), edges by a recursive query. Several processes may share a
file: writers take turns, and a reader sees what others have written at its next search.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
from anyio import to_thread

from scrimp.core.errors import StoreFailed
from scrimp.core.protocols import Scored, Vectors
from scrimp.core.records import ALL, Filter, Record, Records
from scrimp.journal.sqlite import connect, failed, transaction
from scrimp.stores import lexical
from scrimp.stores.checked import checked, clean, same_dimension, unit
from scrimp.stores.filters import FIELDS, OF_R
from scrimp.stores.sqlite_rows import columns, conditions, listed, record_of, vector_of

if TYPE_CHECKING:
    from scrimp.stores.ann import Approximate
    from scrimp.stores.matrix import Line, Matrix

MIGRATIONS = "scrimp.stores.migrations"
IN_MEMORY = Path(":memory:")
INLINE = 8_000_000
"""Numbers in a matrix up to which a scan is quicker than handing it to a thread."""

EDGES = """
WITH RECURSIVE reach (node, hop) AS (
  SELECT value, 0 FROM json_each(:ids)
  UNION SELECT r.tail, hop + 1 FROM reach JOIN records r ON r.scope = :scope AND r.head = node AND {where}
    WHERE hop < :hops - 1
  UNION SELECT r.head, hop + 1 FROM reach JOIN records r ON r.scope = :scope AND r.tail = node AND {where}
    WHERE hop < :hops - 1
), touched (row, hop) AS (
  SELECT r.row, hop FROM reach JOIN records r ON r.scope = :scope AND r.head = node AND {where}
  UNION SELECT r.row, hop FROM reach JOIN records r ON r.scope = :scope AND r.tail = node AND {where}
)
SELECT {fields} FROM (SELECT row, min(hop) AS hop FROM touched GROUP BY row) JOIN records USING (row)
ORDER BY hop, row LIMIT :limit
"""


class _Old(NamedTuple):
    """What stands in the file under an id that is put again."""

    row: int
    text: str
    vector: bool


class SQLiteStore:
    """Records of all scopes in one file.

    Args:
        path: the file, made if it is not there; in memory by default.
        full: synchronous FULL, which also survives power loss.

    Raises:
        StoreFailed: it is no store, is damaged, or was written by a newer version.
    """

    def __init__(self, path: Path | None = None, *, full: bool = False) -> None:
        self.path = path or IN_MEMORY
        self._db = connect(self.path, MIGRATIONS, full=full, error=StoreFailed)
        self._learn_at = 0  # the row from which on common words may have to be learned anew
        self._scopes: dict[tuple[str, str], SQLiteRecords] = {}

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self.path)!r})"

    def records(self, owner: str = "", name: str = "") -> Records:
        """The records of one scope."""
        return self._records(owner, name)

    async def scopes(self, owner: str | None = None) -> list[tuple[str, str]]:
        """Owner and name of every scope that holds records."""
        wanted = "" if owner is None else "AND owner = :owner"
        with self.reading() as db:
            found = db.execute(
                f"SELECT owner, name FROM scopes s WHERE EXISTS (SELECT 1 FROM records r WHERE r.scope = s.scope)"
                f" {wanted} ORDER BY owner, name",
                {"owner": owner and clean(owner)},
            ).fetchall()
        return [(row[0], row[1]) for row in found]

    async def forget(self, owner: str, name: str | None = None) -> int:
        """Remove all records of an owner, or of one of its scopes, and scrub the files: pages, log, the index of
        words, and the approximate indexes."""
        gone = 0
        for scope in [one for one in await self.scopes(owner) if name in (None, one[1])]:
            gone += await self._records(*scope).clear()
        self.scrub()
        return gone

    def scrub(self) -> None:
        """See that what was removed stands nowhere in the files any more; takes seconds on a large one."""
        if self.indexes is not None:
            shutil.rmtree(self.indexes, ignore_errors=True)
        with self.writing() as db:
            lexical.scrub(db)
            db.execute("DELETE FROM common WHERE word NOT IN (SELECT term FROM vocabulary WHERE col = 'text')")
        with self.reading() as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def aclose(self) -> None:
        """Close the file."""
        self._db.close()
        self._scopes.clear()

    # -- for the scopes --

    @property
    def indexes(self) -> Path | None:
        """The folder of approximate indexes, which can always be built again."""
        return None if self.path == IN_MEMORY else Path(f"{self.path}.ann")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection; a failure names the file."""
        try:
            yield self._db
        except sqlite3.Error as error:
            raise failed(self.path, error, StoreFailed) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or none."""
        with self.reading(), transaction(self._db) as db:
            yield db

    def learn(self, db: sqlite3.Connection) -> None:
        """Learn the common words where the file has doubled since that was done last."""
        row = db.execute("SELECT max(row) FROM records").fetchone()[0] or 0
        if row >= self._learn_at:
            self._learn_at = lexical.learn(db, row)

    def _records(self, owner: str, name: str) -> SQLiteRecords:
        scope = clean(owner), clean(name)
        return self._scopes.setdefault(scope, SQLiteRecords(self, *scope))


class SQLiteRecords:
    """The records of one scope (core/records.py says what each operation does)."""

    def __init__(self, store: SQLiteStore, owner: str, name: str) -> None:
        self._store, self.owner, self.name = store, owner, name
        self._lock = anyio.Lock()  # held while the matrix is searched in a thread, and while it changes
        self._matrix: Matrix | None = None
        self._near: Approximate | None = None
        self._version = -1  # of the scope, as the matrix has it

    # -- writing --

    async def put(self, records: Sequence[Record], *, remove: Sequence[str] = ()) -> list[str]:
        kept = checked(records)
        async with self._lock:
            with self._store.writing() as db:
                scope, version, known = self._next_version(db)
                dimension = same_dimension(kept, known)
                if dimension != known:
                    db.execute("UPDATE scopes SET dimension = ? WHERE scope = ?", (dimension, scope))
                gone = _remove(db, scope, remove)
                written = [self._put(db, scope, version, record) for record in kept]
                self._store.learn(db)
            self._follow(version, gone, [line for line in written if line is not None])
        return [record.id for record in kept]

    def _put(self, db: sqlite3.Connection, scope: int, version: int, record: Record) -> Line | int | None:
        """Write one record; its vector with what filters look at, or its row where it has lost its vector."""
        found = db.execute(
            "SELECT row, text, vector IS NOT NULL FROM records WHERE scope = ? AND id = ?", (scope, record.id)
        ).fetchone()
        old = None if found is None else _Old(*found)
        blob = None if record.vector is None else record.vector.tobytes()
        facts = (*columns(record), version)
        if old is None:
            row = db.execute(
                f"INSERT INTO records ({FIELDS}, version, scope, vector) VALUES ({','.join('?' * 15)})",
                (*facts, scope, blob),
            ).lastrowid
            assert row is not None
            lexical.add(db, row, scope, record.text)
            return _line(row, record) if blob is not None else None
        keeps = blob is None and old.vector and old.text == record.text
        names = ", ".join(f"{name} = ?" for name in (*FIELDS.split(", "), "version"))
        if keeps:
            db.execute(f"UPDATE records SET {names} WHERE row = ?", (*facts, old.row))
        else:
            db.execute(f"UPDATE records SET {names}, vector = ? WHERE row = ?", (*facts, blob, old.row))
        if old.text != record.text:
            lexical.drop(db, old.row, scope, old.text)
            lexical.add(db, old.row, scope, record.text)
        if keeps:
            return _line(old.row, record, db.execute("SELECT vector FROM records WHERE row = ?", (old.row,)))
        return _line(old.row, record) if blob is not None else old.row

    async def remove(self, ids: Sequence[str]) -> int:
        async with self._lock:
            with self._store.writing() as db:
                scope, version, _ = self._next_version(db)
                gone = _remove(db, scope, ids)
            self._follow(version, gone, [])
        return len(gone)

    async def clear(self) -> int:
        async with self._lock:
            with self._store.writing() as db:
                scope = self._next_version(db)[0]
                rows = db.execute("SELECT row, text FROM records WHERE scope = ?", (scope,)).fetchall()
                for row, text in rows:
                    lexical.drop(db, row, scope, text)
                db.execute("DELETE FROM records WHERE scope = ?", (scope,))
                db.execute("UPDATE scopes SET dimension = 0 WHERE scope = ?", (scope,))
            self._matrix = self._near = None
        return len(rows)

    def _next_version(self, db: sqlite3.Connection) -> tuple[int, int, int]:
        """Number of the scope, which is made if it is not there; its next version; its dimension."""
        return db.execute(  # type: ignore[no-any-return]
            "INSERT INTO scopes (owner, name, version) VALUES (?, ?, 1)"
            " ON CONFLICT (owner, name) DO UPDATE SET version = version + 1 RETURNING scope, version, dimension",
            (self.owner, self.name),
        ).fetchone()

    def _follow(self, version: int, gone: Sequence[int], written: Sequence[Line | int]) -> None:
        """Bring the matrix after what this process wrote; left stale where another one wrote in between."""
        if self._matrix is None or version != self._version + 1:
            return
        lost = [*gone, *(item for item in written if isinstance(item, int))]
        self._matrix.drop(lost)
        self._matrix.put(item for item in written if not isinstance(item, int))
        if self._near is not None:
            self._near.changed([*lost, *(item.row for item in written if not isinstance(item, int))])
        self._version = version

    # -- reading --

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Record]:
        with self._store.reading() as db:
            rows = db.execute(
                f"SELECT {FIELDS}{', vector' if vectors else ''} FROM records"
                " WHERE scope = (SELECT scope FROM scopes WHERE owner = ? AND name = ?)"
                " AND id IN (SELECT value FROM json_each(?))",
                (self.owner, self.name, listed(ids)),
            ).fetchall()
        found = {row[0]: record_of(row) for row in rows}
        return [found[id] for id in dict.fromkeys(map(clean, ids)) if id in found]

    async def scan(
        self, filter: Filter = ALL, *, limit: int | None = None, newest: bool = False, vectors: bool = False
    ) -> list[Record]:
        where, values = conditions(filter)
        with self._store.reading() as db:
            rows = db.execute(
                f"SELECT {FIELDS}{', vector' if vectors else ''} FROM records r"
                f" WHERE scope = (SELECT scope FROM scopes WHERE owner = :owner AND name = :name) AND {where}"
                f" ORDER BY row {'DESC' if newest else 'ASC'} LIMIT :limit",
                {**values, "owner": self.owner, "name": self.name, "limit": -1 if limit is None else limit},
            ).fetchall()
        return [record_of(row) for row in rows]

    async def count(self, filter: Filter = ALL) -> int:
        where, values = conditions(filter)
        with self._store.reading() as db:
            return int(db.execute(
                "SELECT count(*) FROM records r"
                f" WHERE scope = (SELECT scope FROM scopes WHERE owner = :owner AND name = :name) AND {where}",
                {**values, "owner": self.owner, "name": self.name},
            ).fetchone()[0])  # fmt: skip

    async def match(self, text: str, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        where, values = conditions(filter)
        with self._store.reading() as db:
            scope = self._scope(db)[0]
            asked = lexical.query(db, scope, clean(text)) if scope else ""
            if not asked or k < 1:
                return []
            rows = db.execute(
                f"SELECT {OF_R}, -bm25(words, 0.0, 1.0) AS score FROM words w JOIN records r ON r.row = w.rowid"
                f" WHERE words MATCH :asked AND r.scope = :scope AND {where} ORDER BY bm25(words, 0.0, 1.0) LIMIT :k",
                {**values, "asked": asked, "scope": scope, "k": k},
            ).fetchall()
        return [Scored(record_of(row[:-1]), float(row[-1])) for row in rows]

    async def around(
        self, ids: Sequence[str], *, hops: int = 1, filter: Filter = ALL, limit: int = 100
    ) -> list[Record]:
        where, values = conditions(filter)
        with self._store.reading() as db:
            rows = db.execute(
                EDGES.format(where=where, fields=FIELDS),
                {**values, "ids": listed(ids), "scope": self._scope(db)[0], "hops": hops, "limit": limit},
            ).fetchall()
        return [record_of(row) for row in rows]

    async def near(self, vector: Vectors, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        asked = unit(vector)
        async with self._lock:
            with self._store.reading() as db:
                matrix = self._fresh(db)
                rows = self._rows_of(db, filter)
            if matrix is None or not matrix.size or k < 1:
                return []
            if asked.shape[0] != matrix.dimension:
                same_dimension([Record(vector=asked)], matrix.dimension)  # the same words as for a put
            found = await self._search(matrix, asked, k, filter, rows)
        with self._store.reading() as db:
            names = ",".join(str(row) for row, _ in found)
            kept = {
                row[-1]: record_of(row[:-1])
                for row in db.execute(f"SELECT {FIELDS}, row FROM records WHERE row IN ({names})")
            }
        return [Scored(kept[row], score) for row, score in found if row in kept]

    async def _search(
        self, matrix: Matrix, asked: Vectors, k: int, filter: Filter, rows: Sequence[int] | None
    ) -> list[tuple[int, float]]:
        near = self._approximate(matrix)

        def act() -> list[tuple[int, float]]:
            mask = matrix.mask(filter, rows)
            quick = near.search(matrix, asked, k, mask) if near is not None else None
            return matrix.search(asked, k, mask) if quick is None else quick

        if near is None and matrix.size * matrix.dimension <= INLINE:
            return act()
        return await to_thread.run_sync(act)

    def _approximate(self, matrix: Matrix) -> Approximate | None:
        """The approximate index of a large scope, where its library is installed; it is built beside the searches."""
        if self._near is None:
            from scrimp.stores.ann import Approximate, worth_it

            if not worth_it(matrix.size):
                return None
            self._near = Approximate(self._store.indexes, f"{self.owner}/{self.name}")
        self._near.keep_up(matrix, self._version)
        return self._near

    def _scope(self, db: sqlite3.Connection) -> tuple[int, int, int]:
        """Number, version and dimension of the scope; zeros where it is not there yet."""
        found = db.execute(
            "SELECT scope, version, dimension FROM scopes WHERE owner = ? AND name = ?", (self.owner, self.name)
        ).fetchone()
        return found or (0, 0, 0)

    def _fresh(self, db: sqlite3.Connection) -> Matrix | None:
        """The matrix as the file has it now; None where the scope has no vectors."""
        from scrimp.stores.matrix import Matrix

        scope, version, dimension = self._scope(db)
        if not dimension:
            return None
        if self._matrix is not None and self._version == version and self._matrix.dimension == dimension:
            return self._matrix
        if self._matrix is None or self._matrix.dimension != dimension:
            self._matrix, self._version = Matrix(dimension), -1
            self._near = None
        held = db.execute("SELECT count(*) FROM records WHERE scope = ? AND vector IS NOT NULL", (scope,)).fetchone()[0]
        self._matrix.reserve(held)
        self._load(db, scope, self._matrix)
        if self._matrix.size != held:  # another process has removed some
            self._matrix, self._version, self._near = Matrix(dimension), -1, None
            self._matrix.reserve(held)
            self._load(db, scope, self._matrix)
        self._version = version
        return self._matrix

    def _load(self, db: sqlite3.Connection, scope: int, matrix: Matrix) -> None:
        """Read the vectors that were written since the matrix was last brought up to date."""
        rows = db.execute(
            "SELECT row, vector, kind, created, valid_from, valid_to, ended FROM records"
            " WHERE scope = ? AND version > ? ORDER BY row",
            (scope, self._version),
        )
        while batch := rows.fetchmany(10_000):
            lines = [_read_line(*row) for row in batch if row[1] is not None]
            matrix.drop([row[0] for row in batch if row[1] is None])
            matrix.put(lines)
            if self._near is not None:
                self._near.changed([row[0] for row in batch])

    def _rows_of(self, db: sqlite3.Connection, filter: Filter) -> list[int] | None:
        """Rows that fit the parts of a filter that the matrix does not know; None where there are none."""
        if not filter.where and not filter.relation:
            return None
        where, values = conditions(Filter(where=filter.where, relation=filter.relation, ended=True))
        found = db.execute(
            f"SELECT row FROM records r WHERE scope = :scope AND {where}", {**values, "scope": self._scope(db)[0]}
        )
        return [row[0] for row in found]


def _remove(db: sqlite3.Connection, scope: int, ids: Sequence[str]) -> list[int]:
    """Remove records and the edges at them; their rows."""
    if not ids:
        return []
    found = db.execute(
        "SELECT row, text FROM records WHERE scope = :scope AND (id IN (SELECT value FROM json_each(:ids))"
        " OR (head <> '' AND head IN (SELECT value FROM json_each(:ids)))"
        " OR (tail <> '' AND tail IN (SELECT value FROM json_each(:ids))))",
        {"scope": scope, "ids": listed(ids)},
    ).fetchall()
    for row, text in found:
        lexical.drop(db, row, scope, text)
        db.execute("DELETE FROM records WHERE row = ?", (row,))
    return [row for row, _ in found]


def _line(row: int, record: Record, kept: sqlite3.Cursor | None = None) -> Line:
    from scrimp.stores.matrix import Line

    vector = record.vector if kept is None else vector_of(kept.fetchone()[0])
    return Line(row, vector, record.kind, record.created, record.valid_from, record.valid_to, record.ended)


def _read_line(row: int, blob: bytes, *facts: Any) -> Line:
    from scrimp.stores.matrix import Line

    return Line(row, vector_of(blob), *facts)
