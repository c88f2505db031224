"""The OpenAI chat format, inward: a stream of events as Deltas, counts as Usage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from scrimp.core.errors import ModelFailed
from scrimp.core.messages import Delta, Finish, TokenLogprob, ToolCall
from scrimp.core.money import plain
from scrimp.core.usage import Usage

MAX_EVENT = 16 * 2**20
"""Bytes one line of a stream may have."""

RETRYABLE = frozenset({408, 409, 429})
"""Statuses after which the same request may succeed, beside 500 and above."""

_FINISH: dict[str, Finish] = {
    "stop": "stop", "length": "length", "tool_calls": "tool_calls", "function_call": "tool_calls",
    "content_filter": "error", "error": "error",
}  # fmt: skip


class EventParser:
    """Server-sent events from chunks of bytes cut anywhere, also inside a character.

    Lines end at a line feed only: the separators that Unicode knows beside it occur inside JSON strings.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[str]:
        """The data of every event that this chunk ends.

        Raises:
            ModelFailed: the bytes are no UTF-8, or one line has no end.
        """
        self._buffer += chunk
        if b"\n" not in chunk:
            if len(self._buffer) > MAX_EVENT:
                raise ModelFailed(f"the server sent an event of more than {MAX_EVENT} bytes")
            return []
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        return [data for line in lines for data in self._line(line)]

    def end(self) -> list[str]:
        """What an unfinished last event holds."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return [*self._line(rest), *self._line(b"")]

    def _line(self, raw: bytes) -> Iterator[str]:
        try:
            line = raw.rstrip(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelFailed("the server's stream is no UTF-8 text") from error
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif not line and self._data:
            yield "\n".join(self._data)
            self._data = []


@dataclass
class _Fragment:
    """A tool call that is still being written."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""

    def call(self, number: int) -> ToolCall:
        return make_call(self.id or f"call_{number}", self.name, self.arguments)


def make_call(call_id: str, name: str, arguments: str) -> ToolCall:
    """A call from its JSON text; no text means no arguments, and what is no object is kept as it was written."""
    try:
        value = json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        value = None
    return ToolCall(call_id, name, value) if isinstance(value, dict) else ToolCall(call_id, name, None, arguments)


class Assembler:
    """Turns the objects of one stream into Deltas: words at once, tool calls when whole, usage last."""

    def __init__(self, images: int = 0) -> None:
        self.images = images
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self.cost = ""
        self._open: _Fragment | None = None
        self._calls = 0

    def add(self, data: Mapping[str, Any]) -> Iterator[Delta]:
        """What one object adds.

        Raises:
            ModelFailed: the object has not the form of a chunk.
        """
        stated = self._account(data)
        choices = data.get("choices") or ()
        if not isinstance(choices, Sequence) or not all(isinstance(choice, Mapping) for choice in choices):
            raise ModelFailed("the server sent an event whose choices are no list of objects")
        for choice in choices[:1]:
            for delta in self._choice(choice):
                if not stated:
                    self.usage = None  # what was stated before this came is not final
                yield delta

    def last(self) -> Delta:
        """The final Delta: open calls, finish and usage."""
        calls = self._close()
        finish = self.finish or "stop"
        if self._calls and finish == "stop":
            finish = "tool_calls"
        return Delta(tool_calls=calls, finish=finish, usage=self.usage, reported_cost=self.cost)

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Delta]:
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, Mapping):
            raise ModelFailed("the server sent an event whose delta is no object")
        calls: list[ToolCall] = []
        unseen = _size(delta.get("reasoning_content") or delta.get("reasoning"))
        for fragment in delta.get("tool_calls") or ():
            calls += self._fragment(fragment)
            unseen += _size(_map(fragment.get("function")).get("arguments"))
        reason = choice.get("finish_reason")
        if reason:
            self.finish = _FINISH.get(str(reason), "stop")
            calls += self._close()
        text, logprobs = _words(delta.get("content")), _logprobs(choice.get("logprobs"))
        if text or calls or logprobs or unseen:
            yield Delta(text=text, tool_calls=tuple(calls), logprobs=logprobs, unseen=unseen)

    def _fragment(self, data: Any) -> tuple[ToolCall, ...]:
        if not isinstance(data, Mapping):
            raise ModelFailed("the server sent a tool call that is no object")
        index, call_id = data.get("index", 0), str(data.get("id") or "")
        done: tuple[ToolCall, ...] = ()
        # Some servers number every call 0 and tell them apart by id only.
        if self._open and (index != self._open.index or (call_id and self._open.id and call_id != self._open.id)):
            done = self._close()
        if self._open is None:
            self._open = _Fragment(index)
        function = _map(data.get("function"))
        arguments = function.get("arguments") or ""
        self._open.id = self._open.id or call_id
        self._open.name += str(function.get("name") or "")
        self._open.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        return done

    def _close(self) -> tuple[ToolCall, ...]:
        if self._open is None:
            return ()
        self._calls += 1
        call, self._open = self._open.call(self._calls), None
        return (call,)

    def _account(self, data: Mapping[str, Any]) -> bool:
        """Take the counts that an object states; whether it states any."""
        usage, timings = data.get("usage"), data.get("timings")
        if isinstance(usage, Mapping) or isinstance(timings, Mapping):
            usage = _map(usage)
            self.usage = normalise(usage, _map(timings), self.images)
            self.cost = _cost(usage.get("cost")) or self.cost
            return True
        return False


