"""How tools are told to a model that has no native calls, and how its JSON is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scrimp.core.messages import ToolCall, ToolSpec, canonical
from scrimp.models.schemas import strict_schema

Style = Literal["json", "signature"]

THOUGHT_LENGTH, ANSWER_LENGTH, MAX_CALLS = 200, 4000, 8
"""Characters of a thought and of an answer, and calls in one turn, at most."""

_OPENING, _TRIES = re.compile(r"[{\[]"), 50
_FENCE = re.compile(r"```(?:json|tool_call)?\s*\n?(.*?)```", re.DOTALL)
_NAME = re.compile(r'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')
_ANSWER = re.compile(r'"answer"\s*:\s*"((?:[^"\\]|\\.)*)', re.DOTALL)
_COMMON = frozenset(re.findall("[a-z]+", "a an and are as be by for from in is it of on or that the this to used with"))


@dataclass(frozen=True)
class Reading:
    """What a model's text says: a thought, and either calls or an answer.

    A call is a name and its arguments, None where they are no object.
    """

    thought: str = ""
    calls: tuple[tuple[str, Mapping[str, Any] | None], ...] = ()
    answer: Any = None


def instructions(tools: Sequence[ToolSpec], style: Style, thought: bool, schema: Mapping[str, Any] | None) -> str:
    """The part of the system message that tells of the tools and of the form of the reply."""
    lead = '"thought": "...", ' if thought else ""
    listed = "\n".join(signature(tool) if style == "signature" else dumps(tool.to_json()) for tool in tools)
    lines = [
        "You can call these tools:",
        listed,
        "",
        "Reply with one JSON object and nothing else. To call tools:",
        f'{{{lead}"calls": [{{"name": "...", "arguments": {{...}}}}]}}',
        "To give the final answer:",
        f'{{{lead}"answer": "..."}}',
    ]
    if schema is not None:
        lines.append("The answer is a value that fits this schema: " + dumps(schema))
    return "\n".join(lines)


def reply_schema(
    tools: Sequence[ToolSpec], thought: bool, parallel: bool, answer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """JSON schema of the reply: calls of these tools, or an answer (words, or what `answer` describes)."""
    calls = [
        _closed({"name": {"const": tool.name}, "arguments": strict_schema({"type": "object", **tool.parameters})})
        for tool in tools
    ]
    item = calls[0] if len(calls) == 1 else {"anyOf": calls}
    many = {"type": "array", "items": item, "minItems": 1, "maxItems": MAX_CALLS if parallel else 1}
    lead = {"thought": {"type": "string", "maxLength": THOUGHT_LENGTH}} if thought else {}
    words = {"type": "string", "maxLength": ANSWER_LENGTH} if answer is None else strict_schema(answer)
    return {"anyOf": [_closed({**lead, "calls": many}), _closed({**lead, "answer": words})]}


def signature(tool: ToolSpec) -> str:
    """A tool on one line: `convert(amount: number, to: string, date?: string) - description`.

    An argument's description stays where it says more than the names and the tool's description do.
    """
    properties = tool.parameters.get("properties") or {}
    required = tool.parameters.get("required") or ()
    told = _words(f"{tool.name} {tool.description}")
    arguments = []
    for name, schema in properties.items():
        schema = schema if isinstance(schema, Mapping) else {}
        text = " ".join(str(schema.get("description") or "").split())
        more = _words(text) - told - _words(name) - _words(_type(schema)) - _COMMON
        note = f" ({text})" if more else ""
        arguments.append(f"{name}{'' if name in required else '?'}: {_type(schema)}{note}")
    return f"{tool.name}({', '.join(arguments)}) - {' '.join(tool.description.split())}"


def written(thought: str, calls: Sequence[ToolCall], with_thought: bool) -> str:
    """The text a model wrote for these calls: its own where it was kept, else the canonical form of it."""
    raw = calls[0].raw if calls else ""
    if raw:
        own = read(raw, [call.name for call in calls])
        if own.thought == thought and own.calls == tuple((call.name, call.arguments) for call in calls):
            return raw
    listed = [{"name": call.name, "arguments": _ordered(call)} for call in calls]
    return dumps({**({"thought": thought} if thought or with_thought else {}), "calls": listed})


def _ordered(call: ToolCall) -> Any:
    """The arguments with sorted keys: a call read back from a journal has no other order."""
    return call.raw if call.arguments is None else json.loads(canonical(call.arguments))


def read(text: str, names: Sequence[str]) -> Reading:
    """What a reply says, whatever surrounds its JSON.

    Fences, a bare `{"name", "arguments"}`, a list of those and trailing text are taken; an answer or call that was
    cut off is taken as far as it came. What is none of these is an answer in words.
    """
    for candidate in _candidates(text):
        found = _interpret(candidate)
        if found is not None:
            return found
    name = _NAME.search(text)
    if name and _unescaped(name[1]) in names:
        return Reading(calls=((_unescaped(name[1]), None),))
    answer = _ANSWER.search(text) if text.lstrip().startswith(("{", "```")) else None
    return Reading(answer=_unescaped(answer[1]) if answer else text)


def dumps(value: Any) -> str:
    """JSON the way the compact grammar lets a model write it."""
    return json.dumps(value, ensure_ascii=False)


def _candidates(text: str) -> Iterator[Any]:
    """The JSON objects and arrays a reply has in it: of the whole text, then of its fenced blocks."""
    decoder = json.JSONDecoder()
    for part in (text, *_FENCE.findall(text)):
        start = _OPENING.search(part)
        for _ in range(_TRIES):
            if start is None:
                break
            try:
                value, end = decoder.raw_decode(part, start.start())
                yield value
            except ValueError:
                end = start.end()
            start = _OPENING.search(part, end)


def _interpret(value: Any) -> Reading | None:
    if isinstance(value, list):
        calls = [_call(item) for item in value]
        whole = tuple(call for call in calls if call is not None)
        return Reading(calls=whole) if whole and len(whole) == len(calls) else None
    if not isinstance(value, dict):
        return None
    thought = value.get("thought") if isinstance(value.get("thought"), str) else ""
    listed = value.get("calls", value.get("tool_calls"))
    if isinstance(listed, list) and listed:
        found = _interpret(listed)
        return Reading(thought or "", found.calls) if found else None
    if "answer" in value:
        return Reading(thought or "", answer=value["answer"])
    call = _call(value)
    return Reading(thought or "", (call,)) if call else None


def _call(value: Any) -> tuple[str, Mapping[str, Any] | None] | None:
    """A name and arguments, out of one of the forms models use."""
    if not isinstance(value, dict):
        return None
    value = value["function"] if isinstance(value.get("function"), dict) else value
    name = value.get("name")
    keys = [key for key in ("arguments", "parameters", "args") if key in value]
    if not isinstance(name, str) or not name or not keys:
        return None
    arguments = value[keys[0]]
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = None
    return name, arguments if isinstance(arguments, dict) else None


def _unescaped(text: str) -> str:
    """The string that this inside of a JSON string, cut off anywhere, stands for."""
    for end in range(len(text), max(-1, len(text) - 7), -1):
        try:
            return str(json.loads(f'"{text[:end]}"', strict=False))
        except ValueError:
            continue
    return text


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties),
            "additionalProperties": False}  # fmt: skip


def _type(schema: Mapping[str, Any]) -> str:
    """A short name of a schema's type."""
    if schema.get("enum"):
        return "|".join(dumps(item) for item in schema["enum"])
    strict = strict_schema(schema, string_length=1)
    kind = strict.get("type")
    if kind == "array":
        items = schema.get("items")
        return f"[{_type(items)}]" if isinstance(items, Mapping) and items else "[]"
    if kind == "object" and isinstance(schema.get("properties"), Mapping):
        return "{" + ", ".join(f"{name}: {_type(item)}" for name, item in schema["properties"].items()) + "}"
    return str(kind or "any")


def _words(text: str) -> set[str]:
    """Lower-case words, names taken apart at underscores and capitals, plural s taken off."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).replace("_", " ").lower()
    return {word.removesuffix("s") for word in re.findall(r"\w+", apart)}
