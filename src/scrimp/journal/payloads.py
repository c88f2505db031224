"""Texts stored once per content, compressed."""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import Any

from scrimp.core.messages import Request, canonical, digest

_RAW, _ZLIB = b"\x00", b"\x01"
_WORTH_COMPRESSING = 256  # bytes; below, the header and the time cost more than is saved


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


class Payloads:
    """The payload table of one journal, and which run uses what.

    Remembers what it stored for the runs under way, so that a re-sent message is free.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._stored: dict[str, set[str]] = {}

    def put(self, run: str, value: Any, hash_: str = "") -> str:
        """Store a JSON value, or a Request message by message, as used by `run`; its hash, empty for None."""
        if value is None:
            return ""
        stored = self._stored.setdefault(run, set())
        if isinstance(value, Request):
            return self._put_request(run, value, stored)
        hash_ = hash_ or digest(value)
        if hash_ not in stored:
            self._insert(run, hash_, canonical(value), stored)
        return hash_

    def get(self, hash_: str) -> Any:
        """The value, messages and tools of a request filled in; None for the empty hash."""
        if not hash_:
            return None
        row = self._connection.execute("SELECT data FROM payloads WHERE hash = ?", (hash_,)).fetchone()
        if row is None:
            return None
        value = json.loads(unpack(row[0]))
        if isinstance(value, dict) and value.get("$") == "request":
            value.pop("$")
            value["messages"] = [self.get(item) for item in value["messages"]]
            value["tools"] = self.get(value["tools"]) or []
        return value

    def done(self, run: str) -> None:
        """Forget what was stored for a run that has ended."""
        self._stored.pop(run, None)

    def forget(self) -> None:
        """Drop what is remembered as stored, after a transaction that did not commit."""
        self._stored.clear()

    def _put_request(self, run: str, request: Request, stored: set[str]) -> str:
        for message in request.messages:
            if message.hash not in stored:
                self._insert(run, message.hash, canonical(message.to_json()), stored)
        tools = ""
        if request.tools:
            tools = digest([tool.hash for tool in request.tools])
            if tools not in stored:
                self._insert(run, tools, canonical([tool.to_json() for tool in request.tools]), stored)
        document = {
            "$": "request",
            "messages": [message.hash for message in request.messages],
            "tools": tools,
            "schema": request.schema,
            "max_output": request.max_output,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": list(request.stop),
            "logprobs": request.logprobs,
            "effort": request.effort,
            "prompt": request.prompt,
            "parallel_calls": request.parallel_calls,
        }
        return self.put(run, document)

    def _insert(self, run: str, hash_: str, text: str, stored: set[str]) -> None:
        # Another run may have stored the same text; that this run uses it is written down all the same.
        self._connection.execute("INSERT OR IGNORE INTO payloads (hash, data) VALUES (?, ?)", (hash_, pack(text)))
        self._connection.execute("INSERT OR IGNORE INTO uses (run, payload) VALUES (?, ?)", (run, hash_))
        stored.add(hash_)
