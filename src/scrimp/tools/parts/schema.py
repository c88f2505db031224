"""JSON schemas of plans: which calls may be planned, and how a call refers to an earlier result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.core.messages import ToolSpec

MOST_STEPS = 10
REFERENCE = {"type": "string", "pattern": "^\\$[1-9][0-9]?$"}
"""The result of an earlier step."""

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
    """`{"steps": [{"tool": NAME, "arguments": {...}}]}`, where any argument may be a reference `$n`."""
    steps: dict[str, Any] = {"type": "array", "items": {"anyOf": [_call(tool) for tool in tools]}, "maxItems": most}
    if not tools:
        steps = {"type": "array", "items": {"type": "null"}, "maxItems": 0}
    return {
        "type": "object",
        "properties": {"steps": steps},
        "required": ["steps"],
        "additionalProperties": False,
    }


def _call(tool: ToolSpec) -> dict[str, Any]:
    properties = tool.parameters.get("properties", {})
    arguments = {
        "type": "object",
        "properties": {name: _or_reference(schema) for name, schema in properties.items()},
        "required": list(tool.parameters.get("required", ())),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"tool": {"const": tool.name}, "arguments": arguments},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def _or_reference(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A free string can hold a reference as it is; anything else gets the alternative."""
    if schema.get("type") == "string" and "enum" not in schema:
        return dict(schema)
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        items = {**schema, "items": _or_reference(schema["items"])}
        return {"anyOf": [items, REFERENCE]}
    return {"anyOf": [dict(schema), REFERENCE]}
