"""The OpenAI chat format, outward: a Request as the JSON body of a call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scrimp.core.messages import Audio, Image, Message, Part, Request, Text, ToolCall
from scrimp.core.protocols import Capabilities
from scrimp.models.schemas import conforms_strictly, strict_schema

DEFAULT_OUTPUT = 1024
"""Output tokens asked for where a request sets no cap."""

COMPACT = {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
"""Leaves a grammar one way to write white space, the one of Python's `json.dumps`."""

_REASONING = re.compile(r"^(o\d|gpt-[5-9])(?!.*chat)")


@dataclass(frozen=True)
class Dialect:
    """How one server wants its body.

    Attributes:
        model: name of the model as the server knows it.
        hosted: it is OpenAI's own service: `max_completion_tokens`, and reasoning models take no temperature.
        default_output: output cap where the request has none.
        extra: further fields of every body.
    """

    model: str
    hosted: bool = False
    default_output: int = DEFAULT_OUTPUT
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reasoning(self) -> bool:
        """Whether the model is one of OpenAI's that fix their temperature."""
        return self.hosted and bool(_REASONING.match(self.model))


def body(request: Request, dialect: Dialect, capabilities: Capabilities) -> dict[str, Any]:
    """The JSON body of `POST /chat/completions`, streamed, with usage at the end."""
    out: dict[str, Any] = {
        "model": dialect.model,
        "messages": [wire_message(message) for message in stated(request, capabilities).messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    limit = dialect.default_output if request.max_output is None else request.max_output
    out["max_completion_tokens" if dialect.hosted else "max_tokens"] = limit
    if not dialect.reasoning:
        out["temperature"] = request.temperature
    if request.seed is not None:
        out["seed"] = request.seed
    if request.stop:
        out["stop"] = list(request.stop)
    if request.effort:
        out["reasoning_effort"] = request.effort
    if request.logprobs:
        out["logprobs"], out["top_logprobs"] = True, request.logprobs
    if request.tools:
        out["tools"] = [{"type": "function", "function": tool.to_json()} for tool in request.tools]
        if not request.parallel_calls:
            out["parallel_tool_calls"] = False
    if request.schema is not None:
        out.update(_schema_fields(request.schema, capabilities))
    return {**out, **dialect.extra}


def stated(request: Request, capabilities: Capabilities) -> Request:
    """The request as the model reads it: a schema nothing enforces is stated in the last message."""
    if request.schema is None or capabilities.schema != "none" or not request.messages:
        return request
    text = "Answer with one JSON value that fits this schema, and nothing else:\n"
    *before, last = request.messages
    told = Message(last.role, (*last.parts, Text(text + json.dumps(request.schema, ensure_ascii=False))),
                   last.tool_calls, last.tool_call_id)  # fmt: skip
    return request.with_(messages=(*before, told))


def _schema_fields(schema: Mapping[str, Any], capabilities: Capabilities) -> dict[str, Any]:
    if capabilities.schema == "grammar":
        return {"grammar": grammar(schema)}
    if capabilities.schema == "response_format":
        named = {"name": "answer", "schema": dict(schema), "strict": conforms_strictly(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {}


def grammar(schema: Mapping[str, Any]) -> str:
    """A schema as a compact llguidance grammar: one way to write white space, nothing without a limit."""
    limited = {**strict_schema(schema), **COMPACT}
    return "%llguidance {}\nstart: %json " + json.dumps(limited, ensure_ascii=False)


def wire_message(message: Message) -> dict[str, Any]:
    """One message in the wire's form; words alone are sent as a string, other parts as a list."""
    out: dict[str, Any] = {"role": message.role}
    if all(isinstance(part, Text) for part in message.parts):
        out["content"] = message.text if message.parts or not message.tool_calls else None
    else:
        out["content"] = [_wire_part(part) for part in message.parts]
    if message.tool_calls:
        out["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": wire_arguments(call)}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        out["tool_call_id"] = message.tool_call_id
    return out


def wire_arguments(call: ToolCall) -> str:
    """The arguments as JSON text; what the model wrote where that is no object."""
    return call.raw if call.arguments is None else json.dumps(call.arguments, ensure_ascii=False)


def _wire_part(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": part.url or f"data:{part.media_type};base64,{part.data}"}}
    if isinstance(part, Audio):
        kind = part.media_type.partition("/")[2].removeprefix("x-")
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": {"mpeg": "mp3"}.get(kind, kind)}}
    return {"type": "text", "text": part.text}
