"""Tools of MCP servers, over stdio or streamable HTTP, by the official SDK.

A server is started when its tools are first asked for and kept alive until it is closed: a spawn costs as much as some
hundred calls. One that died or no longer answers is an observation for the agent, and is started again at the next
call. What a server says of its tools and gives as results is a stranger's: data, bounded, never obeyed. Its tools have
no price until one is declared.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrimp.core.errors import InputError, MissingExtra, OutsideError
from scrimp.core.tool import Tool, ToolResult
from scrimp.tools.parts.foreign import checker, described, legal, secrets_in, without
from scrimp.tools.sources.background import there, there_now
from scrimp.tools.sources.mcp_line import Line

if TYPE_CHECKING:
    from mcp import ClientSession

START_SECONDS = 30.0
STARTS = 5
"""Starts in a row without a call that came through, after which a server is given up."""
_NAMED = re.compile(r"^([A-Za-z0-9_-]{1,40})=(.+)$", re.DOTALL)


@dataclass(eq=False)
class MCPServer:
    """One server, as a source of Tools.

    Args:
        command: the program and its arguments; empty for a server over HTTP.
        url: of a streamable HTTP endpoint; empty for a program.
        name: what messages call it, and what stands before a tool's name that somebody else has.
        env: variables of the program besides the few that every program gets; their values never appear anywhere.
        headers: of every request over HTTP; their values never appear anywhere.
        timeout: seconds that one call may take.
    """

    command: Sequence[str] = ()
    url: str = ""
    name: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.url):
            raise InputError("an MCP server has a command or a URL, one of them")
        if self.url and urlsplit(self.url).scheme not in ("http", "https"):
            raise InputError(f"an MCP server's URL begins with http:// or https://, not {self.url!r}")
        self.name = (
            self.name or (urlsplit(self.url).hostname if self.url else os.path.basename(self.command[0])) or "mcp"
        )
        self._line: Line | None = None
        self._tools: list[Any] = []
        self._fresh = False
        self._starts = 0
        self._lock = asyncio.Lock()

    @classmethod
    def of(cls, text: str, **options: Any) -> MCPServer:
        """Read `COMMAND ARGS...`, `NAME=COMMAND ARGS...`, a URL or `NAME=URL`, as a command line gives it.

        Raises:
            InputError: there is nothing in it, or its quotes do not match.
        """
        named = _NAMED.match(text.strip())
        name, rest = (named[1], named[2]) if named else ("", text.strip())
        if rest.startswith(("http://", "https://")):
            return cls(url=rest, name=name, **options)
        try:
            command = shlex.split(rest)
        except ValueError as error:
            raise InputError(f"--mcp {text!r}: {error}", remedy="--mcp 'COMMAND ARGS...' or --mcp URL") from error
        if not command:
            raise InputError("--mcp names no server", remedy="--mcp 'COMMAND ARGS...' or --mcp URL")
        return cls(command=command, name=name, **options)

    # -- a source of tools --

    async def tools(self, taken: Collection[str] = ()) -> list[Tool]:
        """The server's tools as they are now; asked for again only where the server said that they changed.

        Raises:
            MissingExtra: the extra `mcp` is not installed.
            OutsideError: it could not be started, or told no tools.
        """
        listed = await there(self._listed())
        names = set(taken)
        found = []
        for one in listed:
            name = legal(one.name, names, self.name)
            names.add(name)
            found.append(self._tool(name, one))
        return found

    async def aclose(self) -> None:
        """End the program, or leave the session; the next call would start it again."""
        await there(self._leave())

    def close(self) -> None:
        """As `aclose`, from code without an event loop."""
        there_now(self._leave(), START_SECONDS)

    def _tool(self, name: str, told: Any) -> Tool:
        check = checker(name, told.input_schema)

        async def call(given: Mapping[str, Any]) -> ToolResult:
            misfit = check(given)
            return await there(self._call(told.name, given)) if misfit is None else misfit

        schema = {"type": "object", "properties": {}, **told.input_schema}
        return Tool(name, described(told.description or told.title or name), schema, call, price=None,
                    timeout=self.timeout, source=f"mcp:{self.name}")  # fmt: skip

    # -- on the loop of its own --

    async def _listed(self) -> list[Any]:
        async with self._lock:
            line = await self._connected()
            if not self._fresh:
                self._fresh = True  # a change that is told meanwhile is looked at next time
                try:
                    async with asyncio.timeout(START_SECONDS):
                        self._tools = await _all_tools(line.session)
                except Exception as error:  # noqa: BLE001 - a stranger's server; whatever it was, it is told in one line
                    self._fresh = False
                    await self._leave()
                    raise OutsideError(f"MCP server {self.name} told no tools: {self._why(error)}") from None
            return self._tools

    async def _call(self, tool: str, given: Mapping[str, Any]) -> ToolResult:
        try:
            async with self._lock:
                line = await self._connected()
        except OutsideError as error:
            return ToolResult(f"error: {error}", "error")
        line.doubtful = True
        try:
            result = await line.session.call_tool(tool, dict(given))
        except asyncio.CancelledError:
            raise  # it took too long: whether the server still lives is asked before the next call
        except Exception as error:  # noqa: BLE001 - a stranger's server may fail in any way
            if line.over:
                await self._leave(line)
                return ToolResult(f"MCP server {self.name} ended during the call; nobody knows whether it took effect",
                                  "unknown")  # fmt: skip
            line.doubtful = False
            return ToolResult(f"error: {self._why(error)}", "error")
        line.doubtful, self._starts = False, 0
        told = as_result(result)
        return replace(told, text=without(told.text, self._secrets))

    async def _connected(self) -> Line:
        """The line to the server; a new one where there is none, or where the old one gives no sign of life."""
        if self._line is not None and self._line.doubtful and not await self._line.alive():
            await self._leave()
        if self._line is not None and self._line.over:
            await self._leave()
        if self._line is None:
            if self._starts >= STARTS:
                raise OutsideError(f"MCP server {self.name} was started {STARTS} times and never answered a call")
            self._starts += 1
            self._fresh = False
            self._line = await self._start()
        return self._line

    async def _start(self) -> Line:
        _require()
        line = Line(self.command, self.url, self.env, self.headers, self.changed)
        try:
            async with asyncio.timeout(START_SECONDS):
                await line.open()
        except Exception as error:  # noqa: BLE001 - a stranger's server may fail in any way
            words = line.last_words()
            await line.close()
            why = words or self._why(error)
            raise OutsideError(f"MCP server {self.name} could not be started: {without(why, self._secrets)}") from None
        return line

    async def _leave(self, line: Line | None = None) -> None:
        if self._line is not None and line in (None, self._line):
            line, self._line = self._line, None
            await line.close()

    def changed(self) -> None:
        """Its tools are to be asked for again."""
        self._fresh = False

    @property
    def _secrets(self) -> set[str]:
        return secrets_in([*self.env.values(), *self.headers.values()])

    def _why(self, error: BaseException) -> str:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        said = " ".join(str(error).split()) or type(error).__name__
        return without(said[:500], self._secrets)


async def _all_tools(session: ClientSession) -> list[Any]:
    """Every page of the list."""
    from mcp import types

    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
        found += page.tools
        cursor = page.next_cursor
        if not cursor:
            return found


def as_result(given: Any) -> ToolResult:
    """A result as text: its words, what else there is named, and its structure where there are no words."""
    pieces = [_piece(part) for part in getattr(given, "content", ())]
    text = "\n".join(piece for piece in pieces if piece)
    if not text and getattr(given, "structured_content", None) is not None:
        text = json.dumps(given.structured_content, ensure_ascii=False, separators=(",", ":"))
    return ToolResult(text, "error" if getattr(given, "is_error", False) else "ok")


def _piece(part: Any) -> str:
    if (words := getattr(part, "text", None)) is not None:
        return str(words)
    inner = getattr(part, "resource", None)
    if inner is not None:
        words = getattr(inner, "text", None)
        return str(words) if words is not None else f"[resource {inner.uri}]"
    if (uri := getattr(part, "uri", None)) is not None:
        return f"[resource {uri}]"
    kind, mime, data = (str(getattr(part, key, "")) for key in ("type", "mime_type", "data"))
    return f"[{kind or 'data'} {mime}, {len(data)} characters]"


def _require() -> None:
    try:
        import mcp  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtra("MCP servers need the package mcp", remedy="pip install 'scrimp[mcp]'") from None
