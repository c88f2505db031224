"""An exact cache before a model: the same request is never paid twice.

A hit costs nothing and says so: its usage is zero, its reported cost is zero, and `replayed` holds what the answer had
used when it was first given, so that a report can state the list price as if nothing were cached. The door reserves
the worst case all the same and gives it back at once.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from scrimp.core.messages import Delta, Fold, Request, Response, canonical, digest
from scrimp.core.protocols import Model
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.journal.sqlite import connect, failed, transaction

MIGRATIONS = "scrimp.models.migrations"


class Answers:
    """Where answers are kept: in memory, or in a SQLite file that several processes may share.

    Args:
        path: the file; None keeps them in memory.

    Raises:
        JournalFailed: the file is no database, or cannot be opened.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._memory: dict[str, str] = {}
        self._connection: sqlite3.Connection | None = None if path is None else connect(path, MIGRATIONS)

    def get(self, key: str) -> Response | None:
        """The answer under a key.

        Raises:
            JournalFailed: the file cannot be read.
        """
        text = self._memory.get(key)
        if text is None and self._connection is not None:
            try:
                row = self._connection.execute("SELECT response FROM answers WHERE key = ?", (key,)).fetchone()
            except sqlite3.Error as error:
                raise failed(self.path or Path(), error) from error
            text = None if row is None else row[0]
        return None if text is None else Response.from_json(json.loads(text))

    def put(self, key: str, model: str, response: Response) -> None:
        """Keep an answer.

        Raises:
            JournalFailed: the file cannot be written.
        """
        text = canonical(response.to_json())
        if self._connection is None:
            self._memory[key] = text
            return
        try:
            with transaction(self._connection) as db:
                db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (key, model, text, time.time()))
        except sqlite3.Error as error:
            raise failed(self.path or Path(), error) from error

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()


class CachedModel:
    """A Model that answers from a cache where it can.

    The key is the model's name and the request with its output cap. Requests that sample (a temperature above zero
    without a seed) are always asked anew: their answers are meant to differ. Two equal requests at once are both
    asked.

    Args:
        inner: the model behind.
        answers: where its answers are kept.
    """

    def __init__(self, inner: Model, answers: Answers | None = None) -> None:
        self.inner, self.answers = inner, answers or Answers()
        self.name, self.capabilities = inner.name, inner.capabilities

    def bound(self, request: Request) -> Usage:
        """That of the model behind: nobody knows beforehand whether the cache has it."""
        return self.inner.bound(request)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield the answer: in one piece from the cache, or as it comes, and then it is kept.

        Raises:
            ModelFailed: the model behind could not answer.
            JournalFailed: the cache cannot be used.
        """
        sampled = request.temperature > 0 and request.seed is None
        key = "" if sampled else self._key(request)
        kept = self.answers.get(key) if key else None
        if kept is not None:
            yield Delta(kept.text, kept.tool_calls, kept.logprobs)
            yield Delta(finish=kept.finish, usage=NO_USAGE, reported_cost="0", replayed=kept.usage or NO_USAGE)
            return
        whole = Fold()
        async with aclosing(_pieces(self.inner, request)) as deltas:
            async for delta in deltas:
                whole.add(delta)
                yield delta
        response = whole.response()
        if key and response.finish in ("stop", "tool_calls", "length") and response.usage is not None:
            self.answers.put(key, self.name, response)

    def _key(self, request: Request) -> str:
        return digest([self.name, request.hash, request.max_output])

    async def aclose(self) -> None:
        """Close the cache and the model behind."""
        self.answers.close()
        close = getattr(self.inner, "aclose", None)
        if close is not None:
            await close()


async def _pieces(model: Model, request: Request) -> AsyncGenerator[Delta, None]:
    """The stream as a generator, so that it can be closed whatever it is."""
    async for delta in model.stream(request):
        yield delta
