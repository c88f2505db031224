"""What is said to a model and what it says back.

Messages are values: frozen, hashed once, written to the journal as their canonical JSON. A
Request is everything a model is sent; a Delta is a piece of its stream; a Response is the fold of
the Deltas. Images and audio are passed through untouched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from scrimp.core.usage import NO_USAGE, Usage

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls", "error", "cut"]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no white space, Unicode as it is."""
    return _ENCODER.encode(value)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, as 64 hex digits."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str

    def to_json(self) -> dict[str, Any]:
        return {"type": "text", "text": self.text}


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, by address or as base64 data; pixels where known (for counting its tokens)."""

    url: str = ""
    data: str = ""
    media_type: str = "image/png"
    width: int = 0
    height: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"type": "image", "url": self.url, "data": self.data, "media_type": self.media_type,
                "width": self.width, "height": self.height}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Audio:
    """A sound as base64 data."""

    data: str
    media_type: str = "audio/wav"
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {"type": "audio", "data": self.data, "media_type": self.media_type, "seconds": self.seconds}


Part = Text | Image | Audio
_PARTS: dict[str, type[Text] | type[Image] | type[Audio]] = {"text": Text, "image": Image, "audio": Audio}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for.

    `arguments` is None where the model wrote something that is no JSON object; `raw` is then what
    it wrote, and calling it is an observation to the agent, not an error.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    raw: str = ""

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"id": self.id, "name": self.name, "arguments": self.arguments}
        if self.raw:
            out["raw"] = self.raw
        return out


@dataclass(frozen=True)
class Message:
    """One message. `tool_call_id` says which call a `tool` message answers."""

    role: Role
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""

    @cached_property
    def text(self) -> str:
        """The words of all text parts."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Text):
            return self.parts[0].text
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical form, computed once."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"role": self.role, "parts": [part.to_json() for part in self.parts]}
        if self.tool_calls:
            out["tool_calls"] = [call.to_json() for call in self.tool_calls]
        if self.tool_call_id:
            out["tool_call_id"] = self.tool_call_id
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """The inverse of `to_json`."""
        parts = tuple(
            _PARTS[part["type"]](**{key: value for key, value in part.items() if key != "type"})
            for part in data["parts"]
        )
        calls = tuple(ToolCall(**call) for call in data.get("tool_calls", ()))
        return cls(data["role"], parts, calls, data.get("tool_call_id", ""))


def system(text: str) -> Message:
    """Instructions."""
    return Message("system", (Text(text),))


def user(*parts: str | Part) -> Message:
    """What the user says; strings become text parts."""
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def assistant(text: str = "", tool_calls: Sequence[ToolCall] = ()) -> Message:
    """What the model said."""
    return Message("assistant", (Text(text),) if text else (), tuple(tool_calls))


def observation(call: ToolCall, text: str) -> Message:
    """What a tool call gave."""
    return Message("tool", (Text(text),), tool_call_id=call.id)


@dataclass(frozen=True)
class ToolSpec:
    """What a model is told of a tool: name, description, JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    @cached_property
    def hash(self) -> str:
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}


@dataclass(frozen=True)
class Request:
    """Everything one model call is sent.

    Attributes:
        messages: append-only between the calls of one run, so that prefix caches work.
        tools: what the model may call; empty where it may only answer.
        schema: JSON schema of the answer text, None where it is free.
        max_output: most tokens the model may write, reasoning included; None takes the model's
            own default. The budget may lower it, never below `min_output`.
        prompt: `name@version` of the prompt that caused the call.
        logprobs: how many alternatives per token to report, 0 for none.
        prefix: name under which a model that can do so keeps the keys and values of this prompt on disk, and finds
            them again in later calls and processes; other models pass over it. It changes no answer.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    schema: Mapping[str, Any] | None = None
    max_output: int | None = None
    min_output: int = 16
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: int = 0
    effort: str | None = None
    prompt: str = ""
    parallel_calls: bool = True
    prefix: str = ""

    @cached_property
    def hash(self) -> str:
        """Identity of the request for resume and caches.

        The output cap takes no part: the budget may lower it, and a resumed run must still find
        its recorded answer. Nor does the prefix's name, which changes no answer.
        """
        return digest([
            [message.hash for message in self.messages],
            [tool.hash for tool in self.tools],
            self.schema, self.temperature, self.seed, self.stop, self.logprobs, self.effort,
            self.prompt, self.parallel_calls,
        ])  # fmt: skip

    def with_(self, **changes: Any) -> Request:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        out = {
            "messages": [message.to_json() for message in self.messages],
            "tools": [tool.to_json() for tool in self.tools],
            "schema": self.schema, "max_output": self.max_output, "temperature": self.temperature,
            "seed": self.seed, "stop": list(self.stop), "logprobs": self.logprobs, "effort": self.effort,
            "prompt": self.prompt, "parallel_calls": self.parallel_calls,
        }  # fmt: skip
        return {**out, "prefix": self.prefix} if self.prefix else out


