"""Exact search over the vectors of one scope: a matrix in memory, kept beside the rows that hold them for good.

A scan is one product of the matrix with the query: 100,000 vectors of 384 dimensions take some 10 to 20 ms, updates
are free, filters are masks, and it is always right. It is also what an approximate index is measured by (ann.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scrimp.core.protocols import Vectors
from scrimp.core.records import Filter

FIRST_ROOM = 64


@dataclass(frozen=True)
class Line:
    """A vector with what filters look at. `row` is the number of its record in the database."""

    row: int
    vector: Vectors
    kind: str
    created: float
    valid_from: float | None
    valid_to: float | None
    ended: float | None


class Matrix:
    """The vectors of one scope. Not for two threads at once: whoever searches in a thread holds a lock."""

    def __init__(self, dimension: int) -> None:
        import numpy as np

        self._np = np
        self.dimension = dimension
        self.size = 0
        self.at: dict[int, int] = {}  # row -> place in the arrays
        self._kinds: dict[str, int] = {}
        self._ended = 0  # how many are no longer current
        self._make(FIRST_ROOM)

    def _make(self, room: int) -> None:
        np, old = self._np, getattr(self, "vectors", None)
        arrays = {"vectors": np.empty((room, self.dimension), np.float32), "rows": np.empty(room, np.int64),
                  "kinds": np.empty(room, np.int32), "times": np.empty((room, 4), np.float64)}  # fmt: skip
        if old is not None:
            for name, array in arrays.items():
                array[: self.size] = getattr(self, name)[: self.size]
        self.vectors, self.rows, self.kinds, self.times = arrays.values()

    def reserve(self, count: int) -> None:
        """Make room for so many vectors in all."""
        if count > len(self.rows):
            self._make(max(count, 2 * len(self.rows)))

    def put(self, lines: Iterable[Line]) -> None:
        """Add vectors, or put them in the place of those of the same rows."""
        for line in lines:
            place = self.at.get(line.row)
            if place is None:
                self.reserve(self.size + 1)
                place = self.at[line.row] = self.size
                self.size += 1
            elif self.times[place, 3] != self._np.inf:
                self._ended -= 1
            self.vectors[place], self.rows[place] = line.vector, line.row
            self.kinds[place] = self._kinds.setdefault(line.kind, len(self._kinds))
            self.times[place] = _times(line)
            self._ended += line.ended is not None

    def drop(self, rows: Iterable[int]) -> None:
        """Take vectors out; the last one moves into the gap."""
        for row in rows:
            place = self.at.pop(row, None)
            if place is None:
                continue
            self._ended -= int(self.times[place, 3] != self._np.inf)
            self.size -= 1
            last = self.size
            if place != last:
                for array in (self.vectors, self.rows, self.kinds, self.times):
                    array[place] = array[last]
                self.at[int(self.rows[place])] = place

    def mask(self, filter: Filter, rows: Sequence[int] | None = None) -> Any:
        """Which places are meant: a boolean array, or None for all of them.

        Args:
            rows: what is left by the parts of the filter that only the database can tell.
        """
        np, size = self._np, self.size
        times = self.times[:size]
        parts = []
        if filter.kinds:
            parts.append(np.isin(self.kinds[:size], [self._kinds.get(kind, -1) for kind in filter.kinds]))
        if filter.at is not None:
            parts.append((times[:, 1] <= filter.at) & (filter.at < times[:, 2]))
        if not filter.ended and self._ended:
            parts.append(times[:, 3] == np.inf)
        if filter.since is not None:
            parts.append(times[:, 0] >= filter.since)
        if filter.before is not None:
            parts.append(times[:, 0] < filter.before)
        if rows is not None:
            parts.append(np.isin(self.rows[:size], np.asarray(rows, dtype=np.int64)))
        return np.logical_and.reduce(parts) if parts else None

    def search(self, vector: Vectors, k: int, mask: Any = None) -> list[tuple[int, float]]:
        """Row and cosine of the k nearest, best first; equal ones in the order of their rows."""
        np = self._np
        if mask is not None and (few := np.flatnonzero(mask)).size < self.size // 4:
            places, scores = few, self.vectors[few] @ vector
        else:
            places, scores = np.arange(self.size), self.vectors[: self.size] @ vector
            if mask is not None:
                places, scores = places[mask], scores[mask]
        if k < scores.size:
            best = np.argpartition(scores, scores.size - k)[scores.size - k :]
            places, scores = places[best], scores[best]
        order = np.lexsort((self.rows[places], -scores))
        return [(int(self.rows[places[one]]), float(scores[one])) for one in order]


def _times(line: Line) -> tuple[float, float, float, float]:
    endless = float("inf")
    return (
        line.created,
        -endless if line.valid_from is None else line.valid_from,
        endless if line.valid_to is None else line.valid_to,
        endless if line.ended is None else line.ended,
    )
