"""JSON schemas made fit for constrained decoding."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

STRING_LENGTH = 400
"""Characters a string may have where its schema sets no limit; without one small models run on to the output cap."""

ARRAY_LENGTH = 20
"""Items an array may have where its schema sets no limit."""

_DEPTH = 12
_IRREGULAR = re.compile(r"\(\?(?!:)|\\[bB1-9]")
"""Looking around, word borders and back references: no automaton takes them."""

_TYPES = {
    "dict": "object", "hashmap": "object", "map": "object", "hash": "object", "record": "object",
    "float": "number", "double": "number", "decimal": "number",
    "int": "integer", "long": "integer", "short": "integer", "byte": "integer", "bigint": "integer",
    "tuple": "array", "list": "array", "set": "array", "arraylist": "array",
    "str": "string", "char": "string", "text": "string",
    "bool": "boolean", "none": "null",
}  # fmt: skip
_KNOWN = {"object", "number", "integer", "array", "string", "boolean", "null"}


def strict_schema(schema: Mapping[str, Any], *, string_length: int = STRING_LENGTH) -> dict[str, Any]:
    """A schema that a grammar engine can take and that cannot run away.

    Types of other worlds (`dict`, `float`, `tuple`, `ArrayList`, `any`) become JSON types; objects allow their
    declared properties only; strings and arrays get a limit; references are written out; keywords that engines
    do not enforce (`format`, `default`, `uniqueItems`, ...) are dropped, since one of them makes an engine ignore
    the whole schema. The order of properties is kept: it is the order the model writes them in.
    """
    definitions = {**_mapping(schema.get("definitions")), **_mapping(schema.get("$defs"))}
    return _Strict(definitions, string_length).convert(schema, 0)


def conforms_strictly(schema: Any) -> bool:
    """Whether hosted strict modes take the schema: objects closed, and every property required."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object" or "properties" in schema:
            names = set(_mapping(schema.get("properties")))
            if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != names:
                return False
        return all(conforms_strictly(value) for value in schema.values())
    if isinstance(schema, list | tuple):
        return all(map(conforms_strictly, schema))
    return True


class _Strict:
    """One conversion: the definitions references point to, and the limit of strings."""

    def __init__(self, definitions: Mapping[str, Any], string_length: int) -> None:
        self.definitions, self.string_length = definitions, string_length

    def convert(self, schema: Any, depth: int) -> dict[str, Any]:
        if not isinstance(schema, Mapping) or depth > _DEPTH:
            return self._anything()
        schema = self._flat(schema)
        if "const" in schema:
            return {"const": schema["const"]}
        if isinstance(schema.get("enum"), list | tuple) and schema["enum"]:
            return {"enum": list(schema["enum"])}
        union = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(union, list | tuple) and union:
            return {"anyOf": [self.convert(item, depth + 1) for item in union]}
        types = _types(schema)
        if schema.get("nullable") is True and types and "null" not in types:
            types = [*types, "null"]
        if len(types) > 1:
            return {"anyOf": [self._typed(kind, schema, depth) for kind in types]}
        return self._typed(types[0], schema, depth) if types else self._anything()

    def _flat(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Without `$ref` and `allOf`: what they stand for is laid under the schema's own keys."""
        for _ in range(_DEPTH):
            reference, parts = schema.get("$ref"), schema.get("allOf")
            if isinstance(reference, str):
                found = _mapping(self.definitions.get(reference.rsplit("/", 1)[-1]))
                schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
            elif isinstance(parts, list | tuple):
                merged: dict[str, Any] = {}
                for part in parts:
                    part = _mapping(part)
                    properties = {**_mapping(merged.get("properties")), **_mapping(part.get("properties"))}
                    required = [*merged.get("required", ()), *part.get("required", ())]
                    joined = {"properties": properties, "required": required} if properties else {}
                    merged = {**merged, **part, **joined}
                schema = {**merged, **{key: value for key, value in schema.items() if key != "allOf"}}
            else:
                break
        return schema

    def _typed(self, kind: str, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            items, first = schema.get("items"), schema.get("prefixItems")
            if not isinstance(items, Mapping) or not isinstance(first, list | tuple):
                items, first = (first if items is None else items), ()
            if isinstance(items, list | tuple):
                items = items[0] if len(items) == 1 else {"anyOf": list(items)} if items else None
            out: dict[str, Any] = {"type": "array", "items": self.convert(items, depth + 1)}
            if first:
                out["prefixItems"] = [self.convert(item, depth + 1) for item in first]
            out["maxItems"] = _whole(schema.get("maxItems")) or max(ARRAY_LENGTH, _whole(schema.get("minItems")) or 0)
            return {**out, **_keep(schema, "minItems")}
        if kind == "string":
            limit = _whole(schema.get("maxLength")) or max(self.string_length, _whole(schema.get("minLength")) or 0)
            pattern = schema.get("pattern")
            regular = isinstance(pattern, str) and not _IRREGULAR.search(pattern)
            return {
                "type": "string",
                "maxLength": limit,
                **_keep(schema, "minLength"),
                **({"pattern": pattern} if regular else {}),
            }
        if kind in ("integer", "number"):
            bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
            return {"type": kind, **_keep(schema, *bounds)}
        return {"type": kind}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = _mapping(schema.get("properties"))
        extra = schema.get("additionalProperties")
        if not properties and depth and extra is not False:
            # A free map: scalars only, since nothing bounds what nests.
            values = self.convert(extra, depth + 1) if isinstance(extra, Mapping) and extra else self._scalar()
            return {"type": "object", "additionalProperties": values, "maxProperties": ARRAY_LENGTH}
        required = schema.get("required")
        wanted = [name for name in required if name in properties] if isinstance(required, Sequence) else []
        return {
            "type": "object",
            "properties": {name: self.convert(value, depth + 1) for name, value in properties.items()},
            "required": wanted,
            "additionalProperties": False,
        }

    def _scalar(self) -> dict[str, Any]:
        text = {"type": "string", "maxLength": self.string_length}
        return {"anyOf": [text, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}

    def _anything(self) -> dict[str, Any]:
        scalar = self._scalar()
        array = {"type": "array", "items": scalar, "maxItems": ARRAY_LENGTH}
        return {"anyOf": [*scalar["anyOf"], array]}


def _types(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types a schema names; none where anything goes."""
    declared = schema.get("type")
    names = declared if isinstance(declared, list | tuple) else [declared]
    lowered = [str(name).lower() for name in names if name is not None]
    types = [_TYPES.get(name, name) for name in lowered]
    if not types and "properties" in schema:
        return ["object"]
    if not types and "items" in schema:
        return ["array"]
    return list(dict.fromkeys(kind for kind in types if kind in _KNOWN)) if set(types) <= _KNOWN else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _keep(schema: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named keywords where they are numbers."""
    return {
        name: schema[name]
        for name in names
        if isinstance(schema.get(name), int | float) and not isinstance(schema[name], bool)
    }
