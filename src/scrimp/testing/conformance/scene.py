"""The scene every suite plays in: a model that does what it is asked, two tools, and a way to hang anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from scrimp.core.messages import Request, ToolCall
from scrimp.core.protocols import Vectors
from scrimp.core.tool import Tool
from scrimp.core.usage import Usage
from scrimp.models.scripted import ScriptedModel
from scrimp.testing.harness import Bench, WordEmbedder

Script = Callable[[Request], Any]
"""What the model answers to a request; without a memory of its own, so that equal requests get equal answers."""

ANSWER = "The answer is 5."
ROUNDS = 2
"""Turns with tool calls before the obliging model answers."""


class Stall:
    """Lets every act in the outside world by but the one numbered `at`, which never ends."""

    def __init__(self, at: int = 0) -> None:
        self.at, self.count = at, 0
        self.reached = anyio.Event()

    async def pass_by(self) -> None:
        """Called once at the start of each outside act."""
        self.count += 1
        if self.count == self.at:
            self.reached.set()
            await anyio.sleep_forever()


def obliging(tools: Sequence[Tool]) -> Script:
    """A model that calls tools for two turns and then answers; with a schema it writes the smallest thing that fits."""

    def answer(request: Request) -> Any:
        if request.schema is not None:
            return json.dumps(fill(request.schema, tools), ensure_ascii=False)
        turns = sum(1 for message in request.messages if message.tool_calls)
        if not request.tools or turns >= ROUNDS:
            return ANSWER
        offered = {spec.name for spec in request.tools}
        known = [tool for tool in tools if tool.name in offered]
        asked = known if turns == 0 else known[:1]
        return [ToolCall(f"call_{turns}_{place}", tool.name, arguments(tool)) for place, tool in enumerate(asked)] or (
            ANSWER
        )

    return answer


def asks_for_unknown_tools(tools: Sequence[Tool]) -> Script:
    """As `obliging`, but the first turn calls a tool that is not there."""
    willing = obliging(tools)

    def answer(request: Request) -> Any:
        if request.schema is not None:
            return json.dumps(fill(request.schema, tools, name="no_such_tool"), ensure_ascii=False)
        if request.tools and not any(message.tool_calls for message in request.messages):
            return [ToolCall("call_0", "no_such_tool", {"x": 1}), ToolCall("call_1", tools[0].name, None, "{broken")]
        return willing(request)

    return answer


def babbles(tools: Sequence[Tool]) -> Script:
    """A model that never keeps to a form."""
    return lambda request: "对不起 } I would rather { not"


def arguments(tool: Tool) -> dict[str, Any]:
    """The smallest arguments that fit a tool."""
    return {
        name: fill(schema, ())
        for name, schema in tool.parameters.get("properties", {}).items()
        if name in tool.parameters.get("required", ())
    }


def fill(schema: Mapping[str, Any], tools: Sequence[Tool], *, name: str = "", root: Any = None) -> Any:
    """The smallest value that fits a JSON schema. A call without a stated tool becomes one of the first tool.

    Args:
        name: put in the place of every tool's name.
        root: the whole schema, for `$ref`.
    """
    root = schema if root is None else root
    if "$ref" in schema:
        target = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[step]
        return fill(target, tools, name=name, root=root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return fill(schema[key][0], tools, name=name, root=root)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return _object(schema, tools, name, root)
    if kind == "array":
        return _array(schema, tools, name, root)
    number = max(2, int(schema.get("minimum", 2)))
    return {"integer": number, "number": number, "boolean": True, "null": None}.get(kind, "rain 雨")


def _object(schema: Mapping[str, Any], tools: Sequence[Tool], name: str, root: Any) -> dict[str, Any]:
    properties = schema.get("properties", {})
    if {"tool", "arguments"} <= set(properties) and "const" not in properties["tool"] and tools:
        return {"tool": name or tools[0].name, "arguments": arguments(tools[0])}
    wanted = schema.get("required", properties)
    value = {key: fill(properties.get(key, {}), tools, name=name, root=root) for key in wanted}
    return {**value, "tool": name} if name and "tool" in value else value


def _array(schema: Mapping[str, Any], tools: Sequence[Tool], name: str, root: Any) -> list[Any]:
    items = schema.get("items", {})
    calls = {"tool", "arguments"} <= set(items.get("properties", {}))
    if schema.get("maxItems") == 0 or (calls and not tools and "const" not in items["properties"]["tool"]):
        return []
    return [fill(items, tools, name=name, root=root)] * max(1, int(schema.get("minItems", 1)))


class StallingEmbedder(WordEmbedder):
    """A WordEmbedder that may hang."""

    def __init__(self, stall: Stall) -> None:
        super().__init__()
        self._stall = stall

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """One row per text, unless this is the act that hangs."""
        await self._stall.pass_by()
        return await super().embed(texts)


@dataclass
class Staged:
    """A bench on which a scene is played, and what the outside world saw of it."""

    bench: Bench
    model: ScriptedModel
    embedder: WordEmbedder
    calls: list[str]
    stall: Stall


@dataclass(frozen=True)
class Scene:
    """What a bench is made of, again and again.

    Attributes:
        script: makes the model's answers out of the tools.
        with_tools: whether there are tools.
        failing: whether the tools raise.
        options: further options of Bench; `fresh` ones are made anew for every bench.
    """

    script: Callable[[Sequence[Tool]], Script] = obliging
    with_tools: bool = True
    failing: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    fresh: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def stage(self, stall: Stall | None = None, **changes: Any) -> Staged:
        """A fresh bench."""
        stall = stall or Stall()
        calls: list[str] = []
        tools = world(stall, calls, self.failing) if self.with_tools else ()
        script = self.script(tools)

        async def answer(request: Request) -> Any:
            await stall.pass_by()
            return script(request)

        model, embedder = ScriptedModel(answer), StallingEmbedder(stall)
        made = {name: make() for name, make in self.fresh.items()}
        bench = Bench(**{"model": model, "tools": tools, "embedder": embedder, **self.options, **made, **changes})
        return Staged(bench, model, embedder, calls, stall)


def world(stall: Stall, calls: list[str], failing: bool = False) -> tuple[Tool, ...]:
    """The tools of a scene. Each call is written to `calls`, and passes by `stall`."""

    def tool(name: str, about: str, properties: dict[str, Any], give: Callable[[Mapping[str, Any]], str]) -> Tool:
        async def call(given: Mapping[str, Any]) -> str:
            calls.append(name)
            await stall.pass_by()
            if failing:
                raise RuntimeError("the service is down 服务中断")
            return give(given)

        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        return Tool(name, about, parameters, call)

    text, number = {"type": "string"}, {"type": "integer"}
    return (
        tool("find", "Find what is known about a subject.", {"query": text}, lambda given: f"rain in {given['query']}"),
        tool("add", "Add two whole numbers.", {"a": number, "b": number}, lambda given: str(given["a"] + given["b"])),
        tool("weather", "查询城市的天气预报。", {"city": text}, lambda given: f"{given['city']}: 晴"),
    )
