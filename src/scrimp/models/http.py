"""One HTTP client per event loop, made when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from scrimp.models.connection import Connection
from scrimp.models.openai_stream import EventParser

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 10.0


class Clients:
    """The HTTP clients of one connection, by event loop.

    Args:
        connection: where; its `timeout` is the silence after which a call is given up.
        headers: of every request; they may hold a key, so they are in no repr.
        transport: an `httpx2` transport of one's own (tests).
    """

    def __init__(
        self, connection: Connection, headers: Mapping[str, str], transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._connection, self._headers, self._transport = connection, dict(headers), transport
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"Clients({self._connection.base!r})"

    def get(self) -> httpx2.AsyncClient:
        """The client of this event loop."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            import httpx2

            timeout = httpx2.Timeout(self._connection.timeout, connect=CONNECT_SECONDS)
            # No proxies from the environment for an address on this very machine.
            direct = self._connection.host in ("127.0.0.1", "localhost", "::1")
            client = httpx2.AsyncClient(
                headers=self._headers, timeout=timeout, transport=self._transport, trust_env=not direct
            )
            self._clients[loop] = client
        return client

    async def aclose(self) -> None:
        """Close the client of this event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


async def event_data(response: httpx2.Response) -> AsyncGenerator[str, None]:
    """The data of every server-sent event of a response, up to `[DONE]` or its end.

    Raises:
        ModelFailed: the stream is no stream of events.
    """
    parser = EventParser()
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            for data in parser.feed(chunk):
                if data.strip() == "[DONE]":
                    return
                yield data
    for data in parser.end():
        if data.strip() == "[DONE]":
            return
        yield data
