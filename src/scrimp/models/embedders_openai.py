"""Embedders behind the OpenAI embeddings format: hosted, or any server that speaks it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scrimp.core.errors import InputError, ModelFailed
from scrimp.core.protocols import Vectors
from scrimp.core.usage import Usage
from scrimp.models.connection import Connection, api_key
from scrimp.models.failures import Failures
from scrimp.models.http import Clients
from scrimp.models.names import OPENAI_URL, OPENAI_URL_VARIABLE

if TYPE_CHECKING:
    import httpx2

DIMENSIONS: Mapping[str, int] = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Of OpenAI's own models; other servers say theirs with the first answer."""

BATCH = 256
"""Texts of one call."""

EMPTY = " "
"""Stands for an empty text, which the API refuses."""


class OpenAIEmbedder:
    """An Embedder behind `POST /embeddings`.

    Its tokens are priced by its name; where no list has it they are unknown, since it is no model of this machine.

    Args:
        name: the name the user gave it.
        connection: where.
        dimension: length of its vectors; 0 until the first answer says it.
        transport: an `httpx2` transport of your own (tests).
    """

    local = False

    def __init__(
        self,
        name: str,
        connection: Connection,
        dimension: int = 0,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name, self.dimension, self._connection = name, dimension, connection
        self._failures = Failures(name, connection)
        headers = {"Authorization": f"Bearer {connection.api_key}"} if connection.api_key else {}
        self._clients = Clients(connection, headers, transport)

    def __repr__(self) -> str:
        return f"OpenAIEmbedder({self.name!r}, {self._connection.base!r})"

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """Vectors, one row of length 1 per text, and the tokens the server says it read.

        Raises:
            ModelFailed: the server refused, broke off or sent what are no vectors.
        """
        import numpy as np

        rows: list[Any] = []
        tokens = 0
        for start in range(0, len(texts), BATCH):
            data = await self._ask([text if text.strip() else EMPTY for text in texts[start : start + BATCH]])
            rows += self._vectors(data, len(texts[start : start + BATCH]))
            usage = data.get("usage")
            stated = usage.get("prompt_tokens", usage.get("total_tokens")) if isinstance(usage, Mapping) else None
            if not isinstance(stated, int) or stated < 1:
                # A server that counts nothing is charged what it can have read at most.
                stated = sum(len(text.encode("utf-8", "surrogatepass")) + 2 for text in texts[start : start + BATCH])
            tokens += stated
        matrix = np.asarray(rows, dtype=np.float32).reshape(len(texts), -1)
        self.dimension = matrix.shape[1]
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        return matrix / np.where(lengths == 0, 1, lengths), Usage(input=tokens)

    async def aclose(self) -> None:
        """Close this event loop's HTTP client."""
        await self._clients.aclose()

    async def _ask(self, texts: list[str]) -> Mapping[str, Any]:
        import httpx2

        content = {"model": self._connection.model, "input": texts, "encoding_format": "float"}
        base = self._connection.base.removesuffix("/embeddings")
        try:
            response = await self._clients.get().post(f"{base}/embeddings", json=content)
        except httpx2.HTTPError as error:
            raise self._failures.lost(error) from error
        if response.status_code != 200:
            raise self._failures.refused(response, response.content)
        try:
            value = json.loads(response.content)
        except ValueError as error:
            shown = self._failures.shown(response.content.decode("utf-8", "replace"))
            raise ModelFailed(f"{self.name} answered with what is no JSON: {shown}") from error
        return value if isinstance(value, dict) else {}

    def _vectors(self, data: Mapping[str, Any], wanted: int) -> list[list[float]]:
        """The vectors in the order of the texts."""
        entries = data.get("data")
        try:
            ordered = sorted(entries or (), key=lambda entry: entry["index"])
            vectors = [[float(value) for value in entry["embedding"]] for entry in ordered]
        except (LookupError, TypeError, ValueError) as error:
            raise ModelFailed(f"{self.name} answered with what are no vectors") from error
        lengths = {len(vector) for vector in vectors}
        if len(vectors) != wanted or len(lengths) != 1 or lengths == {0}:
            raise ModelFailed(f"{self.name} answered with {len(vectors)} vectors for {wanted} texts")
        if self.dimension and lengths != {self.dimension}:
            raise ModelFailed(f"{self.name} answered with {lengths.pop()} dimensions instead of {self.dimension}")
        return vectors


def open_hosted(name: str) -> OpenAIEmbedder:
    """The embedder `openai:NAME`, or the one of a server, `URL#NAME`.

    Raises:
        InputError: the key is missing, or the address or name is none.
    """
    if name.startswith("openai:"):
        served = name.removeprefix("openai:")
        if not served:
            raise InputError(
                f"the embedder {name!r} has nothing after the colon", remedy="openai:text-embedding-3-small"
            )
        url = os.environ.get(OPENAI_URL_VARIABLE, "") or OPENAI_URL
        connection = Connection(url, served, api_key("OPENAI_API_KEY", needed_by=name), "OPENAI_API_KEY")
        return OpenAIEmbedder(name, connection, DIMENSIONS.get(served, 0))
    address, _, served = name.partition("#")
    if not served:
        raise InputError(f"the embedder {name!r} does not say which model of that server", remedy="write URL#NAME")
    connection = Connection(address, served, api_key("SCRIMP_API_KEY"))
    _ = connection.base  # an address that cannot be one is told now
    return OpenAIEmbedder(name, connection)
