"""One live MCP session: opened, watched and closed in a task of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp import ClientSession

PING_SECONDS = 3.0
"""How long a server that did not answer in time has to show that it is alive, before the next call."""
MOST_EVENT = 64 << 20
"""Bytes of one message over HTTP."""


class Line:
    """A live session. It is opened and closed by one task of its own, as its cancel scopes want it."""

    def __init__(
        self, command: Sequence[str], url: str, env: Mapping[str, str], headers: Mapping[str, str],
        changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._command, self._url, self._env, self._headers, self._changed = command, url, env, headers, changed
        self.doubtful = self.over = False
        self.session: ClientSession
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._log: Any = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - see close
        self._task = asyncio.create_task(self._live())

    async def open(self) -> None:
        await asyncio.shield(self._opened)

    async def close(self) -> None:
        self._leave.set()
        done, _ = await asyncio.wait([self._task], timeout=5.0)
        if not done:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=5.0)
        self._log.close()

    async def alive(self) -> bool:
        """Whether the server answers a ping."""
        if self.over:
            return False
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.session.send_ping()
        except Exception:  # noqa: BLE001 - whatever keeps it from answering
            return False
        self.doubtful = False
        return True

    def last_words(self) -> str:
        """What a program said last on its error stream."""
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read()[-4000:].splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    async def _live(self) -> None:
        from mcp import ClientSession, types

        async def told(message: Any) -> None:
            if isinstance(message, types.ToolListChangedNotification):
                self._changed()
            elif isinstance(message, Exception):
                self._ended()

        try:
            async with self._streams() as (read, write), ClientSession(read, write, message_handler=told) as session:
                await session.initialize()
                self.session = session
                self._opened.set_result(None)
                await self._leave.wait()
        except BaseException as error:  # groups of errors too: who waits for the start is told; later `over` says it
            if not self._opened.done():
                self._opened.set_exception(error)
            elif isinstance(error, asyncio.CancelledError):
                raise
        finally:
            self._ended()
            if self._opened.done() and not self._opened.cancelled():
                self._opened.exception()  # looked at, so that nobody complains where the start was given up

    def _ended(self) -> None:
        self.over = True
        self._leave.set()

    @asynccontextmanager
    async def _streams(self) -> AsyncIterator[tuple[Any, Any]]:
        if self._url:
            from mcp.client.streamable_http import streamable_http_client
            from mcp.shared._httpx_utils import create_mcp_http_client

            async with (
                create_mcp_http_client(dict(self._headers)) as client,
                streamable_http_client(self._url, http_client=client, max_sse_event_size=MOST_EVENT) as streams,
            ):
                yield streams[0], streams[1]
        else:
            from mcp.client.stdio import StdioServerParameters, stdio_client

            first, *rest = self._command
            program = StdioServerParameters(command=first, args=rest, env=dict(self._env))
            async with stdio_client(program, errlog=self._log) as (read, write):
                yield Watched(read, self._ended), write


class Watched:
    """A stream of a server's messages that tells when it ended."""

    def __init__(self, stream: Any, ended: Any) -> None:
        self._stream, self._ended = stream, ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> Watched:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._ended()
            raise

    async def __aenter__(self) -> Watched:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._stream.__aexit__(*error)
