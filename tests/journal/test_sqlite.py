"""Transactions: all of it or none, and always fit for the next one."""

import sqlite3
from pathlib import Path

import pytest

from scrimp.journal.journal import TABLES
from scrimp.journal.sqlite import connect, transaction


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    db = connect(tmp_path / "x.sqlite", TABLES.sqlite)
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")

    def fill_then(statement: str) -> None:
        with transaction(db) as inner:
            inner.execute("INSERT INTO t VALUES (1)")
            inner.execute(statement)

    for bad in ("INSERT INTO t VALUES (1)", "INSERT OR ROLLBACK INTO t VALUES (1)", "rubbish"):
        with pytest.raises(sqlite3.Error):
            fill_then(bad)
        assert not db.in_transaction
        assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    fill_then("INSERT INTO t VALUES (2)")
    assert db.execute("SELECT count(*) FROM t").fetchone() == (2,)
    db.close()


def test_how_the_file_is_opened(tmp_path: Path) -> None:
    for full, synchronous in ((False, 1), (True, 2)):
        db = connect(tmp_path / "x.sqlite", TABLES.sqlite, full=full)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
        db.close()
