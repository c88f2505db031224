"""Anthropic's Messages API, and whatever speaks its format."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from scrimp.core.errors import ModelFailed
from scrimp.core.messages import Delta, Image, Request
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import Usage
from scrimp.models.anthropic_stream import AnthropicAssembler, event_error
from scrimp.models.anthropic_wire import AnthropicDialect, body
from scrimp.models.connection import Connection
from scrimp.models.failures import Failures
from scrimp.models.http import Clients, event_data
from scrimp.models.tokens import compact, upper_bound
from scrimp.models.turns import Turns

if TYPE_CHECKING:
    import httpx2

VERSION = "2023-06-01"
"""Of the API, sent with every call."""

WINDOW = 200_000
"""Context window taken where nobody says otherwise; later models have a million."""

ANTHROPIC_IMAGE_BOUND = 5_000
"""Most tokens of one picture: larger ones are scaled to at most 4784 patches of 28 x 28 pixels."""

REQUEST_OVERHEAD, TOOLS_OVERHEAD, SCHEMA_OVERHEAD, BLOCK_OVERHEAD = 64, 1024, 512, 16
"""Tokens the API adds at most: to a request, for tools, for an output schema, around one block."""


class Anthropic:
    """A Model behind the Anthropic Messages format.

    Args:
        name: the name the user gave it; prices are looked up by it.
        connection: where; `/messages` is put behind its base.
        capabilities: what the model can do.
        lifetime: how long what is cached is kept: `5m`, `1h`, or empty for no caching. Marks are set on tools, system
            prompt and conversation; a prompt shorter than the model's minimum is not cached and not charged for it.
        transport: an `httpx2` transport of your own (tests).
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        capabilities: Capabilities | None = None,
        *,
        lifetime: str = "5m",
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name, self.connection = name, connection
        self.capabilities = capabilities or Capabilities(images=True, window=WINDOW)
        self._dialect = AnthropicDialect(
            connection.model, name, lifetime, connection.default_output, connection.extra
        )  # fmt: skip
        self._failures = Failures(name, connection)
        headers = {"anthropic-version": VERSION}
        if connection.api_key:
            headers["x-api-key"] = connection.api_key
        self._clients = Clients(connection, headers, transport)
        self._turns = Turns()

    def __repr__(self) -> str:
        return f"Anthropic({self.name!r}, {self.connection.base!r})"

    def bound(self, request: Request) -> Usage:
        """The most this request can use, every input token fresh: one token per UTF-8 byte of what is sent.

        Thinking that goes back with earlier tool calls counts too.

        Raises:
            InputError: the request cannot be sent to this model.
        """
        sent = body(request, self._dialect, self.capabilities, self._turns)
        tools, shape = sent.get("tools", ()), sent.get("output_config", {}).get("format")
        size = REQUEST_OVERHEAD + (TOOLS_OVERHEAD if tools else 0)
        size += sum(BLOCK_OVERHEAD + upper_bound(compact(tool)) for tool in tools)
        size += 0 if shape is None else SCHEMA_OVERHEAD + upper_bound(compact(shape))
        blocks = [*sent.get("system", ()), *(block for turn in sent["messages"] for block in turn["content"])]
        size += sum(map(self._block_bound, blocks))
        return Usage(input=size, output=sent["max_tokens"], images=_images(request))

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield the answer as it comes; closing this generator closes the connection, which ends the call.

        Raises:
            ModelFailed: the server refused, broke off or sent what is no answer.
        """
        import httpx2

        content = body(request, self._dialect, self.capabilities, self._turns)
        assembler = AnthropicAssembler(_images(request))
        try:
            base = self.connection.base.removesuffix("/messages")
            address = f"{base}/messages" if base.endswith("/v1") else f"{base}/v1/messages"
            async with self._clients.get().stream("POST", address, json=content) as response:
                if response.status_code != 200:
                    raise self._failures.refused(response, await response.aread())
                async with contextlib.aclosing(self._events(response)) as events:
                    async for data in events:
                        for delta in assembler.add(data):
                            yield delta
                if assembler.finish is None:
                    raise ModelFailed(f"the stream of {self.name} ended without a finish", retryable=True)
                last = assembler.last()
                self._turns.keep(assembler.blocks)
                yield last
        except httpx2.HTTPError as error:
            raise self._failures.lost(error) from error

    async def aclose(self) -> None:
        """Close this event loop's HTTP client."""
        await self._clients.aclose()

    async def __aenter__(self) -> Anthropic:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # -- within -------------------------------------------------------------------------------------

    async def _events(self, response: httpx2.Response) -> AsyncGenerator[Mapping[str, Any], None]:
        """The objects of a stream; the one object of an answer that came whole."""
        kind = response.headers.get("content-type", "text/event-stream").partition(";")[0]
        if kind == "text/event-stream":
            async with contextlib.aclosing(event_data(response)) as events:
                async for data in events:
                    yield self._object(data)
            return
        text = (await response.aread()).decode("utf-8", "replace")
        if kind != "application/json":
            raise ModelFailed(f"{self.name} answered with {kind}, not with events: {self._failures.shown(text)}",
                              remedy="check the address")  # fmt: skip
        yield self._object(text)

    def _object(self, data: str) -> Mapping[str, Any]:
        try:
            value = json.loads(data)
        except ValueError as error:
            raise ModelFailed(f"{self.name} sent an event that is no JSON: {self._failures.shown(data)}") from error
        if not isinstance(value, dict):
            raise ModelFailed(f"{self.name} sent an event that is no object: {self._failures.shown(data)}")
        if value.get("type") == "error":
            failure = event_error(value.get("error"))
            raise ModelFailed(f"{self.name} broke off: {self._failures.shown(failure.message)}",
                              retryable=failure.retryable, begun=True)  # fmt: skip
        return value

    def _block_bound(self, block: Mapping[str, Any]) -> int:
        if block["type"] == "image":
            return self.connection.image_bound + BLOCK_OVERHEAD
        content = block.get("content")
        if isinstance(content, list):
            return BLOCK_OVERHEAD + upper_bound(block["tool_use_id"]) + sum(map(self._block_bound, content))
        return BLOCK_OVERHEAD + upper_bound(compact({key: block[key] for key in block if key != "cache_control"}))


def _images(request: Request) -> int:
    return sum(isinstance(part, Image) for message in request.messages for part in message.parts)
