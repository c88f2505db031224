"""Full text in a SQLite store: BM25 over segmented words, with a stop list learned from the records themselves.

A text's words are found by core/words.py, English and Chinese alike, and what a query says is words as well: no
character of it is syntax. Words that very many records have are left out of queries where rarer ones remain; that is
what keeps a search among 100,000 records at a millisecond or two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from scrimp.core.words import words

COMMON_SHARE = 0.05
"""Share of the records above which a word is common."""

FIRST_COUNT = 1000
"""Records from which on common words are learned; and again whenever their number has doubled."""

MOST_WORDS = 64
"""Words of a query that are looked for, the rarest; a longer query is a document."""


def add(db: sqlite3.Connection, row: int, scope: int, text: str) -> None:
    """Enter a record's words."""
    if text:
        db.execute("INSERT INTO words (rowid, scope, text) VALUES (?, ?, ?)", (row, _scope(scope), _joined(text)))


def drop(db: sqlite3.Connection, row: int, scope: int, text: str) -> None:
    """Take a record's words out; `text` is what was entered."""
    if text:
        db.execute(
            "INSERT INTO words (words, rowid, scope, text) VALUES ('delete', ?, ?, ?)",
            (row, _scope(scope), _joined(text)),
        )


def learn(db: sqlite3.Connection, rows: int) -> int:
    """Learn the common words if the file has doubled since they were learned last; at how many rows to look again.

    Args:
        rows: number of the last record.
    """
    counted = db.execute("SELECT value FROM facts WHERE key = 'counted'").fetchone()[0]
    if rows < FIRST_COUNT or rows < 2 * counted:
        return max(FIRST_COUNT, 2 * int(counted))
    db.execute("DELETE FROM common")
    db.execute(
        "INSERT INTO common SELECT term FROM vocabulary WHERE col = 'text' AND doc > ?", (int(rows * COMMON_SHARE),)
    )
    db.execute("UPDATE facts SET value = ? WHERE key = 'counted'", (rows,))
    return 2 * rows


def query(db: sqlite3.Connection, scope: int, text: str) -> str:
    """What to MATCH for a text, within a scope; empty where it has no words."""
    asked = list(dict.fromkeys(words(text)))
    if not asked:
        return ""
    common = _common(db, asked)
    telling = [word for word in asked if word not in common] or asked
    if len(telling) > MOST_WORDS:
        telling = sorted(telling, key=len, reverse=True)[:MOST_WORDS]
    return f'scope : "{_scope(scope)}" AND text : ({" OR ".join(_quoted(telling))})'


def scrub(db: sqlite3.Connection) -> None:
    """Merge the index, so that nothing of what was taken out stays in it."""
    db.execute("INSERT INTO words (words) VALUES ('optimize')")


def _common(db: sqlite3.Connection, asked: list[str]) -> set[str]:
    holes = ",".join("?" * len(asked[:500]))
    return {row[0] for row in db.execute(f"SELECT word FROM common WHERE word IN ({holes})", asked[:500])}


def _scope(scope: int) -> str:
    return f"scope{scope}"


def _joined(text: str) -> str:
    return " ".join(words(text))


def _quoted(asked: Iterable[str]) -> list[str]:
    return [f'"{word}"' for word in asked]
