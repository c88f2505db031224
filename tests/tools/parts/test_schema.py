"""Schemas of plans: what fits a tool fits, a reference fits where a value is free, anything else does not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scrimp.core.messages import ToolSpec
from scrimp.tools.parts.schema import MOST_STEPS, OUTLINE, plan_schema

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "null": (type(None),),
}  # fmt: skip


def valid_under(schema: dict[str, Any], value: Any) -> bool:
    """Just as much of JSON Schema as plans use."""
    known = {"type", "const", "enum", "anyOf", "pattern", "properties", "required", "additionalProperties", "items",
             "prefixItems", "maxItems"}  # fmt: skip
    assert set(schema) <= known, "this check does not know the schema's words"
    if "anyOf" in schema:
        return any(valid_under(item, value) for item in schema["anyOf"])
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        wanted = [*first, *[schema["items"]] * len(value)]
        fitting = all(valid_under(each, item) for each, item in zip(wanted, value, strict=False))
        return fitting and len(value) <= schema.get("maxItems", len(value))
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        closed = schema.get("additionalProperties", True) is False
        return (
            set(schema.get("required", ())) <= set(value)
            and not (closed and set(value) - set(properties))
            and all(valid_under(properties[key], item) for key, item in value.items() if key in properties)
        )
    return True


TOOL = ToolSpec("go", "Go.", {"type": "object", "required": ["n"], "properties": {
    "n": {"type": "integer"}, "s": {"type": "string"}, "unit": {"type": "string", "enum": ["km", "里"]},
    "many": {"type": "array", "items": {"type": "number"}}}})  # fmt: skip


def fits(schema: dict[str, Any], *steps: Any) -> bool:
    return valid_under(schema, {"steps": list(steps)})


STEP = {"tool": "go", "arguments": {"n": 1}}


@pytest.mark.parametrize(
    ("arguments", "valid"),
    [
        ({"n": 1}, True), ({"n": "$1"}, True), ({"n": "$2"}, True), ({"n": "$3"}, False), ({"n": "one"}, False),
        ({"n": "$0"}, False), ({}, False), ({"n": 1, "x": 2}, False), ({"n": 1, "s": "see $1 见"}, True),
        ({"n": 1, "s": "$1"}, True), ({"n": 1, "s": "$7"}, False), ({"n": 1, "unit": "里"}, True),
        ({"n": 1, "unit": "$2"}, True), ({"n": 1, "unit": "mile"}, False), ({"n": 1, "many": [1, "$1"]}, True),
        ({"n": 1, "many": "$1"}, True), ({"n": 1, "many": ["x"]}, False),
    ],
)  # fmt: skip
def test_arguments_that_fit_a_third_step(arguments: dict[str, Any], valid: bool) -> None:
    assert fits(plan_schema([TOOL]), STEP, STEP, {"tool": "go", "arguments": arguments}) == valid


def test_a_first_step_refers_to_nothing() -> None:
    for arguments in ({"n": "$1"}, {"n": 1, "s": "$1"}, {"n": 1, "many": ["$1"]}):
        assert not fits(plan_schema([TOOL]), {"tool": "go", "arguments": arguments})


def test_only_known_tools_and_not_too_many_steps() -> None:
    assert fits(plan_schema([TOOL]), *[STEP] * MOST_STEPS)
    assert not fits(plan_schema([TOOL]), *[STEP] * (MOST_STEPS + 1))
    assert not fits(plan_schema([TOOL]), {"tool": "stay", "arguments": {"n": 1}})
    assert fits(plan_schema([TOOL], most=1))
    assert fits(plan_schema([]))
    assert not fits(plan_schema([]), STEP)


def test_the_outline_is_the_form_without_the_tools() -> None:
    assert fits(OUTLINE, {"tool": "anything", "arguments": {"x": 1}})
    assert not fits(OUTLINE, {"arguments": {}})
