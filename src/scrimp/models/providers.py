"""Which provider serves a model, and what is published about its models, as dated data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HOSTS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral",
    "dashscope.aliyuncs.com": "qwen",
    "dashscope-intl.aliyuncs.com": "qwen",
}
"""Our prefix by the host a provider answers on; the same prefixes as in price lists."""


def split_options(name: str) -> tuple[str, dict[str, str]]:
    """A model's name without what stands behind its question mark, and that as options.

    `openai:gpt-5?service=flex` is `openai:gpt-5`, served as `flex`. In `URL#NAME` only a question mark behind the
    `#` counts, since an address may have one of its own.
    """
    address, mark, behind = name.partition("#")
    served, _, query = (behind if mark else address).partition("?")
    return (f"{address}#{served}" if mark else served), dict(parse_qsl(query, keep_blank_values=True))


def qualified(name: str) -> str:
    """`provider:NAME` of a model's name where its provider is known by prefix or host, else the name as it is."""
    bare = split_options(name)[0]
    address, mark, served = bare.partition("#")
    if not mark:
        return bare
    provider = HOSTS.get(urlsplit(address).hostname or "")
    return f"{provider}:{served.removeprefix('models/')}" if provider else served


@lru_cache(maxsize=8)
def table(name: str) -> tuple[Mapping[str, Any], ...]:
    """The rules of a packaged table (`effort`, `images`, `cache_rules`), first match first."""
    text = (files("scrimp.models") / "data" / f"{name}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)["rules"])


@lru_cache(maxsize=512)
def rule(table_name: str, model: str) -> Mapping[str, Any] | None:
    """The first rule of a table whose pattern fits a model's qualified name; None where none does."""
    name = qualified(model)
    return next((entry for entry in table(table_name) if re.search(entry["models"], name)), None)
