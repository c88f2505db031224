"""What every store does with a record before it keeps it: ids, moments, JSON, and vectors of length 1."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scrimp.core.errors import InputError
from scrimp.core.events import ulid
from scrimp.core.protocols import Vectors
from scrimp.core.records import Filter, Record

LONGEST_ID = 300


def checked(records: Sequence[Record]) -> list[Record]:
    """The records as they are kept: with an id, a moment, plain JSON and a float32 vector.

    Raises:
        InputError: two records of one id, data that is no JSON, or a vector that is none.
    """
    kept = [_checked(record) for record in records]
    if len({record.id for record in kept}) < len(kept):
        twin = Counter(record.id for record in kept).most_common(1)[0][0]
        raise InputError(f"two records of one put have the id {twin!r}", remedy="put each once")
    return kept


def clean(text: str) -> str:
    """A text that UTF-8 can hold: halves of surrogate pairs become the replacement character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cleaned(filter: Filter) -> Filter:
    """A filter whose texts UTF-8 can hold."""
    where = {clean(key): clean(value) if isinstance(value, str) else value for key, value in filter.where.items()}
    return replace(filter, kinds=tuple(map(clean, filter.kinds)), where=where, relation=clean(filter.relation))


def unit(vector: Any) -> Vectors:
    """A vector as float32 of length 1 (0 stays 0).

    Raises:
        InputError: it is no row of finite numbers.
    """
    import numpy as np

    row = np.asarray(vector, dtype=np.float32)
    if row.ndim != 1 or not row.size or not np.isfinite(row).all():
        raise InputError("a vector is one row of finite numbers", remedy="ctx.embed gives one row for each text")
    length = float(np.linalg.norm(row))
    return row if length == 0 or abs(length - 1) < 1e-4 else row / length


def same_dimension(records: Sequence[Record], known: int) -> int:
    """The dimension of a scope with these records in it; 0 where it has no vectors.

    Raises:
        InputError: a vector of another dimension than the others.
    """
    for record in records:
        if record.vector is not None:
            size = int(record.vector.shape[0])
            if known and size != known:
                raise InputError(
                    f"a vector of {size} dimensions, where this scope has {known}",
                    remedy="one embedder for each scope; give the other one a scope of its own",
                )
            known = size
    return known


def _checked(record: Record) -> Record:
    if len(record.id) > LONGEST_ID:
        raise InputError(f"an id of {len(record.id)} characters", remedy=f"at most {LONGEST_ID}")
    try:
        data = json.loads(clean(json.dumps(dict(record.data), ensure_ascii=False, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise InputError(f"the data of record {record.id!r} is no JSON: {error}") from error
    return replace(
        record,
        id=clean(record.id) or ulid(),
        text=clean(record.text),
        kind=clean(record.kind),
        data=data,
        sources=tuple(map(clean, record.sources)),
        vector=None if record.vector is None else unit(record.vector),
        created=record.created or time.time(),
        head=clean(record.head),
        relation=clean(record.relation),
        tail=clean(record.tail),
    )
