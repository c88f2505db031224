"""The door to records: one scope of a store, with every access counted and every new id the same on a resume."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from scrimp.core.budget import Amount
from scrimp.core.context.passage import raise_recorded
from scrimp.core.events import Kind
from scrimp.core.messages import digest
from scrimp.core.protocols import Scored, Vectors
from scrimp.core.records import ALL, Filter, Record, Records

if TYPE_CHECKING:
    from scrimp.core.context.doors import Context


class MeteredRecords:
    """Records of one scope as a place in a run sees them (core/records.py says what each operation does).

    Inside a memory, whose own door is counted and journaled, an operation only takes its bytes from the budget.
    Elsewhere it is a passage of its own: a replay gets what was read then, without vectors.
    """

    def __init__(self, ctx: Context, inner: Records, owner: str, name: str) -> None:
        self._ctx, self._inner, self._scope = ctx, inner, f"{owner}/{name}"

    async def put(self, records: Sequence[Record], *, remove: Sequence[str] = ()) -> list[str]:
        place, number = self._ctx._place, self._ctx._number("put")
        base = f"{self._ctx._run.id} {place.span} {place.phase} {number}"
        now = self._ctx._run.clock.now()
        kept = [
            replace(record, id=record.id or digest(f"{base} {at}")[:24], created=record.created or now)
            for at, record in enumerate(records)
        ]
        size = sum(map(_size, kept))
        # As asked: an id and a moment that are given here are no part of what a replay must ask for again.
        request = {"put": [record.to_json() for record in records], "remove": list(remove)}
        written = await self._pass("memory_write", request, lambda: self._inner.put(kept, remove=remove), size)
        return [str(id) for id in written]

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Record]:
        request = {"get": list(ids)}
        return await self._read(request, lambda: self._inner.get(ids, vectors=vectors))

    async def scan(
        self, filter: Filter = ALL, *, limit: int | None = None, newest: bool = False, vectors: bool = False
    ) -> list[Record]:
        request = {"scan": asdict(filter), "limit": limit, "newest": newest}
        return await self._read(request, lambda: self._inner.scan(filter, limit=limit, newest=newest, vectors=vectors))

    async def near(self, vector: Vectors, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        request = {"near": [round(float(x), 5) for x in vector], "k": k, "filter": asdict(filter)}
        return await self._scored(request, lambda: self._inner.near(vector, k, filter))

    async def match(self, text: str, k: int, filter: Filter = ALL) -> list[Scored[Record]]:
        request = {"match": text, "k": k, "filter": asdict(filter)}
        return await self._scored(request, lambda: self._inner.match(text, k, filter))

    async def around(
        self, ids: Sequence[str], *, hops: int = 1, filter: Filter = ALL, limit: int = 100
    ) -> list[Record]:
        request = {"around": list(ids), "hops": hops, "filter": asdict(filter), "limit": limit}
        return await self._read(request, lambda: self._inner.around(ids, hops=hops, filter=filter, limit=limit))

    async def count(self, filter: Filter = ALL) -> int:
        request = {"count": asdict(filter)}
        return int(await self._pass("memory_read", request, lambda: self._inner.count(filter)))

    async def remove(self, ids: Sequence[str]) -> int:
        return int(await self._pass("memory_write", {"remove": list(ids)}, lambda: self._inner.remove(ids)))

    async def clear(self) -> int:
        return int(await self._pass("memory_write", {"clear": True}, self._inner.clear))

    # -- the way through --

    async def _read(self, request: dict[str, Any], act: Callable[[], Awaitable[list[Record]]]) -> list[Record]:
        return await self._pass(  # type: ignore[no-any-return]
            "memory_read", request, act,
            keep=lambda found: [record.to_json() for record in found],
            recall=lambda rows: [Record.from_json(row) for row in rows],
        )  # fmt: skip

    async def _scored(
        self, request: dict[str, Any], act: Callable[[], Awaitable[list[Scored[Record]]]]
    ) -> list[Scored[Record]]:
        return await self._pass(  # type: ignore[no-any-return]
            "memory_read", request, act,
            keep=lambda found: [[one.score, one.item.to_json()] for one in found],
            recall=lambda rows: [Scored(Record.from_json(row), score) for score, row in rows],
        )  # fmt: skip

    async def _pass(
        self,
        kind: Kind,
        request: dict[str, Any],
        act: Callable[[], Awaitable[Any]],
        size: int = 0,
        *,
        keep: Callable[[Any], Any] = lambda found: found,
        recall: Callable[[Any], Any] = lambda found: found,
    ) -> Any:
        ctx = self._ctx
        if ctx._place.phase:
            if size and "stored_bytes" in ctx.remaining():
                await ctx.spend(stored_bytes=size)
            return await ctx._run.in_time(act())
        amounts: dict[str, Amount] = {"memory_accesses": 1, **({"stored_bytes": size} if size else {})}
        here = ctx._as("memory", "read" if kind == "memory_read" else "write")
        request = {"scope": self._scope, **request}
        async with here._door("store", kind, "store", amounts, request) as passage:
            if passage.recorded is not None:
                raise_recorded(passage.recorded.response)
                return recall(passage.recorded.response["found"])
            found = await ctx._run.in_time(act())
            passage.done({"found": keep(found)}, spent=amounts)
            return found


def _size(record: Record) -> int:
    """Bytes that keeping a record takes: its text, its facts and its vector, without indexes."""
    facts = json.dumps(dict(record.data), ensure_ascii=False, default=str) if record.data else ""
    return len(record.text.encode(errors="replace")) + len(facts.encode()) + getattr(record.vector, "nbytes", 0)
