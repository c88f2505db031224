"""OpenAPI documents: operations become tools, calls become requests, answers observations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scrimp.core.errors import InputError, OutsideError
from scrimp.core.tool import Tool, ToolResult
from scrimp.tools.sources.openapi import OpenAPI, headers_from
from scrimp.tools.sources.openapi_document import operations, parsed

pytestmark = pytest.mark.anyio
SECRET = "s3cr3t-value-of-a-token"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "{scheme}://nowhere.invalid/v1", "variables": {"scheme": {"default": "http"}}}],
    "paths": {
        "/items/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "get.item", "summary": "Look at an item.",
                "parameters": [
                    {"$ref": "#/components/parameters/fields"},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "session", "in": "cookie", "schema": {"type": "string"}},
                ],
            },
            "put": {
                "summary": "Change an item.",
                "requestBody": {"required": True,
                                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}},
            },
        },
        "/broken": {"get": {"operationId": "broken", "parameters": "none", "requestBody": {"$ref": "#/nowhere"}}},
        "/odd": 7,
    },
    "components": {
        "parameters": {"fields": {"name": "fields", "in": "query",
                                  "schema": {"type": "array", "items": {"enum": ["name", "price"]}}}},
        "schemas": {"Item": {
            "type": "object", "required": ["name"], "additionalProperties": False,
            "properties": {"name": {"type": "string", "nullable": True}, "price": {"type": "number"},
                           "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}},
        }},
    },
}  # fmt: skip


def shop(tmp_path: Path, server: HTTPServer, **options: Any) -> OpenAPI:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return OpenAPI(str(file), base=server.url_for("/v1"), **options)


async def offered(source: OpenAPI) -> Mapping[str, Tool]:
    return {tool.name: tool for tool in await source.tools()}


async def ask(tool: Tool, **arguments: Any) -> ToolResult:
    assert tool.call is not None
    result = await tool.call(arguments)  # type: ignore[misc]
    assert isinstance(result, ToolResult)
    return result


async def test_operations_are_tools(tmp_path: Path, httpserver: HTTPServer) -> None:
    tools = await offered(shop(tmp_path, httpserver))
    assert list(tools) == ["get_item", "put_items_id", "broken"]
    get, put = tools["get_item"], tools["put_items_id"]
    assert (get.pure, put.pure, get.price) == (True, False, None)
    assert get.description == "Look at an item."
    assert set(get.parameters["properties"]) == {"id", "fields", "X-Trace"}, "cookies are not sent"
    assert get.parameters["required"] == ["id"]
    assert put.parameters["required"] == ["id", "body"]
    item = put.parameters["properties"]["body"]
    assert item["properties"]["name"]["type"] == ["string", "null"]
    assert item["properties"]["parts"]["items"]["properties"]["price"] == {"type": "number"}
    assert "$ref" not in json.dumps(put.parameters), "a schema that refers to itself ends somewhere"


async def test_calls_are_requests(tmp_path: Path, httpserver: HTTPServer) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(json.dumps({"ok": request.get_json(silent=True)}), content_type="application/json")

    httpserver.expect_request("/v1/items/a%2Fb c").respond_with_handler(answer)
    httpserver.expect_request("/v1/items/a/b c").respond_with_handler(answer)
    tools = await offered(shop(tmp_path, httpserver, headers={"Authorization": f"Bearer {SECRET}"}))
    got = await ask(tools["get_item"], id="a/b c", fields=["name", "price"], **{"X-Trace": "t\nX-Evil: 1"})
    assert got.text == '{"ok": null}'
    assert seen[0].args.getlist("fields") == ["name", "price"]
    assert seen[0].headers["X-Trace"] == "t X-Evil: 1"
    assert "X-Evil" not in seen[0].headers
    assert seen[0].headers["Authorization"] == f"Bearer {SECRET}"
    put = await ask(tools["put_items_id"], id="a/b c", body={"name": "x", "price": 2})
    assert json.loads(put.text) == {"ok": {"name": "x", "price": 2}}


async def test_misfits_and_refusals_are_observations(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/items/1", method="GET").respond_with_data(f"no {SECRET} here", status=404)
    httpserver.expect_request("/v1/items/2", method="GET").respond_with_data("", status=302, headers={"Location": "/x"})
    source = shop(tmp_path, httpserver, headers={"Authorization": f"Bearer {SECRET}"})
    tools = await offered(source)
    assert "'id' is a required property" in (await ask(tools["get_item"])).text
    assert "at body" in (await ask(tools["put_items_id"], id="1", body={"colour": "red"})).text
    refused = await ask(tools["get_item"], id="1")
    assert (refused.status, refused.text) == ("error", "error: HTTP 404: no *** here")
    assert (await ask(tools["get_item"], id="2")).text.startswith("error: HTTP 302"), "nobody is sent elsewhere"
    gone = OpenAPI(source.document, base="http://127.0.0.1:9", headers=source.headers)
    lost = await ask((await offered(gone))["put_items_id"], id="1", body={"name": "x"})
    assert lost.status == "error", "it never arrived"
    assert SECRET not in repr(source)


async def test_a_document_over_http_in_yaml_says_where_its_server_is(httpserver: HTTPServer) -> None:
    text = "openapi: 3.1.0\nservers: [{url: /api}]\npaths:\n  /time:\n    get: {operationId: time, summary: 现在几点}\n"
    httpserver.expect_request("/docs/openapi.yaml").respond_with_data(text)
    httpserver.expect_request("/api/time").respond_with_data("noon")
    source = OpenAPI(httpserver.url_for("/docs/openapi.yaml"))
    tools = await offered(source)
    assert tools["time"].description == "现在几点"
    assert (await ask(tools["time"])).text == "noon"
    with pytest.raises(OutsideError, match="could not be fetched"):
        await OpenAPI(httpserver.url_for("/nothing")).tools()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "neither JSON nor YAML"), ("[1]", "no OpenAPI 3 document"), ("swagger: '2.0'", "no OpenAPI 3 document"),
        ('{"openapi": "3.0.0"}', "has no paths"), ("a: !!python/object:os.system {}", "neither JSON nor YAML"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_one_line(text: str, line: str) -> None:
    with pytest.raises(InputError, match=line):
        parsed(text, "x.yaml")


async def test_a_file_without_a_server_needs_to_be_told_one(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"openapi": "3.0.0", "paths": {}}', encoding="utf-8")
    with pytest.raises(InputError, match="does not say where its server is"):
        await OpenAPI(str(file)).tools()
    with pytest.raises(InputError, match="cannot be read"):
        await OpenAPI(str(tmp_path / "none.json")).tools()


def test_circles_of_references_end() -> None:
    paths = {"/x": {"$ref": "#/paths/~1x"}, "/y": {"get": {"parameters": [{"$ref": "#/a"}]}}}
    data = {"openapi": "3.0.0", "paths": paths, "a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}
    assert [one.name for one in operations(data)] == ["get/y"]


def test_headers_take_their_secrets_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    assert headers_from(["Authorization: Bearer $TOKEN", "X: y"]) == {"Authorization": f"Bearer {SECRET}", "X": "y"}
    with pytest.raises(InputError, match="no variable NOPE"):
        headers_from(["A: $NOPE"])
    with pytest.raises(InputError, match="is no header"):
        headers_from(["nonsense"])
