"""A memory by itself: notes with owner and sources, found by words and by meaning. No model is asked.

    async with Notebook("notes.sqlite", owner="ann") as notes:
        await notes.add("Ann moved to Bergen in May.", source="talk 3")
        for found in await notes.search("Where does Ann live?"):
            print(found.score, found.item.text)

It is what `scrimp memory` works on, and can be used without the rest of scrimp. The methods in memory/methods/ keep
their records in the same stores.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from scrimp.core.errors import InputError, MissingExtra
from scrimp.core.fusion import fuse
from scrimp.core.protocols import Embedder, Scored, Vectors
from scrimp.core.records import Filter, Record, Records, Store
from scrimp.core.words import words
from scrimp.stores.open import open_store

SIMILAR, SHARED = 0.95, 0.8
"""Cosine, and share of common words, from which on two notes say the same."""


@dataclass(frozen=True)
class Consolidated:
    """What a consolidation came to: notes before and after, and how many were merged into others."""

    before: int
    after: int
    merged: int


class Notebook:
    """Notes of one owner.

    Args:
        store: a path, a server's URL, `home`, a Store, or None for one in memory.
        owner: whose notes; nobody sees another owner's.
        name: which of the owner's notebooks.
        embedder: what finds notes by meaning; None finds them by words only.
        home: the folder that `home` stands for.
    """

    def __init__(
        self, store: str | Path | Store | None = None, *, owner: str = "", name: str = "notes",
        embedder: Embedder | None = None, home: Path | None = None,
    ) -> None:  # fmt: skip
        self.store = open_store(store, home) if store is None or isinstance(store, str | Path) else store
        self.owner, self.name, self._embedder = owner, name, embedder
        self._records: Records = self.store.records(owner, name)

    async def __aenter__(self) -> Notebook:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.store.aclose()

    async def add(
        self, text: str, *, source: str = "", at: float | None = None, data: Mapping[str, Any] | None = None
    ) -> Record:
        """Keep a note.

        Args:
            source: where it comes from.
            at: since when it holds, in seconds since the epoch.

        Raises:
            InputError: the note is empty.
        """
        if not text.strip():
            raise InputError("the note is empty", remedy="give its text")
        vector, sources = await self._vector(text), (source,) if source else ()
        note = Record(text=text, data=data or {}, sources=sources, valid_from=at, vector=vector)
        (id,) = await self._records.put([note])
        return (await self._records.get([id]))[0]

    async def search(self, query: str, k: int = 5, *, at: float | None = None) -> list[Scored[Record]]:
        """The k notes that fit best by words and meaning (reciprocal rank fusion), best first.

        Args:
            at: as of this moment, those that were superseded since included.
        """
        meant = Filter() if at is None else Filter(at=at, ended=True)
        lists = [await self._records.match(query, 4 * k, meant)]
        vector = await self._vector(query)
        if vector is not None:
            lists.append(await self._records.near(vector, 4 * k, meant))
        found = {one.item.id: one.item for ranking in lists for one in ranking}
        best = fuse(*([one.item.id for one in ranking] for ranking in lists))[:k]
        return [Scored(found[id], score) for id, score in best]

    async def show(self, ids: Iterable[str]) -> list[Record]:
        """Notes by their ids.

        Raises:
            InputError: nobody has one of them.
        """
        wanted = list(ids)
        found = await self._records.get(wanted)
        if missing := set(wanted) - {note.id for note in found}:
            raise InputError(
                f"no note has the id {sorted(missing)[0]!r}", remedy="`scrimp memory search` prints ids; mind the owner"
            )
        return found

    async def newest(self, limit: int = 20) -> list[Record]:
        """The notes written last, the newest first."""
        return await self._records.scan(limit=limit, newest=True)

    async def consolidate(self, similar: float = SIMILAR) -> Consolidated:
        """Merge notes that say the same: the newer text stays, and the sources of both.

        Two notes say the same where their words are the same, or where their vectors' cosine is at least `similar` and
        they share four of five words.
        """
        notes = await self._records.scan(vectors=True)
        near = _Near(notes, similar)
        kept: list[Record] = []
        home: list[int] = []  # note -> its place in kept
        by_words: dict[tuple[str, ...], int] = {}
        gone: list[str] = []
        changed: dict[str, Record] = {}
        for number, note in enumerate(notes):
            said = tuple(words(note.text))
            twin = by_words.get(said) if said else None
            if twin is None:
                twin = next((home[other] for other in near.to(number) if _share(note, notes[other])), None)
            if twin is None:
                twin = len(kept)
                kept.append(note)
            else:
                older = kept[twin]
                sources = tuple(dict.fromkeys((*older.sources, *note.sources)))
                changed.pop(older.id, None)
                changed[note.id] = kept[twin] = replace(note, sources=sources, created=older.created)
                gone.append(older.id)
            home.append(twin)
            by_words[said] = twin
        if gone:
            await self._records.put(list(changed.values()), remove=gone)
        return Consolidated(len(notes), len(kept), len(gone))

    async def forget(self, ids: Iterable[str] | None = None) -> int:
        """Remove notes, or all of them, from the store and from what its files still hold; how many there were."""
        if ids is None:
            return await self.store.forget(self.owner, self.name)
        gone = await self._records.remove(list(ids))
        scrub = getattr(self.store, "scrub", None)
        if scrub is not None and gone:
            scrub()
        return gone

    async def export(self) -> AsyncIterator[dict[str, Any]]:
        """Every note as JSON, those no longer current as well, with its vector."""
        for note in await self._records.scan(Filter(ended=True), vectors=True):
            row = note.to_json()
            if note.vector is not None:
                row["vector"] = base64.b64encode(note.vector.tobytes()).decode("ascii")
                row["embedder"] = getattr(self._embedder, "name", "")
            yield row

    async def load(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Keep what `export` gave, under the same ids; how many. A vector of another embedder is made anew.

        Raises:
            InputError: a row that is no note; nothing was kept.
        """
        notes = [await self._read(row, number) for number, row in enumerate(rows, start=1)]
        return len(await self._records.put(notes)) if notes else 0

    async def stats(self) -> dict[str, Any]:
        """How many notes there are, of which kinds, and how large they are."""
        notes = await self._records.scan(Filter(ended=True), vectors=True)
        return {
            "owner": self.owner,
            "scope": self.name,
            "records": len(notes),
            "current": sum(note.ended is None for note in notes),
            "edges": sum(bool(note.head) for note in notes),
            "vectors": sum(note.vector is not None for note in notes),
            "kinds": dict(Counter(note.kind for note in notes)),
            "text_bytes": sum(len(note.text.encode()) for note in notes),
            "scopes": [{"owner": owner, "scope": name} for owner, name in await self.store.scopes(self.owner)],
        }

    async def _vector(self, text: str) -> Vectors | None:
        if self._embedder is None or not text.strip():
            return None
        return (await self._embedder.embed([text]))[0][0]

    async def _read(self, row: Mapping[str, Any], number: int) -> Record:
        import numpy as np

        try:
            facts = {key: value for key, value in row.items() if key not in ("vector", "embedder")}
            note = Record.from_json(facts)
            if not isinstance(note.text, str) or not isinstance(note.id, str):
                raise TypeError("id and text are texts")
            vector = None
            if row.get("vector") and row.get("embedder") == getattr(self._embedder, "name", ""):
                vector = np.frombuffer(base64.b64decode(row["vector"]), dtype=np.float32)
        except (TypeError, ValueError) as error:
            remedy = "give what `scrimp memory export` wrote"
            raise InputError(f"line {number} is no note: {error}", remedy=remedy) from error
        return replace(note, vector=vector if vector is not None else await self._vector(note.text))


class _Near:
    """Which earlier notes a note is near to, by the cosine of their vectors."""

    def __init__(self, notes: list[Record], similar: float) -> None:
        import numpy as np

        self._np, self._similar = np, similar
        size = next((len(note.vector) for note in notes if note.vector is not None), 1)
        self._rows = np.zeros((len(notes), size), dtype=np.float32)
        for row, note in zip(self._rows, notes, strict=True):
            if note.vector is not None:
                row[:] = note.vector

    def to(self, number: int) -> list[int]:
        """Their numbers, from the first."""
        cosines = self._rows[:number] @ self._rows[number]
        return [int(other) for other in self._np.flatnonzero(cosines >= self._similar)]


def _share(note: Record, other: Record) -> bool:
    mine, theirs = set(words(note.text)), set(words(other.text))
    return len(mine & theirs) >= SHARED * max(len(mine | theirs), 1)


def packaged_embedder(name: str, home: Path) -> Embedder | None:
    """The embedder called `name`; None where it is the packaged one and is not installed, or is `none`."""
    if name == "none":
        return None
    from scrimp.models.embedders import open_embedder

    with suppress(MissingExtra):
        return open_embedder(name, home)
    return None
