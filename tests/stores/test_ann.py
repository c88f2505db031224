"""The approximate index is a cache: it finds nearly all of the nearest, follows changes, and can be thrown away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scrimp.core.records import ALL, Filter, Record
from scrimp.stores import ann
from scrimp.stores.sqlite import SQLiteStore

pytest.importorskip("faiss")
pytestmark = pytest.mark.anyio
COUNT, SIZE = 3000, 24


def vectors(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(40, SIZE))
    rows = centres[rng.integers(0, 40, count)] + 0.3 * rng.normal(size=(count, SIZE))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ann, "WORTH_IT", 1000)


async def filled(path: Path | None) -> SQLiteStore:
    store = SQLiteStore(path)
    rows = vectors(1, COUNT)
    await store.records("ann").put([
        Record(f"r{place}", kind="odd" if place % 2 else "even", ended=1.0 if place % 10 == 9 else None, vector=row)
        for place, row in enumerate(rows)
    ])  # fmt: skip
    return store


@pytest.mark.usefixtures("small")
async def test_it_finds_what_an_exact_scan_finds(tmp_path: Path) -> None:
    store = await filled(tmp_path / "s.sqlite")
    records = store._records("ann", "")
    queries = vectors(1, COUNT)[:60] + 0.01
    exact = []
    for query in queries:  # before the index is there
        exact.append([one.item.id for one in await records.near(query, 10)])
        if records._near is not None and not exact[1:]:
            assert records._near._index is None or records._near._built == COUNT
    records._near.wait()
    assert records._near.recall >= ann.RECALL
    for meant in (ALL, Filter(kinds=("odd",)), Filter(ended=True, kinds=("even",)), Filter(where={"none": 1})):
        hits = total = 0
        for query in queries:
            found = [one.item.id for one in await records.near(query, 10, meant)]
            matrix = records._matrix
            rows = [] if meant.where else None
            truth = matrix.search(query / np.linalg.norm(query), 10, matrix.mask(meant, rows))
            ids = {f"r{row - 1}" for row, _ in truth}
            hits, total = hits + len(ids & set(found)), total + len(ids)
            assert len(found) == len(ids)
        assert hits >= 0.95 * total
    assert list((tmp_path / "s.sqlite.ann").iterdir())
    await store.forget("ann")
    assert not (tmp_path / "s.sqlite.ann").exists()


@pytest.mark.usefixtures("small")
async def test_it_follows_what_is_written_and_removed(tmp_path: Path) -> None:
    store = await filled(tmp_path / "s.sqlite")
    records = store._records("ann", "")
    query = vectors(7, 1)[0]
    await records.near(query, 5)
    records._near.wait()
    best = [one.item.id for one in await records.near(query, 2)]
    await records.put([Record("new", vector=query)], remove=[best[0]])
    found = [one.item.id for one in await records.near(query, 3)]
    assert found[0] == "new"
    assert best[0] not in found
    await records.put([Record("new", vector=-query)])
    assert "new" not in [one.item.id for one in await records.near(query, 3)]
    await store.aclose()
    again = SQLiteStore(tmp_path / "s.sqlite")
    after = [one.item.id for one in await again.records("ann").near(query, 3)]
    assert after == [one for one in found if one != "new"][:2] + after[2:]
    assert again._records("ann", "")._near is not None
    again._records("ann", "")._near.wait()
