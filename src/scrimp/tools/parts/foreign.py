"""Tools that arrive from elsewhere (MCP servers, OpenAPI documents): legal names, arguments checked, words bounded.

What a stranger says of its tools is data: names are made legal for providers, descriptions are cut to a length, and a
schema is used to check arguments only where it is one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from scrimp.core.tool import ToolResult

MOST_NAME = 64
MOST_DESCRIPTION = 2000
"""Characters of a description that a model is shown."""
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Check = Callable[[Mapping[str, Any]], ToolResult | None]


def legal(name: str, taken: Collection[str] = (), prefix: str = "") -> str:
    """A name that providers take and nobody else has: the same for the same names in the same order.

    Args:
        prefix: what stands before it where it is taken, most often the server's name.
    """
    plain = _fitting(_ILLEGAL.sub("_", name).strip("_") or "tool", name)
    if plain not in taken:
        return plain
    longer = _fitting(_ILLEGAL.sub("_", f"{prefix}_{plain}").strip("_"), f"{prefix}/{name}") if prefix else plain
    number, found = 2, longer
    while found in taken:
        found = f"{longer[: MOST_NAME - 4]}_{number}"
        number += 1
    return found


def _fitting(plain: str, whole: str) -> str:
    if len(plain) <= MOST_NAME:
        return plain
    return f"{plain[: MOST_NAME - 9]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def described(text: str) -> str:
    """A description without control characters, at a length that a prompt bears."""
    clean = _CONTROL.sub(" ", text).strip()
    return clean if len(clean) <= MOST_DESCRIPTION else f"{clean[:MOST_DESCRIPTION]} [...]"


def checker(name: str, schema: Mapping[str, Any]) -> Check:
    """What says how arguments do not fit a JSON schema, as an observation; None where they fit or nobody can tell.

    Nothing is fetched for it: a reference that leads outside the schema leaves the arguments unchecked.

    Raises:
        MissingExtra: jsonschema is not installed.
    """
    try:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.exceptions import best_match
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError:
        from scrimp.core.errors import MissingExtra

        raise MissingExtra(
            "tools from outside need the package jsonschema", remedy="pip install 'scrimp[mcp]'"
        ) from None
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError:
        return lambda given: None
    validator = Draft202012Validator(dict(schema), registry=Registry())

    def check(given: Mapping[str, Any]) -> ToolResult | None:
        try:
            worst = best_match(validator.iter_errors(dict(given)))
        except (Unresolvable, RecursionError, re.error):
            return None
        if worst is None:
            return None
        where = ".".join(map(str, worst.absolute_path))
        said = worst.message if len(worst.message) < 300 else f"{worst.message[:300]}..."
        return ToolResult(
            f"error: the arguments of {name} do not fit{f', at {where}' if where else ''}: {said}", "error"
        )

    return check


def secrets_in(values: Iterable[str]) -> set[str]:
    """What must stand in no text: values of headers and variables, and what follows a scheme (`Bearer ...`) in them."""
    return {part for value in values for part in (value, value.rpartition(" ")[2]) if len(part) > 3}


def without(text: str, secrets: Collection[str]) -> str:
    """A text in which no secret stands."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    return text
