"""A record as a row of the SQLite store, and back; a filter as its SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from scrimp.core.protocols import Vectors
from scrimp.core.records import Filter, Record
from scrimp.stores.checked import clean, cleaned
from scrimp.stores.filters import moments


def conditions(filter: Filter) -> tuple[str, dict[str, Any]]:
    """A filter as SQL over `records r`, and its values."""
    parts, values = ["1"], dict[str, Any]()
    filter = cleaned(filter)
    if filter.kinds:
        parts.append("r.kind IN (SELECT value FROM json_each(:kinds))")
        values["kinds"] = json.dumps(list(filter.kinds))
    for number, (key, value) in enumerate(filter.where.items()):
        parts.append(f"json_extract(r.data, :path{number}) IS :value{number}")
        values[f"path{number}"] = f"$.{json.dumps(key, ensure_ascii=False)}"
        values[f"value{number}"] = value
    more, given = moments(filter, lambda name: f":{name}")
    return " AND ".join([*parts, *more]), {**values, **given}


def listed(ids: Sequence[str]) -> str:
    """Ids as one value, for `json_each`."""
    return json.dumps([clean(id) for id in ids])


def columns(record: Record) -> tuple[Any, ...]:
    """A record's columns in the order of FIELDS."""
    return (
        record.id, record.text, record.kind, json.dumps(record.data, ensure_ascii=False),
        json.dumps(record.sources, ensure_ascii=False), record.created, record.valid_from, record.valid_to,
        record.ended, record.head, record.relation, record.tail,
    )  # fmt: skip


def record_of(row: Sequence[Any]) -> Record:
    """A record of its columns, and its vector where that was read too."""
    id, text, kind, data, sources, created, start, end, ended, head, relation, tail = row[:12]
    vector = vector_of(row[12]) if len(row) > 12 and row[12] is not None else None
    return Record(
        id, text, kind, json.loads(data), tuple(json.loads(sources)), vector, created, start, end, ended, head,
        relation, tail,
    )  # fmt: skip


def vector_of(blob: bytes) -> Vectors:
    """A vector of its bytes."""
    import numpy as np

    return np.frombuffer(blob, dtype=np.float32)
