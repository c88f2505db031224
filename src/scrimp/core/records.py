"""What a store keeps: records with text, facts, a vector, a time in which they hold and, for a fact, two ends.

A record that has a head and a tail is an edge of a graph; so what is known of facts (vectors, full text, validity) is
known of edges too. Everything is read and written within one scope: an owner, and a name within it (a memory, a team).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from scrimp.core.protocols import Scored, Vectors


@dataclass(frozen=True)
class Record:
    """One thing kept.

    Attributes:
        id: unique within its scope; empty for a new one, which gets an id when it is put.
        text: what it says; found by `match`.
        kind: what it is: `note`, `fact`, `summary`, `entity`...
        data: further facts, as JSON.
        sources: where it comes from: ids of episodes, runs, or other records.
        vector: of length 1; read back only where asked for. None in a `put` leaves the vector of an unchanged text.
        created: seconds since the epoch; set by the store where 0.
        valid_from, valid_to: when it holds in the world (`valid_to` is the first moment at which it does not); None
            where it is open.
        ended: when it was found to hold no longer; None while it is current.
        head, relation, tail: ids of the two ends and what joins them, where it is an edge.
    """

    id: str = ""
    text: str = ""
    kind: str = "note"
    data: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    vector: Vectors | None = field(default=None, compare=False, repr=False)
    created: float = 0.0
    valid_from: float | None = None
    valid_to: float | None = None
    ended: float | None = None
    head: str = ""
    relation: str = ""
    tail: str = ""

    def to_json(self) -> dict[str, Any]:
        """Everything but the vector; what is empty is left out."""
        out: dict[str, Any] = {"id": self.id, "kind": self.kind, "text": self.text, "created": self.created}
        if self.data:
            out["data"] = dict(self.data)
        if self.sources:
            out["sources"] = list(self.sources)
        moments = {"valid_from": self.valid_from, "valid_to": self.valid_to, "ended": self.ended}
        ends = {"head": self.head, "relation": self.relation, "tail": self.tail}
        out.update({key: value for key, value in moments.items() if value is not None})
        out.update({key: value for key, value in ends.items() if value})
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """The inverse of `to_json`."""
        return cls(**{**data, "sources": tuple(data.get("sources", ()))})


@dataclass(frozen=True)
class Filter:
    """Which records are meant; each part that is given narrows it.

    Attributes:
        kinds: of one of these kinds.
        where: `data` has these values at its top level (texts, numbers, truth values, None for absent).
        at: it holds at this moment (`valid_from <= at < valid_to`); None for whenever.
        ended: with those that are no longer current, which are left out otherwise.
        since, before: created at or after, created before.
        relation: edges by this relation.
    """

    kinds: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)
    at: float | None = None
    ended: bool = False
    since: float | None = None
    before: float | None = None
    relation: str = ""


ALL = Filter()
"""Whatever is current."""


@runtime_checkable
class Records(Protocol):
    """The records of one scope. Nothing of another scope can be reached through it.

    Every write is one transaction: all of it is kept, or none. Scores are higher for what fits better.
    """

    async def put(self, records: Sequence[Record], *, remove: Sequence[str] = ()) -> list[str]:
        """Keep records, and remove those of the ids `remove`, at once; the ids in the order of the records.

        A record whose id is there takes the place of the other one.

        Raises:
            InputError: a vector of another dimension than the scope's, or data that is no JSON.
            StoreFailed: nothing was written.
        """
        ...

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Record]:
        """The records of these ids, in that order; ids that nobody has are left out. Ended ones are given as well."""
        ...

    async def scan(
        self, filter: Filter = ALL, *, limit: int | None = None, newest: bool = False, vectors: bool = False
    ) -> list[Record]:
        """Records in the order in which they were first put, or the newest first."""
        ...

    async def near(self, vector: Vectors, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        """The k records nearest to a vector, with their cosine, best first."""
        ...

    async def match(self, text: str, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        """The k records whose words fit `text` best by BM25, best first. The text is words, never a query language."""
        ...

    async def around(
        self, ids: Sequence[str], *, hops: int = 1, filter: Filter = ALL, limit: int = 100
    ) -> list[Record]:
        """Edges that can be reached from these ends within so many hops, in either direction, the nearest first."""
        ...

    async def count(self, filter: Filter = ALL) -> int:
        """How many records there are."""
        ...

    async def remove(self, ids: Sequence[str]) -> int:
        """Remove records, whatever is kept of them: row, vector, words, edges; how many there were.

        Edges whose end is removed are removed with it.
        """
        ...

    async def clear(self) -> int:
        """Remove every record of the scope."""
        ...


@runtime_checkable
class Store(Protocol):
    """Keeps the records of all scopes."""

    def records(self, owner: str = "", name: str = "") -> Records:
        """The records of one scope, which need not be there yet."""
        ...

    async def scopes(self, owner: str | None = None) -> Sequence[tuple[str, str]]:
        """Owner and name of every scope that holds records."""
        ...

    async def forget(self, owner: str, name: str | None = None) -> int:
        """Remove all records of an owner, or of one of its scopes, and scrub what the files still hold of them."""
        ...

    async def aclose(self) -> None:
        """Close the files or connections; nothing is lost by leaving it out."""
        ...


def holds(record: Record, filter: Filter) -> bool:
    """Whether a record is meant by a filter; what every store's search must agree with."""
    at, start, end = filter.at, record.valid_from, record.valid_to
    return (
        (not filter.kinds or record.kind in filter.kinds)
        and all(record.data.get(key) == value for key, value in filter.where.items())
        and (at is None or ((start is None or start <= at) and (end is None or at < end)))
        and (filter.ended or record.ended is None)
        and (filter.since is None or record.created >= filter.since)
        and (filter.before is None or record.created < filter.before)
        and (not filter.relation or record.relation == filter.relation)
    )
