"""Worlds that are spoken to in commands: the one tool they have, and reading what it was called with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scrimp.core.tool import Tool, ToolResult

LONGEST = 300
"""Letters of a command; what is longer is refused."""


def act(about: str, source: str) -> Tool:
    """The tool `act(command)`."""
    command = {"type": "string", "description": "One command."}
    schema = {"type": "object", "properties": {"command": command}, "required": ["command"]}
    return Tool("act", about, schema, acts=True, source=source)


def command_of(action: Mapping[str, Any]) -> str | ToolResult:
    """The command of a call, on one line; or what to tell of a call that has none."""
    command = (action.get("arguments") or {}).get("command")
    if action.get("name") != "act" or not isinstance(command, str) or not command.strip():
        return ToolResult("error: act takes a command, a text that is not empty", "error")
    if len(command) > LONGEST:
        return ToolResult(f"error: a command has at most {LONGEST} letters", "error")
    return " ".join(command.split())
