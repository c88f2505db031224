"""Plans as lines of text, read one by one, so that a call can begin while the rest is still being written.

What a model writes is data: arguments are read as literals, nothing in them is run.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from scrimp.core.tool import Tool
from scrimp.tools.parts.dag import PlanError

LONGEST = 10_000
"""Characters of one line's arguments."""

_OUTSIDE = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?P<bare>\$\{?\d+\}?|#E\d+)""")


class Lines:
    """Complete lines of a text that comes in pieces."""

    def __init__(self) -> None:
        self.text = ""
        self._taken = 0

    def add(self, piece: str) -> list[str]:
        """The lines that this piece completes."""
        self.text += piece
        end = self.text.rfind("\n")
        if end < self._taken:
            return []
        lines = self.text[self._taken : end].split("\n")
        self._taken = end + 1
        return lines

    def rest(self) -> list[str]:
        """What is left at the end, a last line without its end."""
        left, self._taken = self.text[self._taken :], len(self.text)
        return [left] if left else []


def arguments(written: str, tool: Tool) -> Mapping[str, Any]:
    """Arguments of a call: a JSON object, `name=value` pairs or values in the order of the tool's parameters.

    Values are literals, or references without quotes. A tool with one parameter may be given plain words.

    Raises:
        PlanError: they cannot be read, or are longer than LONGEST.
    """
    written = written.strip()
    if len(written) > LONGEST:
        raise PlanError(f"the arguments of {tool.name} are longer than {LONGEST} characters")
    names = list(tool.parameters.get("properties", {}))
    quoted = _OUTSIDE.sub(lambda match: json.dumps(match["bare"]) if match["bare"] else match.group(), written)
    found = _object(quoted)
    if found is None:
        found = _literals(quoted, names)
    if found is None and len(names) == 1:
        found = {names[0]: written}
    if found is None:
        raise PlanError(f"the arguments of {tool.name} are neither a JSON object nor literals: {written[:100]}")
    return found


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _literals(text: str, names: list[str]) -> dict[str, Any] | None:
    """`value, name=value` as a mapping; None where that is not what it says."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or len(call.args) > len(names) or not isinstance(call.func, ast.Name):
            return None
        found = {name: ast.literal_eval(value) for name, value in zip(names, call.args, strict=False)}
        for word in call.keywords:
            if word.arg is None or word.arg in found:
                return None
            found[word.arg] = ast.literal_eval(word.value)
        json.dumps(found)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return found
