"""The Anthropic Messages format, inward: a stream of events as Deltas, counts as Usage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.core.errors import ModelFailed
from scrimp.core.messages import Delta, Finish, ToolCall
from scrimp.core.usage import Usage
from scrimp.models.openai_stream import make_call

RETRYABLE = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
"""Kinds of error after which the same request may succeed."""

_FINISH: dict[str, Finish] = {
    "end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "max_tokens": "length",
    "model_context_window_exceeded": "length", "tool_use": "tool_calls", "refusal": "error",
}  # fmt: skip


class AnthropicAssembler:
    """Turns the events of one stream into Deltas: words at once, tool calls when whole, usage last.

    Attributes:
        finish: why the model stopped; None until it said so.
        blocks: the turn as the model said it, thinking included.
    """

    def __init__(self, images: int = 0) -> None:
        self.images = images
        self.finish: Finish | None = None
        self.blocks: list[dict[str, Any]] = []
        self._usage: dict[str, Any] = {}
        self._final = False  # whether the counts are those of the whole answer: told after its last piece
        self._open: dict[int, dict[str, Any]] = {}
        self._written: dict[int, str] = {}

    def add(self, data: Mapping[str, Any]) -> Iterator[Delta]:
        """What one event adds; kinds of event that are not known add nothing.

        Raises:
            ModelFailed: the event has not the form of its kind.
        """
        kind = data.get("type")
        if kind == "message_start":
            self._account(_map(data.get("message")).get("usage"))
        elif kind == "content_block_start":
            yield from self._start(_index(data), _map(data.get("content_block")))
        elif kind == "content_block_delta":
            self._final = False
            yield from self._delta(_index(data), _map(data.get("delta")))
        elif kind == "content_block_stop":
            yield from self._stop(_index(data))
        elif kind == "message_delta":
            self._final = self._account(data.get("usage"))
            reason = _map(data.get("delta")).get("stop_reason")
            if reason:
                self.finish = _FINISH.get(str(reason), "stop")
        elif kind == "message":
            yield from self._whole(data)

    def last(self) -> Delta:
        """The final Delta: calls still open, finish and usage."""
        calls = [delta for index in sorted(self._open) for delta in self._stop(index)]
        usage = normalise(self._usage, self.images) if self._final else None
        return Delta(tool_calls=tuple(call for delta in calls for call in delta.tool_calls),
                     finish=self.finish or "stop", usage=usage)  # fmt: skip

    def _start(self, index: int, block: Mapping[str, Any]) -> Iterator[Delta]:
        self._open[index], self._written[index] = dict(block), ""
        if block.get("type") == "text" and block.get("text"):
            yield Delta(text=str(block["text"]))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Delta]:
        block = self._open.get(index)
        if block is None:
            raise ModelFailed("the server sent a piece of a block that it never began")
        kind = delta.get("type")
        if kind == "text_delta":
            text = str(delta.get("text") or "")
            block["text"] = str(block.get("text") or "") + text
            if text:
                yield Delta(text=text)
        elif kind == "input_json_delta":
            self._written[index] += str(delta.get("partial_json") or "")
            yield from _unseen(delta.get("partial_json"))
        elif kind == "thinking_delta":
            block["thinking"] = str(block.get("thinking") or "") + str(delta.get("thinking") or "")
            yield from _unseen(delta.get("thinking"))
        elif kind == "signature_delta":
            block["signature"] = str(block.get("signature") or "") + str(delta.get("signature") or "")

    def _stop(self, index: int) -> Iterator[Delta]:
        block = self._open.pop(index, None)
        if block is None:
            return
        self.blocks.append(block)
        if block.get("type") == "tool_use":
            call = self._call(block, self._written.pop(index))
            yield Delta(tool_calls=(call,))

    def _call(self, block: dict[str, Any], written: str) -> ToolCall:
        """The whole call; a block that came with its input in one piece has nothing written."""
        block["id"], given = str(block.get("id") or f"call_{len(self.blocks)}"), block.get("input")
        name = str(block.get("name") or "")
        if not written and isinstance(given, dict):
            return ToolCall(block["id"], name, given)
        call = make_call(block["id"], name, written)
        block["input"] = {"raw": call.raw} if call.arguments is None else dict(call.arguments)
        return call

    def _whole(self, data: Mapping[str, Any]) -> Iterator[Delta]:
        """An answer that came at once, from a server that does not stream."""
        content = data.get("content")
        if not isinstance(content, list):
            raise ModelFailed("the server answered without content")
        self._final = self._account(data.get("usage"))
        for index, block in enumerate(content):
            yield from self._start(index, _map(block))
            yield from self._stop(index)
        self.finish = _FINISH.get(str(data.get("stop_reason")), "stop")

    def _account(self, usage: Any) -> bool:
        """Later counts stand in for earlier ones; whether these say how much was written."""
        stated = {key: value for key, value in _map(usage).items() if value is not None}
        self._usage.update(stated)
        return "output_tokens" in stated


def normalise(usage: Mapping[str, Any], images: int = 0) -> Usage:
    """The provider's counts in our terms. `input_tokens` is fresh input only; thinking is part of `output_tokens`."""
    details = _map(usage.get("output_tokens_details"))
    output = _count(usage.get("output_tokens"))
    reasoning = _count(details.get("thinking_tokens", details.get("reasoning_tokens")))
    return Usage(
        _count(usage.get("input_tokens")),
        _count(usage.get("cache_read_input_tokens")),
        _count(usage.get("cache_creation_input_tokens")),
        output,
        min(reasoning, output),
        images,
    )


def event_error(error: Any) -> ModelFailed:
    """The failure that an error event tells of. It has no status: the request was taken, and may be billed."""
    error = _map(error)
    kind = str(error.get("type") or "error")
    return ModelFailed(f"{kind}: {error.get('message') or 'no word why'}", retryable=kind in RETRYABLE, begun=True)


def _unseen(text: Any) -> Iterator[Delta]:
    """Tells that something came which no field of a Delta shows yet."""
    if text:
        yield Delta(unseen=len(str(text).encode("utf-8", "surrogatepass")))


def _index(data: Mapping[str, Any]) -> int:
    index = data.get("index")
    if not isinstance(index, int):
        raise ModelFailed("the server sent a block without its number")
    return index


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0
