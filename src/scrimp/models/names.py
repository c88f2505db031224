"""Model names, as users write them, and the models behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.protocols import Capabilities, Model

if TYPE_CHECKING:
    from scrimp.models.local import LocalSettings
    from scrimp.models.tool_text_format import Style

FORMS = ("local", "small", "gguf:FILE", "openai:NAME", "URL#NAME", "scripted:FILE")
"""The names a model can have here; `oracle` is a benchmark's own."""

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class OpenOptions:
    """How a model is opened.

    Attributes:
        settings: of the server of a local model.
        style, thought: how tools are told to a model without native calls; see ToolText.
        window: context window of a hosted model or server, where it is known better than probed.
        image_bound: most tokens a hosted model bills for a picture, where it is known.
    """

    settings: LocalSettings | None = None
    style: Style = "json"
    thought: bool = True
    window: int | None = None
    image_bound: int | None = None


async def open_model(name: str, *, home: Path, options: OpenOptions | None = None) -> Model:
    """The model of a name, ready to answer; a local one's server is found or started, a URL's is probed.

    Local models and llama.cpp servers get their tools told in words (ToolText), with the same prompts and the same
    grammar for both, so that `local` and the URL of the same file answer alike.

    Args:
        name: one of `FORMS`; it stays the model's name, by which it is priced.
        home: `SCRIMP_HOME`.
        options: see OpenOptions.

    Raises:
        UnknownName: no model is called so.
        MissingExtra: a packaged model or the runtime is not here; the remedy is the command that gets it.
        InputError: a file, address or key is missing or wrong.
        ModelFailed: nothing answers at the URL.
        OutsideError: the local server did not start.
    """
    options = options or OpenOptions()
    kind = _kind(name)
    if kind == "local":
        return await _local(name, home, options)
    if kind == "scripted":
        from scrimp.models.scripted import from_file

        return from_file(_script(name), name=name)
    if kind == "openai":
        return _openai(name, options)
    return await _at_url(name, options)


def facts(name: str, home: Path) -> Mapping[str, str]:
    """What a System's hash takes of a model: its name, or for files their content's SHA-256.

    A local file's hash stands for it under every name; a hosted model is only known by name.

    Raises:
        UnknownName, MissingExtra, InputError: as `open_model`.
    """
    kind = _kind(name)
    if kind == "local":
        from scrimp.models.weights import file_hash, find

        return {"sha256": file_hash(find(name, home), home)}
    if kind == "scripted":
        from hashlib import sha256

        path = _script(name)
        try:
            return {"sha256": sha256(path.read_bytes()).hexdigest()}
        except OSError as error:
            raise InputError(f"the script {path} cannot be read: {error.strerror}") from error
    return {"name": name}


def _kind(name: str) -> str:
    """Which of the forms a name has."""
    head, colon, rest = name.partition(":")
    if name in ("local", "small"):
        return "local"
    if re.match(r"https?://", name):
        address, _, model = name.partition("#")
        if not model or not address:
            raise InputError(f"the model {name!r} does not say which model of that server", remedy="write URL#NAME")
        return "url"
    if colon and head in ("gguf", "openai", "scripted", "anthropic"):
        if not rest:
            raise InputError(f"the model {name!r} has nothing after the colon", remedy=f"write {_form(head)}")
        if head == "anthropic":
            raise InputError(
                "this version has no Anthropic adapter",
                remedy="use an OpenAI-compatible endpoint for that model: URL#NAME with SCRIMP_API_KEY",
            )
        return "local" if head == "gguf" else head
    raise UnknownName("model", name, FORMS)


def _form(head: str) -> str:
    return next((form for form in FORMS if form.startswith(head)), f"{head}:NAME")


def _script(name: str) -> Path:
    return Path(name.removeprefix("scripted:")).expanduser()


async def _local(name: str, home: Path, options: OpenOptions) -> Model:
    from scrimp.models.local import LocalModel
    from scrimp.models.tool_text import ToolText
    from scrimp.models.weights import find

    model = LocalModel(name, find(name, home), home, options.settings)
    await model.start()
    return ToolText(model, options.style, thought=options.thought)


def _openai(name: str, options: OpenOptions) -> Model:
    from scrimp.models.connection import IMAGE_BOUND, Connection, api_key
    from scrimp.models.openai_compatible import HOSTED_WINDOW, OpenAICompatible

    model = name.removeprefix("openai:")
    key = api_key("OPENAI_API_KEY", needed_by=name)
    bound = IMAGE_BOUND if options.image_bound is None else options.image_bound
    connection = Connection(OPENAI_URL, model, key, "OPENAI_API_KEY", image_bound=bound)
    capabilities = Capabilities(
        logprobs=not connection.dialect.reasoning, images=True, window=options.window or HOSTED_WINDOW
    )
    return OpenAICompatible(name, connection, capabilities)


async def _at_url(name: str, options: OpenOptions) -> Model:
    from scrimp.models.connection import IMAGE_BOUND, Connection, api_key
    from scrimp.models.openai_compatible import OpenAICompatible
    from scrimp.models.tool_text import ToolText

    address, _, served = name.partition("#")
    bound = IMAGE_BOUND if options.image_bound is None else options.image_bound
    connection = Connection(address, served, api_key("SCRIMP_API_KEY"), image_bound=bound)
    model = await OpenAICompatible.connect(name, connection)
    if options.window:
        model.capabilities = replace(model.capabilities, window=options.window)
    if model.capabilities.tools:
        return model
    return ToolText(model, options.style, thought=options.thought)
