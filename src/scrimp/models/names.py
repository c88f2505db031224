"""Model names, as users write them, and the models behind them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.protocols import Capabilities, Model
from scrimp.models.providers import split_options

if TYPE_CHECKING:
    from scrimp.models.calibration import Calibrator
    from scrimp.models.local import LocalSettings
    from scrimp.models.tool_text_format import Style

FORMS = ("local", "small", "gguf:FILE", "openai:NAME", "anthropic:NAME", "URL#NAME", "scripted:FILE")
"""The names a model can have here; `oracle` is a benchmark's own."""

OPENAI_URL, OPENAI_URL_VARIABLE = "https://api.openai.com/v1", "OPENAI_BASE_URL"
ANTHROPIC_URL, ANTHROPIC_URL_VARIABLE = "https://api.anthropic.com/v1", "ANTHROPIC_BASE_URL"
"""Where the two are, and the environment variables of their own clients that put another address in its place (a
gateway, a test server). `OpenOptions.base_url` comes before either. The key is sent to whichever it is."""

SERVICE_WORDS: Mapping[str, frozenset[str]] = {
    "openai": frozenset({"auto", "default", "flex", "priority"}),
    "anthropic": frozenset({"auto", "standard_only"}),
}
"""What `?service=` may say, by provider; sent as `service_tier`. `batch` has prices but no calls of its own here."""

CACHE_WORDS = ("5m", "1h", "off")
"""What `?cache=` may say of an Anthropic model: how long the provider keeps what is cached."""


@dataclass(frozen=True)
class OpenOptions:
    """How a model is opened.

    Attributes:
        settings: of the server of a local model.
        style, thought: how tools are told to a model without native calls; see ToolText.
        window: context window of a hosted model or server, where it is known better than probed.
        image_bound: most tokens a hosted model bills for a picture, where it is known.
        base_url: address of the provider's API instead of its own, for `openai:` and `anthropic:`.
        answers: a file in which answers are kept, so that no request is paid twice; see CachedModel.
        calibrator: learns from what calls used; see Calibrator.
    """

    settings: LocalSettings | None = None
    style: Style = "json"
    thought: bool = True
    window: int | None = None
    image_bound: int | None = None
    base_url: str = ""
    answers: Path | None = None
    calibrator: Calibrator | None = None


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
    model: Model = await _open(name, home, options)
    if options.calibrator is not None:
        from scrimp.models.calibration import Observed

        model = Observed(model, options.calibrator)
    if options.answers is not None:
        from scrimp.models.cache import Answers, CachedModel

        model = CachedModel(model, Answers(options.answers))
    return model


async def _open(name: str, home: Path, options: OpenOptions) -> Model:
    kind = _kind(name)
    if kind == "local":
        return await _local(name, home, options)
    if kind == "scripted":
        from scrimp.models.scripted import from_file

        return from_file(_script(name), name=name)
    if kind == "openai":
        return _openai(name, options)
    if kind == "anthropic":
        return _anthropic(name, options)
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

    model, extra = _served(name, "openai", {"service"})
    key = api_key("OPENAI_API_KEY", needed_by=name)
    bound = IMAGE_BOUND if options.image_bound is None else options.image_bound
    url = options.base_url or os.environ.get(OPENAI_URL_VARIABLE, "") or OPENAI_URL
    connection = Connection(url, model, key, "OPENAI_API_KEY", image_bound=bound, extra=extra)
    capabilities = Capabilities(
        logprobs=not connection.dialect.reasoning, images=True, window=options.window or HOSTED_WINDOW
    )
    return OpenAICompatible(name, connection, capabilities)


def _anthropic(name: str, options: OpenOptions) -> Model:
    from scrimp.models.anthropic import ANTHROPIC_IMAGE_BOUND, WINDOW, Anthropic
    from scrimp.models.connection import Connection, api_key

    model, extra = _served(name, "anthropic", {"service", "cache"})
    lifetime = split_options(name)[1].get("cache", "5m")
    if lifetime not in CACHE_WORDS:
        raise InputError(f"the model {name!r} asks for cache={lifetime}", remedy=" or ".join(CACHE_WORDS))
    key = api_key("ANTHROPIC_API_KEY", needed_by=name)
    bound = ANTHROPIC_IMAGE_BOUND if options.image_bound is None else options.image_bound
    url = options.base_url or os.environ.get(ANTHROPIC_URL_VARIABLE, "") or ANTHROPIC_URL
    connection = Connection(url, model, key, "ANTHROPIC_API_KEY", image_bound=bound, extra=extra)
    # Models before the generation 4.5 cannot be held to a schema; it is then stated in words.
    held = not re.match(r"claude-(3|(opus|sonnet)-4(-[01]|-20\d{6})?$|opus-4-1)", model)
    capabilities = Capabilities(
        schema="response_format" if held else "none", images=True, window=options.window or WINDOW
    )
    return Anthropic(name, connection, capabilities, lifetime="" if lifetime == "off" else lifetime)


def _served(name: str, provider: str, known: set[str]) -> tuple[str, dict[str, Any]]:
    """The model as its provider knows it, and the fields of a body that its options ask for."""
    bare, asked = split_options(name)
    for word in asked:
        if word not in known:
            raise InputError(f"the model {name!r} has an unknown option {word!r}", remedy=f"known: {', '.join(known)}")
    service = asked.get("service")
    if service is not None and service not in SERVICE_WORDS[provider]:
        words = ", ".join(sorted(SERVICE_WORDS[provider]))
        raise InputError(f"{provider} cannot be asked for service={service} here", remedy=f"known: {words}")
    return bare.partition(":")[2], {} if service is None else {"service_tier": service}


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
