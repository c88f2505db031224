"""JSON schemas of plans: which calls may be planned, and how a call refers to an earlier result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.core.messages import ToolSpec

MOST_STEPS = 10
OWN_PLACES = 4
"""Steps at the front that may only refer to the steps before them; later ones to any of those, as far as a grammar
says it. A first step without references is what small models need most."""


OUTLINE = {
    "type": "object",
    "properties": {
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"tool": {"type": "string"}, "arguments": {"type": "object"}},
                "required": ["tool", "arguments"],
            },
        }
    },
    "required": ["steps"],
}
"""The form of a plan without the tools' own schemas."""


def plan_schema(tools: Sequence[ToolSpec], *, most: int = MOST_STEPS) -> dict[str, Any]:
    """`{"steps": [{"tool": NAME, "arguments": {...}}]}`; an argument may be a reference `$n` to an earlier step."""
    steps: dict[str, Any] = {"type": "array", "items": {"type": "null"}, "maxItems": 0}
    if tools:
        steps = {
            "type": "array",
            "prefixItems": [_step(tools, earlier) for earlier in range(OWN_PLACES)],
            "items": _step(tools, most - 1),
            "maxItems": most,
        }
    return {
        "type": "object",
        "properties": {"steps": steps},
        "required": ["steps"],
        "additionalProperties": False,
    }


def _step(tools: Sequence[ToolSpec], earlier: int) -> dict[str, Any]:
    return {"anyOf": [_call(tool, earlier) for tool in tools]}


def _call(tool: ToolSpec, earlier: int) -> dict[str, Any]:
    properties = tool.parameters.get("properties", {})
    arguments = {
        "type": "object",
        "properties": {name: _or_reference(schema, earlier) for name, schema in properties.items()},
        "required": list(tool.parameters.get("required", ())),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"tool": {"const": tool.name}, "arguments": arguments},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def _or_reference(schema: Mapping[str, Any], earlier: int) -> dict[str, Any]:
    """The schema, or the result of one of the `earlier` steps."""
    if not earlier:
        return _no_dollar(schema)
    reference = {"enum": [f"${number}" for number in range(1, earlier + 1)]}
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        items = {**schema, "items": _or_reference(schema["items"], earlier)}
        return {"anyOf": [items, reference]}
    return {"anyOf": [_no_dollar(schema), reference]}


def _no_dollar(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A free string does not begin with the sign of a reference."""
    free = schema.get("type") == "string" and not schema.keys() & {"enum", "const", "pattern"}
    return {**schema, "pattern": "^[^$][\\s\\S]*$"} if free else dict(schema)
