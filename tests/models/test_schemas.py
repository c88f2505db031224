"""Schemas for constrained decoding: nothing foreign, nothing without a limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.models.schemas import ARRAY_LENGTH, STRING_LENGTH, conforms_strictly, strict_schema

TEXT = {"type": "string", "maxLength": STRING_LENGTH}


def one(schema: dict[str, Any]) -> dict[str, Any]:
    converted = strict_schema({"type": "object", "properties": {"x": schema}, "required": ["x"]})
    result = converted["properties"]["x"]
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize(
    ("given_schema", "expected"),
    [
        ({"type": "float"}, {"type": "number"}),
        ({"type": "String", "description": "a city", "default": "Oslo", "format": "date"}, TEXT),
        ({"type": "string", "maxLength": 8, "minLength": 2}, {"type": "string", "maxLength": 8, "minLength": 2}),
        ({"type": "string", "pattern": "^[a-z]+$"}, {**TEXT, "pattern": "^[a-z]+$"}),
        ({"type": "string", "pattern": "^(?=a)b$"}, TEXT),
        ({"type": "integer", "minimum": 1, "multipleOf": 2}, {"type": "integer", "minimum": 1}),
        ({"type": "number", "exclusiveMinimum": True}, {"type": "number"}),
        ({"type": "tuple", "items": {"type": "int"}}, {"type": "array", "items": {"type": "integer"}, "maxItems": 20}),
        ({"type": "string", "enum": ["a", "b"]}, {"enum": ["a", "b"]}),
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
        ({"type": "string", "nullable": True}, {"anyOf": [TEXT, {"type": "null"}]}),
        ({"oneOf": [{"type": "bool"}, {"type": "long"}]}, {"anyOf": [{"type": "boolean"}, {"type": "integer"}]}),
        ({"const": 3}, {"const": 3}),
    ],
)  # fmt: skip
def test_one_argument(given_schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert one(given_schema) == expected


def test_order_is_kept_and_only_what_is_declared_is_allowed() -> None:
    schema = {
        "type": "dict",
        "properties": {"b": {"type": "string"}, "a": {"type": "integer"}},
        "required": ["b", "zzz"],
        "optional": ["a"],
    }
    converted = strict_schema(schema)
    assert list(converted["properties"]) == ["b", "a"]
    assert converted["required"] == ["b"]
    assert converted["additionalProperties"] is False


def test_references_are_written_out_and_cycles_end() -> None:
    schema = {
        "type": "object",
        "properties": {"node": {"$ref": "#/$defs/Node"}},
        "$defs": {
            "Node": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/Node"}}}
        },
    }
    node = strict_schema(schema)["properties"]["node"]
    assert node["properties"]["v"] == {"type": "integer"}
    assert "$ref" not in str(node)


def test_all_of_is_merged() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
        ]
    }
    converted = strict_schema(schema)
    assert list(converted["properties"]) == ["a", "b"]
    assert converted["required"] == ["a", "b"]


def test_no_arguments_is_an_empty_object_and_a_free_map_holds_scalars() -> None:
    assert strict_schema({"type": "object"})["properties"] == {}
    free = one({"type": "dict"})
    assert free["maxProperties"] == ARRAY_LENGTH
    assert "object" not in str(free["additionalProperties"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "properties", "items", "anyOf", "allOf", "enum", "required", "$ref", "$defs", "x"]),
        inner | st.sampled_from(["dict", "string", "array", "any", "float"]), max_size=4),
    max_leaves=12,
)  # fmt: skip


def limited(schema: Any) -> bool:
    if isinstance(schema, dict):
        if schema.get("type") == "string" and "maxLength" not in schema:
            return False
        return all(limited(value) for value in schema.values())
    return all(map(limited, schema)) if isinstance(schema, list) else True


@given(
    st.dictionaries(st.sampled_from(["type", "properties", "items", "anyOf", "allOf", "required"]), JSON, max_size=4)
)
def test_any_schema_becomes_a_limited_one_and_stays_it(schema: dict[str, Any]) -> None:
    converted = strict_schema(schema)
    if "enum" not in str(converted) and "const" not in str(converted):
        assert limited(converted)
        assert strict_schema(converted) == converted


def test_which_schemas_hosted_strict_modes_take() -> None:
    closed = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert conforms_strictly(closed)
    assert not conforms_strictly({**closed, "required": []})
    assert not conforms_strictly({"type": "array", "items": {"type": "object", "properties": {}}})
