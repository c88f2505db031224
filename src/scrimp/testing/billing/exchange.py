"""One request answered, billed token by token as it is written, and spoiled by its fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from scrimp.testing.billing.bill import Entry
from scrimp.testing.billing.faults import Fault
from scrimp.testing.billing.formats import Ask, Format, Stated
from scrimp.testing.billing.http import ClientLeft, Connection
from scrimp.testing.billing.tokens import Piece

_STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache",
           "Transfer-Encoding": "chunked"}  # fmt: skip
_JSON = {"Content-Type": "application/json"}
_STRIKES = ("cut", "malformed", "error_event")
_PAGE = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body><h1>Checking {}</h1></body></html>"


class Struck(Exception):
    """The fault ended the connection; `manner` says how."""

    def __init__(self, manner: str) -> None:
        super().__init__(manner)
        self.manner = manner


@dataclass
class Exchange:
    """What one answer needs. `key` is the API key that came with the request."""

    line: Connection
    format: Format
    ask: Ask
    entry: Entry
    fault: Fault
    key: str = ""

    async def answer(self, pieces: Iterator[Piece]) -> None:
        """Answer; the input is in the entry already.

        Raises:
            Struck: the connection is to be ended now.
            ClientLeft: the client went away.
        """
        kind = self.fault.kind
        headers = {"x-request-id": self.entry.id}
        if kind in ("slow_first", "silent"):
            await self.line.pause(self.fault.seconds)
        if kind == "drop":
            raise Struck(self.fault.manner)
        if kind in ("gateway", "working", "gzip", "html"):
            await self._spoiled(pieces, headers)
        elif self.ask.stream:
            await self._stream(pieces, headers)
        else:
            await self._whole(pieces, headers)

    async def refuse(self) -> None:
        """Refuse with the fault's status; nothing is billed."""
        status, headers = self.fault.status, dict(_JSON)
        if self.fault.retry == "date":
            moment = datetime.now(UTC) + timedelta(seconds=max(self.fault.seconds, 1.0))
            headers["Retry-After"] = format_datetime(moment, usegmt=True)
        elif self.fault.retry:
            headers["Retry-After"] = self.fault.retry
        await self.line.whole(status, json.dumps(self.format.error(status, self._told())).encode(), headers)

    # -- one piece at a time --------------------------------------------------------------------------

    async def _bill(self, piece: Piece) -> None:
        """Bill a piece that is about to be written."""
        try:
            await self.line.pause(self.fault.seconds if self.fault.kind not in ("slow_first", "silent") else 0)
        except ClientLeft:
            if not self.fault.stays:
                raise
        self.entry.output += piece.tokens
        self.entry.reasoning += piece.tokens if piece.kind == "reasoning" else 0

    async def _send(self, events: list[bytes]) -> None:
        for event in events:
            data = event.replace(b"\n", b"\r\n") if self.fault.kind == "keep_alive" else event
            step = 1 if self.fault.kind == "split" else len(data)
            for start in range(0, len(data), step):
                try:
                    await self.line.chunk(data[start : start + step])
                except ClientLeft:
                    if not self.fault.stays:
                        raise

    async def _stream(self, pieces: Iterator[Piece], headers: dict[str, str]) -> None:
        fault, form = self.fault, self.format
        await self.line.head(200, {**_STREAM, **headers})
        await self._send(form.opening(self._stated()))
        reason = "stop"
        for number, piece in enumerate(pieces):
            if fault.kind in _STRIKES and number >= fault.after:
                await self._strike()
            if not piece.tokens:
                reason = piece.kind
                break
            await self._bill(piece)
            await self._send(form.piece(piece, self._stated() if fault.kind == "usage_running" else None))
            if fault.kind == "usage_stale" and number + 1 == fault.after:
                await self._send(form.usage(self._stated()))
            if fault.kind == "keep_alive":
                await self._send([b": keep-alive\n\n", b"\n"])
        if fault.kind in _STRIKES:
            await self._strike()
        await self._finish(reason)

    async def _finish(self, reason: str) -> None:
        """The end of a stream: finish, usage, last event."""
        fault, form = self.fault, self.format
        if fault.kind == "usage_early":
            await self._send(form.usage(self._stated()))
        await self._send(form.closing(reason))
        if fault.kind == "drop_usage":
            raise Struck(fault.manner)
        left_out = fault.kind in ("usage_missing", "usage_null", "usage_early", "usage_stale", "usage_running")
        usage = None if left_out or not self.ask.usage else self._stated()
        last = [*form.final(reason, usage, null=fault.kind == "usage_null"), *form.end()]
        if fault.kind == "duplicate":
            last = [*(form.closing(reason) if form.name == "openai" else ()), *last, *last]
        await self._send(last)
        await self.line.chunk(b"")

    async def _strike(self) -> None:
        """What happens in the middle of a stream.

        Raises:
            Struck: always.
        """
        if self.fault.kind == "malformed":
            told = f" {self._told()}" if self.fault.echo else ""
            await self._send([b'data: {"choices": [{"delta": {"content": "br' + told.encode() + b"\n\n"])
            raise Struck("end")
        if self.fault.kind == "error_event":
            await self._send([self.format.error_event(self.fault.status, self._told())])
            raise Struck("end")
        raise Struck(self.fault.manner)

    async def _whole(self, pieces: Iterator[Piece], headers: dict[str, str]) -> None:
        """The answer at once: all of it is billed when it is written."""
        reason, said = await self._written(pieces)
        kind = self.fault.kind
        unstated = kind in ("usage_missing", "usage_null", "usage_stale", "usage_early", "usage_running", "drop_usage")
        body = json.dumps(self.format.whole(said, reason, None if unstated else self._stated(),
                                            null=kind == "usage_null")).encode()  # fmt: skip
        if kind == "malformed":
            body = body[:-20]
        if kind == "error_event":
            body = json.dumps(self.format.error(self.fault.status, self._told())).encode()
        if kind == "cut":
            await self.line.head(200, {**_JSON, **headers, "Content-Length": str(len(body))})
            await self.line.write(body[: len(body) // 2])
            raise Struck("close" if self.fault.manner == "end" else self.fault.manner)
        await self.line.whole(200, body, {**_JSON, **headers})

    async def _written(self, pieces: Iterator[Piece]) -> tuple[str, list[Piece]]:
        """The whole answer, billed, and how it ended."""
        said: list[Piece] = []
        for piece in pieces:
            if not piece.tokens:
                return piece.kind, said
            await self._bill(piece)
            said.append(piece)
        return "stop", said

    async def _spoiled(self, pieces: Iterator[Piece], headers: dict[str, str]) -> None:
        """An answer that is written and billed, and that the client does not get to see."""
        kind = self.fault.kind
        if kind != "html" or self.fault.billed:
            await self._written(pieces)
        if kind == "working":
            await self.line.pause(60.0)
            raise Struck("close")
        if kind == "gateway":
            page = _PAGE.format(self._told()).encode()
            await self.line.whole(self.fault.status, page, {"Content-Type": "text/html", **headers})
        elif kind == "html":
            await self.line.whole(200, _PAGE.format(self._told()).encode(), {"Content-Type": "text/html", **headers})
        else:
            garbage = {"Content-Encoding": "gzip", "Content-Type": "text/event-stream", **headers}
            await self.line.whole(200, b"\x1f\x8b\x08\x00 this is no gzip" * 8, garbage)

    def _stated(self) -> Stated:
        return Stated.of(self.entry, self.fault)

    def _told(self) -> str:
        """The words of an error, with the key where the server is that careless."""
        return f"Incorrect API key provided: {self.key}" if self.fault.echo else "The server had an error"
