"""An approximate index for scopes with very many vectors: FAISS's inverted lists, rebuilt from the rows at any time.

It is a cache and never the truth. It is built in a thread while searches go on exactly, kept in a file beside the
store, and dropped without loss. What has been written since it was built is scanned exactly beside it; when that is a
fifth of it, it is built anew. How many lists a search looks into is set when it is built, by what it takes to find 98
of 100 of the true nearest ten of a sample.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from scrimp.core.protocols import Vectors
from scrimp.stores.matrix import Matrix

WORTH_IT = 100_000
"""Vectors from which on an exact scan is slower than a search by index by more than anybody would notice."""

ANEW = 0.2
"""Share of changed vectors above which the index is built again."""

RECALL = 0.98
SAMPLE, TRAINED, ROUNDS, BATCH = 64, 64, 6, 50_000


@cache
def _installed() -> bool:
    return importlib.util.find_spec("faiss") is not None


def worth_it(size: int) -> bool:
    """Whether a scope of this size is searched by index, where the extra `ann` is installed."""
    return size >= WORTH_IT and _installed()


class Approximate:
    """The index of one scope.

    Args:
        folder: where it is kept between processes; None keeps it in memory only.
        name: of the scope.
    """

    def __init__(self, folder: Path | None, name: str) -> None:
        self._folder, self._name = folder, hashlib.sha256(name.encode()).hexdigest()[:24]
        self._index: Any = None
        self._built = 0  # how many vectors it holds
        self._changed: set[int] = set()  # rows written or removed since
        self._meanwhile: set[int] = set()  # those since the building of the next one began
        self._builder: threading.Thread | None = None
        self.recall = 0.0  # of the sample, when it was built

    def changed(self, rows: Iterable[int]) -> None:
        """Rows that were written or removed: what the index says of them is out of date."""
        for row in rows:
            self._changed.add(row)
            self._meanwhile.add(row)

    def keep_up(self, matrix: Matrix, version: int) -> None:
        """Begin to build it where it is missing or too old; searches go on meanwhile."""
        stale = self._index is None or len(self._changed) > ANEW * self._built
        if stale and (self._builder is None or not self._builder.is_alive()):
            rows, vectors = matrix.rows[: matrix.size].copy(), matrix.vectors[: matrix.size].copy()
            self._builder = threading.Thread(target=self._build, args=(rows, vectors, version), daemon=True)
            self._meanwhile = set()
            self._builder.start()

    def wait(self) -> None:
        """Until the index is built, if it is being built."""
        if self._builder is not None:
            self._builder.join()

    def search(self, matrix: Matrix, asked: Vectors, k: int, mask: Any) -> list[tuple[int, float]] | None:
        """Row and cosine of the k nearest; None where it cannot tell, and an exact scan must."""
        import numpy as np

        index = self._index
        if index is None:
            return None
        scores, rows = index.search(asked[None, :], min(4 * k + 64, self._built))
        found = {
            int(row): float(score)
            for row, score in zip(rows[0], scores[0], strict=True)
            if row >= 0 and row in matrix.at and row not in self._changed
        }
        fresh = np.array([matrix.at[row] for row in self._changed if row in matrix.at], dtype=np.int64)
        if fresh.size:
            near = matrix.vectors[fresh] @ asked
            found.update(zip(matrix.rows[fresh].tolist(), near.tolist(), strict=True))
        if mask is not None:
            found = {row: score for row, score in found.items() if mask[matrix.at[row]]}
            if len(found) < k:
                return None
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:k]

    # -- building --

    def _build(self, rows: Any, vectors: Any, version: int) -> None:
        import faiss
        import numpy as np

        size, dimension = vectors.shape
        index = self._read(version)
        if index is None:
            lists = max(64, min(2048, int(4 * size**0.5)))
            quantizer = faiss.IndexFlatIP(dimension)
            index = faiss.IndexIVFFlat(quantizer, dimension, lists, faiss.METRIC_INNER_PRODUCT)
            index.cp.niter, index.cp.max_points_per_centroid, index.cp.seed = ROUNDS, TRAINED, 7
            chosen = np.random.default_rng(7).permutation(size)[: lists * TRAINED]
            index.train(vectors[chosen])
            for start in range(0, size, BATCH):
                index.add_with_ids(vectors[start : start + BATCH], rows[start : start + BATCH])
            self.recall = _tune(index, rows, vectors)
            self._write(index, version)
        else:
            self.recall = _tune(index, rows, vectors)
        self._changed = self._meanwhile
        self._built, self._index = size, index

    def _read(self, version: int) -> Any:
        """The index of the file, if it is of the scope as it is now."""
        import faiss

        if self._index is not None or self._folder is None:
            return None
        try:
            return faiss.read_index(str(self._file(version)))
        except RuntimeError:  # not there, half-written or of another version: it is only a cache
            return None

    def _write(self, index: Any, version: int) -> None:
        import faiss

        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(version)
        draft = file.with_suffix(f".{os.getpid()}")
        faiss.write_index(index, str(draft))
        draft.replace(file)
        for old in self._folder.glob(f"{self._name}.*"):
            if old != file:
                old.unlink(missing_ok=True)

    def _file(self, version: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{self._name}.{version}.ivf"


def _tune(index: Any, rows: Any, vectors: Any) -> float:
    """Look into as few lists as find the true nearest ten of a sample; the share found."""
    import numpy as np

    sample = vectors[np.random.default_rng(11).permutation(len(vectors))[:SAMPLE]]
    noisy = sample + np.random.default_rng(12).normal(0, 0.02, sample.shape).astype(np.float32)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    best = np.argpartition(-(noisy @ vectors.T), 10, axis=1)[:, :10]
    truth = [set(rows[places].tolist()) for places in best]
    probes, recall = 4, 0.0
    while True:
        index.nprobe = min(probes, index.nlist)
        found = index.search(noisy, 10)[1]
        recall = float(np.mean([len(true & set(got.tolist())) / 10 for true, got in zip(truth, found, strict=True)]))
        if recall >= RECALL or probes >= index.nlist:
            return recall
        probes *= 2
