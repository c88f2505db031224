"""A record as a row of the PostgreSQL store, and back; a filter as its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scrimp.core.protocols import Vectors
from scrimp.core.records import Filter, Record
from scrimp.journal.postgres import as_json, escaped, plain
from scrimp.stores.checked import cleaned
from scrimp.stores.filters import OF_R, moments


def conditions(filter: Filter) -> tuple[str, dict[str, Any]]:
    """A filter as SQL over `r`, and its values."""
    parts, values = ["true"], dict[str, Any]()
    filter = cleaned(filter)
    if filter.kinds:
        parts.append("r.kind = ANY(%(kinds)s)")
        values["kinds"] = [escaped(kind) for kind in filter.kinds]
    for number, (key, value) in enumerate(filter.where.items()):
        values[f"key{number}"] = escaped(key)
        if value is None:
            parts.append(f"coalesce(r.data -> %(key{number})s, 'null') = 'null'::jsonb")
        else:
            parts.append(f"r.data -> %(key{number})s = %(value{number})s")
            values[f"value{number}"] = as_json(value)
    more, given = moments(filter, lambda name: f"%({name})s")
    return " AND ".join([*parts, *more]), {**values, **escaped(given)}


def columns(record: Record) -> tuple[Any, ...]:
    """A record's columns in the order of FIELDS."""
    return (
        escaped(record.id), escaped(record.text), escaped(record.kind), as_json(dict(record.data)),
        as_json(list(record.sources)), record.created, record.valid_from, record.valid_to, record.ended,
        escaped(record.head), escaped(record.relation), escaped(record.tail),
    )  # fmt: skip


def fields(vectors: bool) -> str:
    """The columns to be read, with the vector or without."""
    return f"{OF_R}, r.vector::text" if vectors else OF_R


def record_of(row: Sequence[Any]) -> Record:
    """A record of its columns, and its vector where that was read too."""
    id, text, kind, data, sources, created, start, end, ended, head, relation, tail = row[:12]
    vector = vector_of(row[12]) if len(row) > 12 and row[12] is not None else None
    return Record(
        plain(id), plain(text), plain(kind), plain(data), tuple(plain(sources)), vector, created, start, end, ended,
        plain(head), plain(relation), plain(tail),
    )  # fmt: skip


def written(vector: Any) -> str:
    """A vector in pgvector's own writing."""
    return f"[{','.join(map(repr, vector.tolist()))}]"


def vector_of(text: str) -> Vectors:
    """The inverse of `written`."""
    import numpy as np

    return np.array(text[1:-1].split(","), dtype=np.float32)
