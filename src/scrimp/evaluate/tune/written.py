"""A System as TOML, to be named in `--systems`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scrimp.core.system import System


def toml(system: System) -> str:
    """The System as a TOML file; the inverse of `System.from_toml`."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in system.to_json().items() if value is not None)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)
