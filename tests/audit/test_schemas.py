"""Tool schemas that a record lacks are put together from its calls, or taken from the user."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import call, spec, trace

from scrimp.audit.schemas import BUFFER, load_schemas, with_schemas
from scrimp.audit.trace import Trace
from scrimp.core.errors import InputError


def lacking(name: str = "search", **arguments: object) -> Trace:
    return replace(trace("x", [call(name, "a", **arguments)], {"a": "1"}, ("y",)), tools_told=False)


def test_calls_of_all_runs_of_a_file_make_the_schemas() -> None:
    one, two = with_schemas([lacking(q="x", n=3), lacking("read", path="p", deep=True)], {})
    tools = one.steps[0].request.tools
    assert [item.name for item in tools] == ["read", "search"]
    assert tools[1].parameters["properties"] == {"q": {"type": "string"}, "n": {"type": "integer"}}
    assert tools[0].parameters["properties"]["deep"] == {"type": "boolean"}
    assert two.steps[0].request.tools is tools
    assert "lower bound" in one.notes[-1]
    assert one.tools_told is False


def test_the_users_own_are_taken_whole() -> None:
    given = {"search": spec("search", "Search the web."), "other": spec("other")}
    (found,) = with_schemas([lacking(q="x")], given)
    assert [item.name for item in found.steps[0].request.tools] == ["search", "other"]
    assert found.tools_told is True
    assert found.notes == []


def test_records_that_have_them_stay_in_their_order() -> None:
    whole = trace("x", ("y",), tools=[spec("a")], id="whole")
    found = list(with_schemas([whole, lacking(q="x"), whole], {}))
    assert [item.id for item in found] == ["whole", "run-1", "whole"]
    assert found[0] is whole


def test_no_more_than_a_buffer_is_held() -> None:
    asked = 0

    def endless() -> object:
        nonlocal asked
        while True:
            asked += 1
            yield lacking(q="x")

    next(with_schemas(endless(), {}))  # type: ignore[arg-type]
    assert asked == BUFFER


def test_schemas_are_read_in_either_form(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    body = {"name": "a", "description": "A.", "parameters": {"type": "object"}}
    anthropic = {"name": "b", "input_schema": {"type": "object"}}
    path.write_text(json.dumps([{"type": "function", "function": body}, anthropic]), encoding="utf-8")
    assert list(load_schemas(path)) == ["a", "b"]
    path.write_text(json.dumps({"tools": [body]}), encoding="utf-8")
    assert load_schemas(path)["a"].description == "A."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "are no JSON"), (b"\xff\xff", "are no JSON"), (b"[" * 99_999, "are no JSON"), (b"[]", "holds no tool"),
        (b'{"a": 1}', "holds no tool"), (b'[{"name": "a"}, 1]', "item 2 of .* is no tool schema"),
        (None, "cannot be read"),
    ],
)  # fmt: skip
def test_schemas_that_are_none_are_one_line_with_its_remedy(text: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(InputError, match=said) as caught:
        load_schemas(path)
    assert "a JSON list of" in caught.value.remedy


def test_calls_without_results_are_learned_from_too() -> None:
    one = replace(lacking(q="x"), tools=[])
    (found,) = with_schemas([one], {})
    assert [item.name for item in found.steps[0].request.tools] == ["search"]