def prefix_name(owner: str, *texts: str) -> str:
    """A name for `Request.prefix`: the owner and, where given, the content of a prompt, both as hashes."""
    return "-".join(digest(part)[:20] for part in ([owner, list(texts)] if texts else [owner]))


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A written token, its natural-log probability, and the best alternatives."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a stream. The last one carries `finish` and `usage`.

    Attributes:
        reported_cost: dollars as the provider states them (a decimal string), empty where it does not.
        usage: None until the provider's final usage arrives.
        replayed: what the answer had used when it was first given, where a cache repeats it at no cost.
        unseen: bytes that came and are in no other field: reasoning, a tool call that is still being written.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: Finish | None = None
    usage: Usage | None = None
    reported_cost: str = ""
    replayed: Usage | None = None
    unseen: int = 0


@dataclass(frozen=True)
class Response:
    """The fold of a stream.

    `usage` is None where the stream was cut before the provider said it. `replayed` is what the answer had used when
    it was first given, where a cache repeated it at no cost; None for an answer that was really asked for.
    """

    message: Message
    finish: Finish = "stop"
    usage: Usage | None = NO_USAGE
    logprobs: tuple[TokenLogprob, ...] = ()
    reported_cost: str = ""
    replayed: Usage | None = None

    @property
    def text(self) -> str:
        return self.message.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return self.message.tool_calls

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "message": self.message.to_json(),
            "finish": self.finish,
            "usage": None if self.usage is None else self.usage.to_json(),
        }
        if self.logprobs:
            out["logprobs"] = [[item.token, item.logprob, [list(pair) for pair in item.top]] for item in self.logprobs]
        if self.reported_cost:
            out["reported_cost"] = self.reported_cost
        if self.replayed is not None:
            out["replayed"] = self.replayed.to_json()
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Response:
        """The inverse of `to_json`."""
        logprobs = tuple(
            TokenLogprob(token, value, tuple((word, number) for word, number in top))
            for token, value, top in data.get("logprobs", ())
        )
        usage, replayed = data["usage"], data.get("replayed")
        return cls(
            Message.from_json(data["message"]),
            data["finish"],
            None if usage is None else Usage(**usage),
            logprobs,
            data.get("reported_cost", ""),
            None if replayed is None else Usage(**replayed),
        )


@dataclass
class Fold:
    """Collects Deltas into a Response; `response()` may be asked at any time, also after a cut."""

    text: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: Finish | None = None
    usage: Usage | None = None
    reported_cost: str = ""
    replayed: Usage | None = None
    unseen: int = 0

    def add(self, delta: Delta) -> None:
        if delta.text:
            self.text.append(delta.text)
        self.tool_calls.extend(delta.tool_calls)
        self.logprobs.extend(delta.logprobs)
        self.finish = delta.finish or self.finish
        self.usage = delta.usage or self.usage
        self.reported_cost = delta.reported_cost or self.reported_cost
        self.replayed = delta.replayed or self.replayed
        self.unseen += delta.unseen

    def response(self) -> Response:
        message = assistant("".join(self.text), self.tool_calls)
        return Response(
            message, self.finish or "cut", self.usage, tuple(self.logprobs), self.reported_cost, self.replayed
        )


def fold(deltas: Iterable[Delta]) -> Response:
    """The Response that a finished stream amounts to."""
    result = Fold()
    for delta in deltas:
        result.add(delta)
    return result.response()
