"""What an OpenAPI 3 document says: its operations, each with one JSON schema of arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from scrimp.core.errors import InputError, MissingExtra
from scrimp.tools.parts.foreign import described

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
DEEPEST = 40
"""References in a row; a schema that refers to itself is open below a quarter of it."""
BODY = "body"


@dataclass(frozen=True)
class Operation:
    """One operation of a document.

    Attributes:
        parameters: name of the argument -> (place: path, query or header; name there).
        body: whether an argument `body` is sent as JSON.
    """

    name: str
    method: str
    path: str
    description: str
    schema: Mapping[str, Any]
    parameters: Mapping[str, tuple[str, str]]
    body: bool


def parsed(text: str, where: str) -> Mapping[str, Any]:
    """A document as plain values.

    Raises:
        InputError: it is neither JSON nor YAML, or no OpenAPI 3 document.
        MissingExtra: it is YAML, and pyyaml is not installed.
    """
    try:
        data = json.loads(text)
    except ValueError:
        try:
            import yaml
        except ImportError:
            raise MissingExtra(
                "an OpenAPI document in YAML needs the package pyyaml", remedy="pip install 'scrimp[openapi]'"
            ) from None
        try:
            data = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError) as error:
            raise InputError(f"{where} is neither JSON nor YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(data, Mapping) or not str(data.get("openapi", "")).startswith("3."):
        raise InputError(f"{where} is no OpenAPI 3 document", remedy="its first line says openapi: 3.x")
    if not isinstance(data.get("paths"), Mapping):
        raise InputError(f"{where} has no paths")
    return data


def operations(data: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation, in the order of the document; what cannot be read as one is left out."""
    for path, item in data["paths"].items():
        item = _resolved(item, data)
        if not isinstance(item, Mapping):
            continue
        shared = item.get("parameters")
        for method in METHODS:
            told = item.get(method)
            if isinstance(told, Mapping):
                yield _operation(str(path), method, told, shared if isinstance(shared, list) else [], data)


def _operation(
    path: str, method: str, told: Mapping[str, Any], shared: list[Any], data: Mapping[str, Any]
) -> Operation:
    own = told.get("parameters")
    properties: dict[str, Any] = {}
    required: list[str] = []
    places: dict[str, tuple[str, str]] = {}
    for given in [*shared, *(own if isinstance(own, list) else [])]:
        one = _resolved(given, data)
        if not isinstance(one, Mapping) or one.get("in") not in ("path", "query", "header"):
            continue  # cookies are not sent
        name, place = str(one.get("name", "")), str(one["in"])
        key = name if places.get(name, (place,))[0] == place else f"{place}_{name}"
        schema = inlined(one.get("schema") or {"type": "string"}, data)
        about = {"description": described(str(one["description"]))} if one.get("description") else {}
        properties[key] = {**about, **schema} if isinstance(schema, Mapping) else about
        places[key] = (place, name)
        if one.get("required") or place == "path":
            required.append(key)
    body = _resolved(told.get("requestBody"), data)
    content = body.get("content") if isinstance(body, Mapping) else None
    media = (
        next((value for kind, value in content.items() if "json" in kind), None)
        if isinstance(content, Mapping)
        else None
    )
    if isinstance(media, Mapping):
        properties[BODY] = inlined(media.get("schema") or {}, data)
        if isinstance(body, Mapping) and body.get("required"):
            required.append(BODY)
    words = " ".join(filter(None, (str(told.get("summary") or ""), str(told.get("description") or ""))))
    name = str(told.get("operationId") or re.sub(r"[{}]", "", f"{method}{path}"))
    schema = {"type": "object", "properties": properties, "required": list(dict.fromkeys(required)),
              "additionalProperties": False}  # fmt: skip
    return Operation(name, method, path, words or f"{method.upper()} {path}", schema, places, media is not None)


def inlined(schema: Any, data: Mapping[str, Any], depth: int = 0) -> Any:
    """A schema with its references put in their places; one that refers to itself is open below some depth."""
    if depth > DEEPEST // 4:
        return {}
    if isinstance(schema, list):
        return [inlined(item, data, depth) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return inlined(_resolved(schema, data), data, depth + 1)
    out = {key: inlined(value, data, depth + 1 if key in ("items", "properties") else depth)
           for key, value in schema.items() if key not in ("xml", "externalDocs", "example", "examples")}  # fmt: skip
    if out.pop("nullable", False) and isinstance(out.get("type"), str):  # OpenAPI 3.0's way to say it
        out["type"] = [out["type"], "null"]
    return out


def _resolved(value: Any, data: Mapping[str, Any]) -> Any:
    """What a reference within the document refers to; nothing for one that leads nowhere or outside."""
    for _ in range(DEEPEST):
        if not isinstance(value, Mapping) or not isinstance(value.get("$ref"), str):
            return value
        at: Any = data
        if not value["$ref"].startswith("#/"):
            return {}
        for part in value["$ref"][2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            at = at.get(key) if isinstance(at, Mapping) else None
        value = at if at is not None else {}
    return {}


def base_of(data: Mapping[str, Any], where: str) -> str:
    """The address of the document's first server; relative ones are relative to the document."""
    servers = data.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], Mapping) else {}
    url = str(first.get("url") or "/")
    for name, variable in (first.get("variables") or {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    if not url.startswith(("http://", "https://")):
        if not where.startswith(("http://", "https://")):
            raise InputError(f"{where} does not say where its server is", remedy="--openapi-base URL")
        url = urljoin(where, url)
    return url
