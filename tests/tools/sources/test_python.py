import asyncio
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from scrimp.core.errors import InputError
from scrimp.core.tool import ToolResult
from scrimp.tools.sources.python import result_text, tool


@tool
def fare(origin: str, stops: int, days: list[int] | None = None, kind: Literal["slow", "fast"] = "slow") -> float:
    """The fare of a ferry.

    Prices are in marks.

    Args:
        origin: Where the ferry
            departs.
        stops: How many stops.
        kind: Slow or fast.
    """
    if stops > 9:
        raise ValueError("no ferry stops so often")
    return len(origin) + stops + sum(days or [])


def test_schema_comes_from_hints_and_docstring():
    assert fare.name == "fare"
    assert fare.description == "The fare of a ferry.\n\nPrices are in marks."
    assert fare.parameters["required"] == ["origin", "stops"]
    assert fare.parameters["additionalProperties"] is False
    properties = fare.parameters["properties"]
    assert properties["origin"] == {"type": "string", "description": "Where the ferry departs."}
    assert properties["stops"] == {"type": "integer", "description": "How many stops."}
    assert properties["kind"] == {
        "type": "string", "enum": ["slow", "fast"], "description": "Slow or fast.", "default": "slow",
    }  # fmt: skip
    assert properties["days"]["default"] is None
    assert "title" not in str(fare.parameters)


def test_calls_give_results_and_use_defaults():
    assert fare.call({"origin": "Ost", "stops": 2}) == ToolResult("5", value=5)
    assert fare.call({"origin": "Ost", "stops": "2", "days": [1, 1]}).value == 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"stops": 1}, "argument 'origin' is missing"),
        ({"origin": "a", "stops": "many"}, "argument 'stops': Input should be a valid integer"),
        ({"origin": "a", "stops": 1, "speed": 3}, "argument 'speed' is not known"),
        ({"origin": "a", "stops": 1, "days": [1, "x"]}, "argument 'days"),
        ({"origin": "a", "stops": 1, "kind": "new"}, "got 'new'"),
        ({"origin": "a", "stops": 10}, "no ferry stops so often"),
    ],
)
def test_what_does_not_fit_is_an_observation(arguments, says):
    result = fare.call(arguments)
    assert result.status == "error"
    assert says in result.text
    assert "\n" not in result.text


def test_long_input_is_shortened_in_the_message():
    assert len(fare.call({"origin": "a", "stops": "x" * 5000}).text) < 250


def test_options_are_kept():
    made = tool(name="quick", price="0.0021", latency=0.5, pure=True, timeout=3, inline=True)(lambda: "done")
    assert (made.name, made.price, made.latency, made.pure) == ("quick", Decimal("0.0021"), 0.5, True)
    assert (made.timeout, made.inline, made.parameters["properties"]) == (3, True, {})
    assert made.call({}).text == "done"
    assert tool(price=None)(test_options_are_kept).price is None


def test_async_functions_are_awaited():
    @tool
    async def slow(n: int) -> list[int]:
        """Count."""
        await asyncio.sleep(0)
        if n < 0:
            raise LookupError("nothing below zero")
        return list(range(n))

    assert asyncio.run(slow.call({"n": 3})) == ToolResult("[0,1,2]", value=[0, 1, 2])
    assert asyncio.run(slow.call({"n": -1})).text == "error: nothing below zero"
    assert asyncio.run(slow.call({})).text == "error: argument 'n' is missing"


def test_results_as_text():
    @dataclass
    class Point:
        x: int
        y: float

    assert result_text("as it is\n") == "as it is\n"
    assert result_text({"b": 1, "a": [True, None, "中文"]}) == '{"b":1,"a":[true,null,"中文"]}'
    assert result_text(0.1) == "0.1"
    assert result_text(None) == "null"
    assert result_text(Point(1, 2.5)) == '{"x":1,"y":2.5}'


def test_a_function_may_return_a_tool_result():
    @tool
    def refuse() -> ToolResult:
        """Refuse."""
        return ToolResult("not today", "error")

    assert refuse.call({}) == ToolResult("not today", "error")


def test_other_exceptions_are_not_hidden():
    @tool
    def broken() -> str:
        """Break."""
        raise RuntimeError("a fault of its own")

    with pytest.raises(RuntimeError):
        broken.call({})


def test_models_annotations_and_awkward_names():
    class Place(BaseModel):
        town: str
        zip: int = 0

    @tool
    def send(place: Place, copy: bool, schema: Annotated[float, Field(description="Own words.", gt=0)], any_: Any = 1):
        """Send."""
        return f"{type(place).__name__} {place.town} {copy} {schema} {any_}"

    assert send.call({"place": {"town": "Ost"}, "copy": False, "schema": 2}).text == "Place Ost False 2.0 1"
    assert send.call({"place": {"town": "Ost"}, "copy": False, "schema": -2}).status == "error"
    assert send.parameters["properties"]["schema"]["description"] == "Own words."
    assert "argument 'place.town' is missing" in send.call({"place": {}, "copy": True, "schema": 1}).text


def test_functions_that_make_no_tool_are_refused():
    def many(*args: int) -> int:
        return sum(args)

    def strange(thing: "Nowhere") -> None:  # noqa: F821
        return None

    with pytest.raises(InputError, match="'args' cannot be filled by name"):
        tool(many)
    with pytest.raises(InputError, match="cannot be read"):
        tool(strange)
    with pytest.raises(InputError, match="cannot be the name"):
        tool(name="two words")(test_results_as_text)
    with pytest.raises(InputError, match="cannot be the name"):
        tool(lambda: 1)
    for price in ("cheap", "-1", "NaN"):
        with pytest.raises(InputError, match="price"):
            tool(price=price)(test_results_as_text)


def test_an_inline_call_is_cheap():
    arguments = {"origin": "Ost", "stops": 2}
    best = min(_seconds(arguments) for _ in range(5))
    assert best < 30e-6


def _seconds(arguments: dict[str, Any]) -> float:
    start = time.perf_counter()
    for _ in range(1000):
        fare.call(arguments)
    return (time.perf_counter() - start) / 1000
