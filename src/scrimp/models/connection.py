"""Where a model server is and how it wants to be spoken to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from scrimp.core.errors import InputError
from scrimp.models.openai_wire import DEFAULT_OUTPUT, Dialect

IMAGE_BOUND = 50_000
"""Tokens of one picture at most: what the dearest published rule (gpt-4o-mini, 2833 + 8 x 5667) gives."""


@dataclass(frozen=True)
class Connection:
    """Where a server is and how it wants to be spoken to.

    Attributes:
        url: the address that `/chat/completions` is put behind; `/v1` is added where it has no path.
        model: name of the model as the server knows it.
        api_key: sent as a bearer token; in no repr, error or log.
        key_variable: environment variable that the error of a refused key names.
        timeout: seconds of silence after which a call is given up.
        default_output: output cap where a request sets none.
        image_bound: most tokens one picture is billed.
        extra: further fields of every body.
        one_use: every call gets a connection of its own.
    """

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    key_variable: str = "SCRIMP_API_KEY"
    timeout: float = 600.0
    default_output: int = DEFAULT_OUTPUT
    image_bound: int = IMAGE_BOUND
    extra: Mapping[str, Any] = field(default_factory=dict)
    one_use: bool = False

    def to_llama(self) -> Connection:
        """The same, as a llama.cpp server wants it: it loses about one streamed answer in ten on a reused
        connection, and while it reads a prompt it notices a client that has left only if it reports progress."""
        return replace(self, extra={**self.extra, "return_progress": True}, one_use=True)

    @property
    def base(self) -> str:
        """The address without a slash at its end.

        Raises:
            InputError: it is no http address, or holds a password.
        """
        try:
            parts = urlsplit(self.url)
            sound = parts.port is None or parts.port > 0
        except ValueError:
            sound = False
        if not sound or parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("the address of a model server begins with http:// or https:// and names a host",
                             remedy="for example http://127.0.0.1:8000/v1#NAME")  # fmt: skip
        if parts.username or parts.password:
            raise InputError("the address of a model server may hold no password",
                             remedy=f"put the key into the environment variable {self.key_variable}")  # fmt: skip
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"

    @property
    def host(self) -> str:
        """The host's name."""
        return urlsplit(self.url).hostname or ""

    @property
    def hosted(self) -> bool:
        """Whether this is OpenAI's own service."""
        return self.host == "api.openai.com" or self.host.endswith(".openai.azure.com")

    @property
    def dialect(self) -> Dialect:
        """What the body looks like here."""
        extra = {"usage": {"include": True}} if self.host.endswith("openrouter.ai") else {}
        return Dialect(self.model, self.hosted, self.default_output, {**extra, **self.extra})


def api_key(variable: str, *, needed_by: str = "") -> str:
    """The key in an environment variable.

    Raises:
        InputError: it is not set, and `needed_by` cannot do without.
    """
    key = os.environ.get(variable, "").strip()
    if not key and needed_by:
        raise InputError(f"{needed_by} needs an API key", remedy=f"set the environment variable {variable}")
    return key
