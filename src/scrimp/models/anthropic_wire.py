"""The Anthropic Messages format, outward: a Request as the JSON body of a call.

Cache marks (`cache_control`) stand at most at four places: the last tool, the last system block, the last block of the
conversation, and the last block that the call before this one ended with. The fourth finds what the call before
wrote however many blocks came since, where the provider alone would look back over 20.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scrimp.core.errors import InputError
from scrimp.core.messages import Audio, Image, Message, Request, Text, ToolCall, ToolSpec
from scrimp.core.protocols import Capabilities
from scrimp.models.effort import anthropic_fields, thinks_by_budget
from scrimp.models.openai_wire import DEFAULT_OUTPUT, stated
from scrimp.models.turns import Turns

EMPTY = "(empty)"
"""Stands for a message without words, which the API refuses."""

LIFETIMES = ("5m", "1h")

_SAMPLING = re.compile(r"claude-(3|instant|2|opus-4(-[0156])?(-20\d{6})?$|sonnet-4|haiku-4)")
"""Models that take a temperature; later ones refuse it."""

_UNTYPED = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "maxItems", "uniqueItems", "minProperties", "maxProperties", "default", "title", "examples", "$schema",
})  # fmt: skip


@dataclass(frozen=True)
class AnthropicDialect:
    """How a body is made.

    Attributes:
        model: as the server knows it; `name` is what users call it.
        lifetime: how long the provider keeps what is cached (`5m`, `1h`); empty to mark nothing.
        default_output: output cap where the request has none.
        extra: further fields of every body.
    """

    model: str
    name: str = ""
    lifetime: str = "5m"
    default_output: int = DEFAULT_OUTPUT
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sampling(self) -> bool:
        """Whether the model takes a temperature."""
        return bool(_SAMPLING.search(self.model))


def body(request: Request, dialect: AnthropicDialect, capabilities: Capabilities, turns: Turns) -> dict[str, Any]:
    """The JSON body of `POST /v1/messages`, streamed.

    Args:
        turns: what the model said before, as it said it; thinking goes back with the tool calls it led to.

    Raises:
        InputError: the request holds sound, or asks for an effort the model does not have.
    """
    schema = None if request.schema is None or capabilities.schema == "none" else plain_schema(request.schema)
    if request.schema is not None and schema is None:
        request = stated(request, Capabilities(schema="none"))
    limit = dialect.default_output if request.max_output is None else request.max_output
    system, messages = wire_messages(request.messages, turns)
    out: dict[str, Any] = {"model": dialect.model, "max_tokens": max(limit, 1), "messages": messages, "stream": True}
    if system:
        out["system"] = system
    if request.tools:
        out["tools"] = [wire_tool(tool) for tool in request.tools]
        if not request.parallel_calls:
            out["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    effort = anthropic_fields(dialect.name or f"anthropic:{dialect.model}", request.effort, limit)
    if thinks_by_budget(effort) and _thought_is_missing(messages):
        effort = {}
    out.update(effort)
    if schema is not None:
        out["output_config"] = {**out.get("output_config", {}), "format": {"type": "json_schema", "schema": schema}}
    if dialect.sampling and not thinks_by_budget(effort):
        out["temperature"] = min(max(request.temperature, 0.0), 1.0)
    if request.stop:
        out["stop_sequences"] = list(request.stop)
    if dialect.lifetime:
        mark(out, dialect.lifetime)
    return {**out, **dialect.extra}


# -- messages ----------------------------------------------------------------------------------------


def wire_messages(messages: Sequence[Message], turns: Turns) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """System blocks, and turns that alternate: neighbours of one role are joined, as the API wants results joined.

    System messages after the first other one are sent as the user's.
    """
    leading = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    system = [block for message in messages[:leading] for block in _parts(message) or []]
    out: list[dict[str, Any]] = []
    for message in messages[leading:]:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message, turns) or [{"type": "text", "text": EMPTY}]
        if out and out[-1]["role"] == role:
            out[-1]["content"] += blocks
        else:
            out.append({"role": role, "content": blocks})
    return system, out or [{"role": "user", "content": [{"type": "text", "text": EMPTY}]}]


def _blocks(message: Message, turns: Turns) -> list[dict[str, Any]]:
    if message.role == "tool":
        content = _parts(message)
        only_text = len(content) == 1 and content[0]["type"] == "text"
        result = content[0]["text"] if only_text else content
        return [{"type": "tool_result", "tool_use_id": wire_id(message.tool_call_id), "content": result or EMPTY}]
    if message.role == "assistant":
        said = turns.said(message)
        return said if said is not None else [*_parts(message), *map(wire_call, message.tool_calls)]
    return _parts(message)


def _parts(message: Message) -> list[dict[str, Any]]:
    return [block for part in message.parts if (block := _part(part)) is not None]


def _part(part: Text | Image | Audio) -> dict[str, Any] | None:
    if isinstance(part, Audio):
        raise InputError("Anthropic models take no sound", remedy="transcribe it first, or use another model")
    if isinstance(part, Image):
        if part.url:
            return {"type": "image", "source": {"type": "url", "url": part.url}}
        return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": part.data}}
    return {"type": "text", "text": part.text} if part.text.strip() else None


def wire_call(call: ToolCall) -> dict[str, Any]:
    """A call the model made; what was no JSON object is sent as the one argument `raw`."""
    arguments = {"raw": call.raw} if call.arguments is None else dict(call.arguments)
    return {"type": "tool_use", "id": wire_id(call.id), "name": call.name, "input": arguments}


def wire_id(call_id: str) -> str:
    """An identifier in the letters the API takes."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", call_id) or "call"


