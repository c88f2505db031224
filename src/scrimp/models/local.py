"""GGUF models behind the embedded server, as one Model that outlives its server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

from scrimp.core.errors import ModelFailed
from scrimp.core.messages import Delta, Request
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import Usage
from scrimp.models.connection import Connection
from scrimp.models.kept_prefixes import KeptPrefixes
from scrimp.models.openai_compatible import OpenAICompatible

LOCAL_CAPABILITIES = Capabilities(tools=False, schema="grammar", logprobs=True, local=True)


@dataclass(frozen=True)
class LocalSettings:
    """How a local model is served; None takes the embedded server's own default.

    Attributes:
        threads: compute threads of a server started now.
        context: tokens of one request, prompt and answer.
        slots: requests served at once.
    """

    threads: int | None = None
    context: int | None = None
    slots: int | None = None


class LocalModel:
    """A GGUF file as a Model. Its server is found or started, and started again where it ended for being idle."""

    def __init__(self, name: str, file: Path, home: Path, settings: LocalSettings | None = None) -> None:
        self.name, self.file, self.home = name, file, home
        self.settings = settings or LocalSettings()
        self.capabilities = LOCAL_CAPABILITIES
        self._served: OpenAICompatible | None = None
        self._kept: KeptPrefixes | None = None

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r}, {str(self.file)!r})"

    async def start(self) -> None:
        """Find or start the server.

        Raises:
            MissingExtra: the runtime is not installed.
            OutsideError: the server did not start.
        """
        from scrimp.models.embedded import launch

        given = {"threads": self.settings.threads, "context": self.settings.context, "slots": self.settings.slots}
        asked = {key: value for key, value in given.items() if value is not None}
        endpoint = await asyncio.to_thread(lambda: launch(self.file, self.home, **asked))
        window = endpoint.context or LOCAL_CAPABILITIES.window
        self.capabilities = replace(LOCAL_CAPABILITIES, window=window)
        before = self._served
        if before is None or before.connection.url != endpoint.url:
            connection = Connection(endpoint.url, endpoint.model_name).to_llama()
            self._served = OpenAICompatible(self.name, connection, self.capabilities)
            self._kept = KeptPrefixes(endpoint) if endpoint.kept else None
            if before is not None:
                await before.aclose()

    def bound(self, request: Request) -> Usage:
        """As the OpenAI-compatible adapter bounds it; no server is needed to count."""
        served = self._served or OpenAICompatible(self.name, Connection("http://127.0.0.1", ""), self.capabilities)
        return served.bound(request)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield the answer; a refused connection starts the server again, once, since nothing was sent.

        Raises:
            ModelFailed: the server broke off.
            OutsideError: it could not be started again.
        """
        if self._served is None:
            await self.start()
        for again in (True, False):
            assert self._served is not None
            if self._kept is not None and request.prefix:
                await self._kept.restore(request.prefix)
            deltas = self._served.stream(request)
            try:
                async for delta in deltas:
                    yield delta
                await self._keep(request)
                return
            except ModelFailed as failure:
                if failure.sent or not again:
                    raise
            finally:
                await deltas.aclose()
            await self.start()

    async def _keep(self, request: Request) -> None:
        """Keep the keys and values of a prompt that has a name."""
        if self._kept is None:
            return
        if request.prefix:
            await self._kept.save(request.prefix)
        else:
            self._kept.other()

    async def aclose(self) -> None:
        """Close the connection; the server stays for others."""
        if self._served is not None:
            await self._served.aclose()
