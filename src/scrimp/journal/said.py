"""What a journaled call was answered, in words: for tables of steps and pages of runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def answered(response: Any) -> str:
    """Words and calls of a message, a tool's result, or why it failed."""
    if not isinstance(response, Mapping):
        return str(response) if response is not None else ""
    if isinstance(response.get("error"), Mapping):
        return str(response["error"].get("message", "failed"))
    if isinstance(response.get("message"), Mapping):
        return spoken(response["message"])
    if "float32" in response:
        return f"{response.get('shape', ['?'])[0]} vectors"
    return str(response["text"]) if "text" in response else json.dumps(response, ensure_ascii=False)


def spoken(message: Mapping[str, Any]) -> str:
    """The words of a message, and the calls that it asks for, a line each."""
    words = [str(part["text"]) for part in message.get("parts", ()) if "text" in part]
    calls = [
        f"{call['name']}({json.dumps(call['arguments'], ensure_ascii=False)})"
        for call in message.get("tool_calls", ())
    ]  # fmt: skip
    return "\n".join([*words, *calls])