def wire_tool(tool: ToolSpec) -> dict[str, Any]:
    """A tool as the API wants it described."""
    return {"name": tool.name, "description": tool.description, "input_schema": {"type": "object", **tool.parameters}}


def _thought_is_missing(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the turn under way began without the thinking the API would want back: it then may not think."""
    for message in reversed(messages):
        if message["role"] == "assistant":
            kinds = [block["type"] for block in message["content"]]
            return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")
    return False


# -- schemas -----------------------------------------------------------------------------------------


def plain_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema in the form the API can hold an answer to; None where it cannot.

    Limits on numbers, lengths and patterns are dropped (whoever wants them checks the answer), objects are closed.
    What refers to itself, and objects with free keys, cannot be held to.
    """
    try:
        return _plain(schema, 0)
    except RecursionError:
        return None
    except ValueError:
        return None


def _plain(schema: Any, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth > 40 or "$ref" in schema:
        raise ValueError("beyond what the API holds to")
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            out[key] = {name: _plain(item, depth + 1) for name, item in value.items()}
        elif key == "items":
            out[key] = _plain(value, depth + 1)
        elif key in ("anyOf", "oneOf", "allOf"):
            out["anyOf" if key == "oneOf" else key] = [_plain(item, depth + 1) for item in value]
        elif key == "minItems":
            out[key] = min(int(value), 1)
        elif key not in _UNTYPED and key not in ("$defs", "definitions", "additionalProperties"):
            out[key] = value
    if out.get("type") == "object" or "properties" in out:
        if "properties" not in out or schema.get("additionalProperties") not in (None, False):
            raise ValueError("an object with free keys")
        out["additionalProperties"] = False
    return out


# -- cache marks -------------------------------------------------------------------------------------


def mark(out: dict[str, Any], lifetime: str) -> None:
    """Put the cache marks into a body."""
    control = {"type": "ephemeral"} if lifetime == "5m" else {"type": "ephemeral", "ttl": lifetime}
    for blocks in (out.get("tools"), out.get("system")):
        if blocks:
            blocks[-1] = {**blocks[-1], "cache_control": control}
    messages = out["messages"]
    last_said = next((at for at in range(len(messages) - 1, -1, -1) if messages[at]["role"] == "assistant"), 0)
    for at in {last_said - 1, len(messages) - 1}:
        if at >= 0:
            blocks = messages[at]["content"]
            markable = [index for index, block in enumerate(blocks) if "thinking" not in block["type"]]
            if markable:
                blocks[markable[-1]] = {**blocks[markable[-1]], "cache_control": control}