def normalise(usage: Mapping[str, Any], timings: Mapping[str, Any], images: int = 0) -> Usage:
    """A provider's counts in our terms: fresh input apart from cached, output with reasoning inside.

    Where a total says more than prompt and completion together, the rest is reasoning that the provider counts
    beside the completion. llama.cpp's `timings` stand in where a server names no cached tokens.
    """
    details = _map(usage.get("prompt_tokens_details"))
    prompt, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    cached = details.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    if cached is None and timings:
        cached = _count(timings.get("cache_n"))
        prompt = prompt or cached + _count(timings.get("prompt_n"))
        output = output or _count(timings.get("predicted_n"))
    written = _count(details.get("cache_write_tokens", details.get("cache_creation_tokens")))
    reasoning = _count(_map(usage.get("completion_tokens_details")).get("reasoning_tokens"))
    output = max(output, _count(usage.get("total_tokens")) - prompt)
    cached = min(_count(cached), prompt)
    written = min(written, prompt - cached)
    return Usage(prompt - cached - written, cached, written, output, min(reasoning, output), images)


def stream_error(error: Any) -> ModelFailed:
    """The failure that an error object inside a stream or body tells of."""
    error = error if isinstance(error, Mapping) else {"message": error}
    code = error.get("code", error.get("status"))
    status = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdigit()) else None
    kind = str(error.get("type") or error.get("code") or "")
    retryable = status in RETRYABLE or (status or 0) >= 500 or "overloaded" in kind or "server_error" in kind
    return ModelFailed(str(error.get("message") or error), status=status, retryable=retryable)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and value > 0 else 0


def _size(text: Any) -> int:
    """UTF-8 bytes of words that are in no field of a Delta."""
    return len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0


def _cost(value: Any) -> str:
    """Dollars as a decimal string; empty where the provider states none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return ""
    return plain(amount) if amount.is_finite() else ""


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return ""


def _logprobs(data: Any) -> tuple[TokenLogprob, ...]:
    items = data.get("content") if isinstance(data, Mapping) else None
    return tuple(
        TokenLogprob(
            str(item.get("token", "")),
            _number(item.get("logprob")),
            tuple((str(top.get("token", "")), _number(top.get("logprob"))) for top in item.get("top_logprobs") or ()),
        )
        for item in items or ()
        if isinstance(item, Mapping)
    )
