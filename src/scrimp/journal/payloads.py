"""Texts stored once per content, compressed; short ones stand in the event itself.

A request is a list of the hashes of its messages. Long lists are cut into groups of eight, and groups into groups
again, each stored once under its hash, so that a request of n messages adds what is new and a few hashes to those
before it.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from scrimp.core.messages import Request, canonical, digest
from scrimp.journal.database import Database

_RAW, _ZLIB = b"\x00", b"\x01"
_WORTH_COMPRESSING = 256  # bytes; below, the header and the time cost more than is saved
_HERE = "="  # begins what is no hash but the text itself
_SHORT = 1024  # characters up to which a text that belongs to one event stands in it
_LONE = re.compile("[\ud800-\udfff]")  # halves of characters, which no column of text can hold
_GROUP = 8


def pack(text: str) -> bytes:
    """Bytes of a text, compressed where that is shorter; the first byte tells which."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) < _WORTH_COMPRESSING:
        return _RAW + data
    small = zlib.compress(data, 1)
    return _ZLIB + small if len(small) < len(data) else _RAW + data


def unpack(data: bytes) -> str:
    """The inverse of `pack`."""
    body = data[1:]
    return (zlib.decompress(body) if data[:1] == _ZLIB else body).decode("utf-8", "surrogatepass")


_ORDERED = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def written(value: Any) -> str:
    """A value as JSON in the order it has.

    What a prompt shows of a tool's parameters or a call's arguments is shown in their order, so a replay
    needs the order that was; hashes that identify content do not see it.
    """
    return _ORDERED.encode(value)


class Payloads:
    """The payload table of one journal, and which run uses what.

    Remembers what it stored for the runs under way, so that a re-sent message is free.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._stored: dict[str, set[str]] = {}
        self._lists: dict[str, dict[tuple[str, ...], str]] = {}  # hashes of lists of hashes

    def put(self, run: str, value: Any) -> str:
        """Store a JSON value as used by `run`; its hash, empty for None."""
        if value is None:
            return ""
        return self._put_text(run, written(value))

    def place(self, run: str, value: Any) -> str:
        """Where an event finds a JSON value or a Request: the hash it is stored under, or itself where it is short."""
        if value is None:
            return ""
        text = self._request(run, value) if isinstance(value, Request) else written(value)
        here = len(text) <= _SHORT and not _LONE.search(text)
        return _HERE + text if here else self._put_text(run, text)

    def get(self, place: str) -> Any:
        """The value behind what `put` or `place` gave, messages and tools of a request filled in; None for nothing."""
        if not place:
            return None
        if place.startswith(_HERE):
            value = json.loads(place[len(_HERE) :])
        else:
            row = self._db.execute("SELECT data FROM payloads WHERE hash = ?", (place,)).fetchone()
            if row is None:
                return None
            value = json.loads(unpack(row[0]))
        if isinstance(value, dict) and value.get("$") == "request":
            value.pop("$")
            value["messages"] = list(self._messages(value["messages"]))
            value["tools"] = self.get(value["tools"]) or []
        return value

    def done(self, run: str) -> None:
        """Forget what was stored for a run that has ended."""
        self._stored.pop(run, None)
        self._lists.pop(run, None)

    def forget(self) -> None:
        """Drop what is remembered as stored, after a transaction that did not commit."""
        self._stored.clear()
        self._lists.clear()

    def _request(self, run: str, request: Request) -> str:
        """Store the messages and tools of a request; the text that names them."""
        stored = self._stored.setdefault(run, set())
        for message in request.messages:
            if message.hash not in stored:
                self._insert(run, message.hash, written(message.to_json()), stored)
        document = {
            "$": "request",
            "messages": self._grouped(run, [message.hash for message in request.messages]),
            "tools": self._tools(run, request),
            "schema": request.schema,
            "max_output": request.max_output,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": request.stop,
            "logprobs": request.logprobs,
            "effort": request.effort,
            "prompt": request.prompt,
            "parallel_calls": request.parallel_calls,
        }
        return canonical(document)

    def _tools(self, run: str, request: Request) -> str:
        """Where the tools of a request are; the list is the same for all requests of a run, mostly."""
        if not request.tools:
            return ""
        known, key = self._lists.setdefault(run, {}), tuple(tool.hash for tool in request.tools)
        if key not in known:
            known[key] = digest(key)
            if known[key] not in self._stored[run]:
                self._insert(run, known[key], written([tool.to_json() for tool in request.tools]), self._stored[run])
        return known[key]

    def _grouped(self, run: str, hashes: list[str]) -> list[str]:
        """The list with its beginning in groups."""
        known = self._lists.setdefault(run, {})
        rest: list[str] = []
        while len(hashes) > _GROUP:
            whole = len(hashes) - len(hashes) % _GROUP
            rest = hashes[whole:] + rest
            keys = [tuple(hashes[start : start + _GROUP]) for start in range(0, whole, _GROUP)]
            for key in keys:
                if key not in known:
                    known[key] = self._put_text(run, canonical(key))
            hashes = [known[key] for key in keys]
        return hashes + rest

    def _messages(self, hashes: list[str]) -> Iterator[Any]:
        """The messages behind hashes, of which some are groups."""
        for hash_ in hashes:
            value = self.get(hash_)
            if isinstance(value, list):
                yield from self._messages(value)
            else:
                yield value

    def _put_text(self, run: str, text: str) -> str:
        stored = self._stored.setdefault(run, set())
        hash_ = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if hash_ not in stored:
            self._insert(run, hash_, text, stored)
        return hash_

    def _insert(self, run: str, hash_: str, text: str, stored: set[str]) -> None:
        # Another run may have stored the same text; that this run uses it is written down all the same.
        if self._db.execute("SELECT 1 FROM payloads WHERE hash = ?", (hash_,)).fetchone() is None:
            self._db.execute(
                "INSERT INTO payloads (hash, data) VALUES (?, ?) ON CONFLICT DO NOTHING", (hash_, pack(text))
            )
        self._db.execute("INSERT INTO uses (run, payload) VALUES (?, ?) ON CONFLICT DO NOTHING", (run, hash_))
        stored.add(hash_)
