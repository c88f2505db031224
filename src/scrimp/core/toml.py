"""TOML: a file read with one clear line for what is wrong with it, and values written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a file; `what` it is stands in the error.

    Raises:
        InputError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {what} {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error


def toml(value: Any) -> str:
    """A value as TOML has it. Texts are not trusted: nothing of them ends a string."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml_key(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    escaped = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return escaped.encode("utf-8", "replace").decode("utf-8")


def toml_key(key: str) -> str:
    """A key as TOML has it, in quotation marks where it needs them."""
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else toml(key)
