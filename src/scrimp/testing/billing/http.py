"""As much of HTTP/1.1 as the server needs, on asyncio's streams."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit


class ClientLeft(Exception):
    """Nobody is at the other end any more."""


@dataclass(frozen=True)
class HttpRequest:
    """One request; header names in small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request of a connection; None where it ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        return None
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return HttpRequest(method, parts.path, query, headers, body)


class Connection:
    """The answering side of one exchange; notices when the client leaves."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.left = asyncio.Event()
        self._watch = asyncio.ensure_future(self._watching())

    async def _watching(self) -> None:
        """A client says nothing while it is being answered, so whatever can be read is its leaving."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            self.left.set()
        self.left.set()

    async def unwatch(self) -> None:
        """Stop watching, so that the next request can be read."""
        self._watch.cancel()
        await asyncio.wait([self._watch])

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than the client is there.

        Raises:
            ClientLeft: it left.
        """
        if seconds > 0:
            await asyncio.wait([self._watch], timeout=seconds)
        else:
            await asyncio.sleep(0)
        if self.left.is_set():
            raise ClientLeft

    async def write(self, data: bytes) -> None:
        """Hand bytes to the socket.

        Raises:
            ClientLeft: there is none.
        """
        if self.left.is_set() or self._writer.is_closing():
            raise ClientLeft
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientLeft from error

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status line and headers."""
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        await self.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; the empty one ends it."""
        await self.write(b"%x\r\n%s\r\n" % (len(data), data))

    async def whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """A whole response."""
        await self.head(status, {**headers, "Content-Length": str(len(body))})
        await self.write(body)

    def tear(self) -> None:
        """End the connection by a reset."""
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
