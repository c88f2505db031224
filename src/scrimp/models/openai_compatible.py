"""Any server that speaks the OpenAI chat format: hosted, on the next machine, or the embedded one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scrimp.core.errors import ModelFailed
from scrimp.core.messages import Audio, Delta, Image, Request, Text, user
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import Usage
from scrimp.models.connection import Connection
from scrimp.models.effort import level_for
from scrimp.models.failures import Failures
from scrimp.models.http import Clients, event_data
from scrimp.models.openai_stream import Assembler, stream_error
from scrimp.models.openai_wire import body, stated, wire_arguments
from scrimp.models.tokens import compact, upper_bound

if TYPE_CHECKING:
    import httpx2

HOSTED_WINDOW, LOCAL_WINDOW = 131072, 8192
"""Context windows taken where a server, or a llama.cpp server, does not say its own."""

MESSAGE_OVERHEAD, TOOL_OVERHEAD = 8, 16
"""Tokens a chat template puts around one message and one tool, at most."""

REQUEST_OVERHEAD, TOOLS_OVERHEAD = 64, 256
"""Tokens a template adds by itself, at most: a default system prompt where there is none, a preamble for tools."""

AUDIO_BOUND = 50
"""Tokens per second of sound at most; where the length is not known, one per 16 characters of its base64."""

_PROBE = {"type": "object", "properties": {"ok": {"const": True}}, "required": ["ok"], "additionalProperties": False}


class OpenAICompatible:
    """A Model behind the OpenAI chat format. One HTTP client per instance and event loop.

    Args:
        name: the name the user gave it; prices are looked up by it.
        connection: where and how.
        capabilities: what the server can do; `connect` finds it out.
        transport: an `httpx2` transport of your own (tests).
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        capabilities: Capabilities | None = None,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name, self.connection = name, connection
        self.capabilities = capabilities or Capabilities(window=HOSTED_WINDOW)
        self._base, self._dialect = connection.base, connection.dialect
        self._failures = Failures(name, connection)
        headers = {"Authorization": f"Bearer {connection.api_key}"} if connection.api_key else {}
        self._clients = Clients(connection, headers, transport)

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.name!r}, {self._base!r})"

    @classmethod
    async def connect(
        cls, name: str, connection: Connection, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> OpenAICompatible:
        """The model at an address, its capabilities asked of the running server.

        Raises:
            InputError: the address cannot be one.
            ModelFailed: nothing answers there, or it refuses the key.
        """
        model = cls(name, connection, transport=transport)
        model.capabilities = await model.probe()
        if model.capabilities.local:
            model.connection = connection.to_llama()
            model._dialect = model.connection.dialect
        return model

    async def probe(self) -> Capabilities:
        """What the server can do.

        A llama.cpp server is known by its model list; whether it takes compact grammars is tried with a call of
        a few tokens, since a build without them ignores the grammar or refuses it. Its native tool calls are not
        relied on. Any other server is taken to have `response_format` and native tools.

        Raises:
            ModelFailed: nothing answers there, or it refuses the key.
        """
        listing = await self._get(f"{self._base}/models")
        entries = [entry for entry in _list(listing.get("data")) if isinstance(entry, Mapping)]
        own = next((entry for entry in entries if entry.get("id") == self.connection.model), None)
        entry: Mapping[str, Any] = own or (entries[0] if entries else {})
        meta = entry.get("meta")
        if entry.get("owned_by") != "llamacpp" and not (isinstance(meta, Mapping) and "n_ctx_train" in meta):
            known = entry.get("owned_by") in ("vllm", "sglang")
            window = entry.get("max_model_len")
            return Capabilities(window=window if isinstance(window, int) else HOSTED_WINDOW, logprobs=known)
        props = await self._get(f"{self._base.removesuffix('/v1')}/props")
        meta = meta if isinstance(meta, Mapping) else {}
        settings = props.get("default_generation_settings")
        size = settings.get("n_ctx") if isinstance(settings, Mapping) else None
        found = Capabilities(
            tools=False,
            schema="grammar",
            logprobs=True,
            window=int(size or meta.get("n_ctx") or meta.get("n_ctx_train") or LOCAL_WINDOW),
            local=True,
        )
        return found if await self._takes_grammar(found) else replace(found, schema="response_format")

    def bound(self, request: Request) -> Usage:
        """The most this request can use, every input token fresh.

        One token per UTF-8 byte of messages, tools and an output schema that enters the prompt (a grammar does
        not), `MESSAGE_OVERHEAD` per message, `TOOL_OVERHEAD` per tool, and what templates add by themselves.

        Raises:
            InputError: the request asks for an effort the model does not have.
        """
        request = stated(self._fitted(request), self.capabilities)
        size = REQUEST_OVERHEAD + (TOOLS_OVERHEAD if request.tools else 0)
        images = 0
        for message in request.messages:
            size += MESSAGE_OVERHEAD + upper_bound(message.tool_call_id)
            for part in message.parts:
                images += isinstance(part, Image)
                size += self._part_bound(part)
            for call in message.tool_calls:
                size += TOOL_OVERHEAD + upper_bound(call.id + call.name + wire_arguments(call))
        size += sum(TOOL_OVERHEAD + upper_bound(compact(tool.to_json())) for tool in request.tools)
        if request.schema is not None and self.capabilities.schema == "response_format":
            size += TOOL_OVERHEAD + upper_bound(compact(request.schema))
        limit = self.connection.default_output if request.max_output is None else request.max_output
        return Usage(input=size, output=limit, images=images)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield the answer as it comes; closing this generator closes the connection, which ends the call.

        Raises:
            ModelFailed: the server refused, broke off or sent what is no answer.
        """
        import httpx2

        content = body(self._fitted(request), self._dialect, self.capabilities)
        images = sum(isinstance(part, Image) for message in request.messages for part in message.parts)
        assembler = Assembler(images)
        try:
            headers = {"Connection": "close"} if self.connection.one_use else None
            address = f"{self._base}/chat/completions"
            async with self._clients.get().stream("POST", address, json=content, headers=headers) as response:
                if response.status_code != 200:
                    raise self._failures.refused(response, await response.aread())
                if "event-stream" in response.headers.get("content-type", "event-stream"):
                    async with contextlib.aclosing(self._events(response)) as events:
                        async for data in events:
                            for delta in assembler.add(data):
                                yield delta
                    if assembler.finish is None:
                        raise ModelFailed(f"the stream of {self.name} ended without a finish", retryable=True)
                else:
                    for delta in assembler.add(self._whole(response, await response.aread())):
                        yield delta
                yield assembler.last()
        except httpx2.HTTPError as error:
            raise self._failures.lost(error) from error

    async def aclose(self) -> None:
        """Close this event loop's HTTP client."""
        await self._clients.aclose()

    async def __aenter__(self) -> OpenAICompatible:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # -- within -------------------------------------------------------------------------------------

    def _fitted(self, request: Request) -> Request:
        """The request with an effort the model knows."""
        if request.effort is None:
            return request
        level = level_for(self.name, request.effort)
        return request if level == request.effort else request.with_(effort=level)

    async def _events(self, response: httpx2.Response) -> AsyncGenerator[Mapping[str, Any], None]:
        """The objects of a stream, up to `[DONE]` or its end."""
        async with contextlib.aclosing(event_data(response)) as events:
            async for data in events:
                yield self._object(data)

    def _object(self, data: str) -> Mapping[str, Any]:
        try:
            value = json.loads(data)
        except ValueError as error:
            raise ModelFailed(f"{self.name} sent an event that is no JSON: {self._failures.shown(data)}") from error
        if not isinstance(value, dict):
            raise ModelFailed(f"{self.name} sent an event that is no object: {self._failures.shown(data)}")
        if value.get("error"):
            failure = stream_error(value["error"])
            raise ModelFailed(f"{self.name} broke off: {self._failures.shown(failure.message)}",
                              status=failure.status, retryable=failure.retryable, begun=True)  # fmt: skip
        return value

    def _whole(self, response: httpx2.Response, content: bytes) -> Mapping[str, Any]:
        """An answer that came at once, from a server that does not stream."""
        kind = response.headers.get("content-type", "").partition(";")[0]
        text = content.decode("utf-8", "replace")
        if kind != "application/json":
            raise ModelFailed(f"{self.name} answered with {kind}, not with events: {self._failures.shown(text)}",
                              remedy="check the address")  # fmt: skip
        value = self._object(text)
        if not value.get("choices"):
            raise ModelFailed(f"{self.name} answered without choices: {self._failures.shown(text)}")
        return value

    def _part_bound(self, part: Text | Image | Audio) -> int:
        if isinstance(part, Text):
            return upper_bound(part.text) + 1
        if isinstance(part, Image):
            return self.connection.image_bound
        return int(AUDIO_BOUND * part.seconds) + AUDIO_BOUND if part.seconds else len(part.data) // 16 + AUDIO_BOUND

    async def _get(self, url: str) -> Mapping[str, Any]:
        """The object at an address of the server; empty where it has none.

        Raises:
            ModelFailed: nothing answers, the key is refused, or the server says that it cannot answer now.
        """
        import httpx2

        try:
            response = await self._clients.get().get(url, timeout=20.0)
        except httpx2.HTTPError as error:
            raise self._failures.lost(error) from error
        if response.status_code in (401, 403, 429, 503):
            raise self._failures.refused(response, response.content)
        try:
            value = response.json() if response.status_code == 200 else {}
        except ValueError:
            value = {}
        return value if isinstance(value, dict) else {}

    async def _takes_grammar(self, capabilities: Capabilities) -> bool:
        import httpx2

        request = Request((user("ok"),), schema=_PROBE, max_output=16)
        content = {**body(request, self._dialect, capabilities), "stream": False}
        del content["stream_options"]
        try:
            response = await self._clients.get().post(f"{self._base}/chat/completions", json=content)
            answer = response.json()["choices"][0]["message"]["content"] if response.status_code == 200 else ""
        except httpx2.HTTPError as error:
            raise self._failures.lost(error) from error
        except (ValueError, LookupError, TypeError):
            return False
        return bool(answer == '{"ok": true}')


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
