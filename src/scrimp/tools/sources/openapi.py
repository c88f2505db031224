"""Tools from an OpenAPI 3 document: each operation is one, called over HTTP.

Path, query, header and cookie-free parameters and a JSON body become the arguments of one JSON schema; references are
resolved within the document. GET and HEAD are pure by HTTP's own definition; whatever the server answers is an
observation. What the document says is a stranger's: data, bounded.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import anyio
import anyio.to_thread

from scrimp.core.errors import InputError, OutsideError
from scrimp.core.tool import Tool, ToolResult
from scrimp.tools.parts.foreign import checker, described, legal, secrets_in, without
from scrimp.tools.sources.openapi_document import BODY, Operation, base_of, operations, parsed

PURE = ("get", "head")
MOST_BYTES = 20_000_000
"""Bytes of an answer or a document that are read."""
SECONDS = 30.0


@dataclass(eq=False)
class OpenAPI:
    """A document, as a source of Tools.

    Args:
        document: a file or a URL, JSON or YAML.
        base: where the operations are called; the document's first server where empty.
        headers: of every request; their values never appear anywhere.
        timeout: seconds that one call may take.
    """

    document: str
    base: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = SECONDS
    _read: list[Operation] | None = field(default=None, repr=False)

    async def tools(self, taken: Collection[str] = ()) -> list[Tool]:
        """A Tool for each operation.

        Raises:
            InputError: the document cannot be read, or is no OpenAPI 3 document.
            OutsideError: it could not be fetched.
        """
        if self._read is None:
            data = parsed(await self._text(), self.document)
            self.base = self.base or base_of(data, self.document)
            self._read = list(operations(data))
        names = set(taken)
        found = []
        for one in self._read:
            name = legal(one.name, names, urlsplit(self.base).hostname or "")
            names.add(name)
            found.append(self._tool(name, one))
        return found

    def close(self) -> None:
        """Nothing is held open."""

    def _tool(self, name: str, one: Operation) -> Tool:
        check = checker(name, one.schema)

        async def call(given: Mapping[str, Any]) -> ToolResult:
            misfit = check(given)
            return await self._call(one, given) if misfit is None else misfit

        return Tool(name, described(one.description), one.schema, call, price=None, pure=one.method in PURE,
                    timeout=self.timeout + 5, source=f"openapi:{urlsplit(self.base).hostname}")  # fmt: skip

    async def _call(self, one: Operation, given: Mapping[str, Any]) -> ToolResult:
        import httpx2

        path, headers = one.path, dict(self.headers)
        query: list[tuple[str, Any]] = []
        for argument, (place, name) in one.parameters.items():
            if argument not in given:
                continue
            value = given[argument]
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(_plain(value), safe=""))
            elif place == "query":
                query += [(name, _plain(item)) for item in (value if isinstance(value, list) else [value])]
            else:
                headers[name] = " ".join(_plain(value).split())
        content = json.dumps(given[BODY]).encode() if one.body and BODY in given else None
        if content is not None:
            headers["content-type"] = "application/json"
        url = self.base.rstrip("/") + path
        try:
            async with (
                httpx2.AsyncClient(timeout=self.timeout, follow_redirects=False) as client,
                client.stream(
                    one.method.upper(), url, params=query or None, headers=headers, content=content
                ) as answer,
            ):
                text = await _bounded(answer)
                status = answer.status_code
        except httpx2.HTTPError as error:
            sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            words = without(f"{type(error).__name__}: {error}"[:300], self._secrets)
            unknown = sent and one.method not in PURE
            return ToolResult(f"error: {words}", "unknown" if unknown else "error")
        text = without(text, self._secrets)
        if status >= 300:
            return ToolResult(f"error: HTTP {status}: {text[:4000]}", "error")
        return ToolResult(text if text.strip() else f"HTTP {status}, no content")

    async def _text(self) -> str:
        if not self.document.startswith(("http://", "https://")):
            return await anyio.to_thread.run_sync(_file, self.document)
        import httpx2

        try:
            async with (
                httpx2.AsyncClient(timeout=self.timeout, follow_redirects=True) as client,
                client.stream("GET", self.document, headers=dict(self.headers)) as answer,
            ):
                answer.raise_for_status()
                return await _bounded(answer)
        except httpx2.HTTPError as error:
            words = without(str(error)[:300], self._secrets)
            raise OutsideError(f"the OpenAPI document could not be fetched: {words}") from None

    @property
    def _secrets(self) -> set[str]:
        return secrets_in(self.headers.values())


def _file(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"the OpenAPI document {name} cannot be read: {why}") from error


async def _bounded(answer: Any) -> str:
    """The text of an answer, as far as it may go."""
    held = bytearray()
    async for piece in answer.aiter_bytes():
        held += piece
        if len(held) > MOST_BYTES:
            break
    return bytes(held[:MOST_BYTES]).decode(answer.encoding or "utf-8", "replace")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def headers_from(words: Collection[str]) -> dict[str, str]:
    """Headers of a command line, `Name: words $VARIABLE`; variables are read from the environment.

    Raises:
        InputError: there is no colon in it, or no such variable.
    """
    found = {}
    for text in words:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise InputError(f"{text!r} is no header", remedy="'Authorization: Bearer $TOKEN'")
        found[name.strip()] = re.sub(r"\$(\w+)", _variable, value.strip())
    return found


def _variable(match: re.Match[str]) -> str:
    value = os.environ.get(match[1])
    if value is None:
        raise InputError(f"the environment has no variable {match[1]}", remedy=f"export {match[1]}=...")
    return value
