"""Clusters by first neighbours: FINCH, first partition (Sarfraz et al. 2019). No number of clusters is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def finch(rows: Sequence[Any]) -> list[int]:
    """The cluster of each row: rows are joined with their nearest other row, by cosine, and so on.

    Args:
        rows: numpy vectors of length 1.
    """
    import numpy as np

    count = len(rows)
    if count < 2:
        return [0] * count
    vectors = np.stack(list(rows))
    alike = vectors @ vectors.T
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for place in range(count):
        row = alike[place].copy()
        row[place] = -2.0
        parent[root(place)] = root(int(row.argmax()))
    names: dict[int, int] = {}
    return [names.setdefault(root(place), len(names)) for place in range(count)]
