"""Full text in a PostgreSQL store: BM25 over the same segmented words as in SQLite, by counts in a table.

PostgreSQL's own ranking knows no inverse document frequency, and its parsers no Chinese; so words are rows, and the
score is the formula of FTS5 (k1 = 1.2, b = 0.75).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from scrimp.core.words import words

COMMON_SHARE, COUNTED = 0.05, 1000
"""A word of more records than this share is left out of a query where rarer ones remain, from so many records on."""
MOST_WORDS = 64
"""Words of a query that are looked for, the longest; a longer query is a document."""
MOST_LETTERS = 200
"""Letters of a word that are kept; an index row bears no more than some kilobytes."""
K1, B = 1.2, 0.75

RANKED = """
SELECT {fields}, sum(a.idf * w.count * ({k1} + 1) / (w.count + {k1} * (1 - {b} + {b} * r.length / %(mean)s))) AS score
FROM unnest(%(words)s::text[], %(idf)s::float8[]) AS a (word, idf)
JOIN words w ON w.scope = %(scope)s AND w.word = a.word
JOIN records r ON r.row = w.row
WHERE {where}
GROUP BY r.row ORDER BY score DESC, r.row LIMIT %(k)s
"""


def counted(text: str) -> Counter[str]:
    """The words of a text and how often each stands in it."""
    return Counter(word[:MOST_LETTERS] for word in words(text))


def ranked(db: Any, scope: int, text: str, k: int, fields: str, where: str, values: dict[str, Any]) -> Sequence[Any]:
    """Rows of the records that fit best, each with its score last."""
    asked = sorted(counted(text), key=len, reverse=True)[:MOST_WORDS]
    if not asked or k < 1:
        return []
    total, mean = db.execute(
        "SELECT count(*), coalesce(avg(length), 0)::float8 FROM records WHERE scope = %s", (scope,)
    ).fetchone()
    known: dict[str, int] = dict(
        db.execute(
            "SELECT word, count(*) FROM words WHERE scope = %s AND word = ANY(%s) GROUP BY word", (scope, asked)
        ).fetchall()
    )
    telling = {word: held for word, held in known.items() if total < COUNTED or held <= COMMON_SHARE * total} or known
    if not telling:
        return []
    from math import log

    idf = [max(log((total - held + 0.5) / (held + 0.5)), 1e-6) for held in telling.values()]
    given = {**values, "words": list(telling), "idf": idf, "scope": scope, "mean": max(mean, 1.0), "k": k}
    rows: Sequence[Any] = db.execute(RANKED.format(fields=fields, where=where, k1=K1, b=B), given).fetchall()
    return rows
