"""Anthropic messages, seen from the server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.testing.billing.cache import BREAKPOINTS
from scrimp.testing.billing.formats import Ask, Refused, Stated, data_event
from scrimp.testing.billing.tokens import (
    IMAGE,
    PER_CALL,
    PER_MESSAGE,
    PER_REQUEST,
    PER_TOOL,
    TOOL_PREAMBLE,
    Block,
    Piece,
    dense,
)

_REASONS = {"stop": "end_turn", "length": "max_tokens", "called": "tool_use"}
_BLOCKS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
}
_ERRORS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
           413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error"}  # fmt: skip
_LIFETIMES = {"5m": 300, "1h": 3600}


def ask(body: Mapping[str, Any], headers: Mapping[str, str]) -> Ask:
    """A request body, read, in the order of the cache: tools, system, messages.

    Raises:
        Refused: where the provider refuses as well: no `anthropic-version`, no `max_tokens`, empty text blocks,
            more than four breakpoints.
    """
    if "anthropic-version" not in headers:
        raise Refused("anthropic-version: header is required")
    cap = body.get("max_tokens")
    if not isinstance(cap, int) or cap < 1:
        raise Refused("max_tokens: field required")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("messages: at least one message is required")
    blocks: list[Block] = []
    for number, tool in enumerate(body.get("tools") or ()):
        plain = {key: value for key, value in tool.items() if key != "cache_control"}
        preamble = TOOL_PREAMBLE["anthropic"] if number == 0 else 0
        blocks.append(Block(dense(plain).encode(), PER_TOOL + preamble, _marked(tool)))
    blocks += _content(body.get("system") or [], PER_MESSAGE)
    for message in messages:
        blocks += _content(message.get("content"), PER_MESSAGE)
    last = blocks[-1]
    if isinstance(body.get("cache_control"), dict):  # automatic: the last block of the request
        blocks[-1] = Block(last.data, last.added, last.marked or _marked(body))
    if sum(block.marked > 0 for block in blocks) > BREAKPOINTS:
        raise Refused(f"a maximum of {BREAKPOINTS} blocks with cache_control may be provided")
    schema = ((body.get("output_config") or {}).get("format") or body.get("output_format") or {}).get("schema")
    blocks.append(Block(dense(schema).encode() if schema else b"", PER_REQUEST))
    return Ask(str(body.get("model", "")), blocks, cap, bool(body.get("stream")), True, last.data)


def _content(content: Any, added: int) -> Iterator[Block]:
    """A string or a list of blocks; the first of them carries the tokens around the message."""
    items = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(items, list):
        raise Refused("messages: content must be a string or a list of blocks")
    for item in items:
        kind = item.get("type")
        if kind == "text" and not item.get("text"):
            raise Refused("messages: text content blocks must be non-empty")
        if kind == "tool_result":
            yield from _result(item, added)
        elif kind == "tool_use":
            yield Block((item["name"] + dense(item["input"])).encode(), added + PER_CALL, _marked(item))
        elif kind == "image":
            yield Block(dense(item["source"]).encode()[:0], added + IMAGE, _marked(item))
        else:
            text = str(item.get("text") or item.get("thinking") or "")
            yield Block(text.encode("utf-8", "surrogatepass"), added, _marked(item))
        added = 0


def _result(item: Mapping[str, Any], added: int) -> Iterator[Block]:
    """What a tool gave: one block, whatever is in it."""
    content = item.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = "".join(str(part.get("text", "")) for part in parts)
    images = sum(part.get("type") == "image" for part in parts)
    yield Block(text.encode("utf-8", "surrogatepass"), added + PER_CALL + IMAGE * images, _marked(item))


def _marked(item: Mapping[str, Any]) -> int:
    control = item.get("cache_control")
    if not control:
        return 0
    lifetime = _LIFETIMES.get(str(control.get("ttl", "5m")), 0)
    if control.get("type") != "ephemeral" or not lifetime:
        raise Refused("cache_control: type must be ephemeral, ttl 5m or 1h")
    return lifetime


class AnthropicFormat:
    """Events of one message."""

    name = "anthropic"

    def __init__(self, request: str, model: str) -> None:
        self._message: dict[str, Any] = {
            "id": f"msg_{request}", "type": "message", "role": "assistant", "model": model, "content": [],
            "stop_reason": None, "stop_sequence": None,
        }  # fmt: skip
        self._open = ""
        self._index = -1

    def opening(self, usage: Stated) -> list[bytes]:
        message = {**self._message, "usage": {**_usage(usage), "output_tokens": 1 if usage.fresh else 0}}
        return [self._event("message_start", message=message), self._event("ping")]

    def piece(self, piece: Piece, usage: Stated | None) -> list[bytes]:
        kind = "call" if piece.kind == "arguments" else piece.kind
        out: list[bytes] = []
        if self._open != kind or piece.kind == "call":
            out += self._stop()
            self._index, self._open = self._index + 1, kind
            block = {"type": "tool_use", "id": "toolu_1", "name": piece.text, "input": {}}
            out.append(self._event("content_block_start", index=self._index, content_block=_BLOCKS.get(kind, block)))
        delta = {"text": {"type": "text_delta", "text": piece.text},
                 "reasoning": {"type": "thinking_delta", "thinking": piece.text},
                 "arguments": {"type": "input_json_delta", "partial_json": piece.text},
                 "call": {"type": "input_json_delta", "partial_json": ""}}[piece.kind]  # fmt: skip
        out.append(self._event("content_block_delta", index=self._index, delta=delta))
        return out if usage is None else [*out, *self.usage(usage)]

    def usage(self, usage: Stated) -> list[bytes]:
        return [self._event("message_delta", delta={"stop_reason": None, "stop_sequence": None}, usage=_usage(usage))]

    def closing(self, reason: str) -> list[bytes]:
        return self._stop()

    def final(self, reason: str, usage: Stated | None, *, null: bool) -> list[bytes]:
        told: dict[str, Any] = {} if usage is None and not null else {"usage": None if usage is None else _usage(usage)}
        return [self._event("message_delta", delta={"stop_reason": _REASONS[reason], "stop_sequence": None}, **told)]

    def end(self) -> list[bytes]:
        return [self._event("message_stop")]

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = _ERRORS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": self._message["id"]}

    def error_event(self, status: int, message: str) -> bytes:
        return data_event(self.error(status, message), "error")

    def whole(self, pieces: list[Piece], reason: str, usage: Stated | None, *, null: bool) -> dict[str, Any]:
        thought = "".join(piece.text for piece in pieces if piece.kind == "reasoning")
        text = "".join(piece.text for piece in pieces if piece.kind == "text")
        content: list[dict[str, Any]] = []
        if thought:
            content.append({"type": "thinking", "thinking": thought, "signature": "c2ln"})
        if text:
            content.append({"type": "text", "text": text})
        for name in [piece.text for piece in pieces if piece.kind == "call"][:1]:
            content.append({"type": "tool_use", "id": "toolu_1", "name": name, "input": _arguments(pieces)})
        out = {**self._message, "content": content, "stop_reason": _REASONS[reason]}
        if usage is not None or null:
            out["usage"] = None if usage is None else _usage(usage)
        return out

    def _stop(self) -> list[bytes]:
        if not self._open:
            return []
        kind, self._open = self._open, ""
        signature = {"type": "signature_delta", "signature": "c2ln"}
        signed = [self._event("content_block_delta", index=self._index, delta=signature)] if kind == "reasoning" else []
        return [*signed, self._event("content_block_stop", index=self._index)]

    def _event(self, name: str, **fields: Any) -> bytes:
        return data_event({"type": name, **fields}, name)


def _arguments(pieces: list[Piece]) -> Any:
    text = "".join(piece.text for piece in pieces if piece.kind == "arguments")
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {}  # cut in the middle by the cap


def _usage(stated: Stated) -> dict[str, Any]:
    return {
        "input_tokens": stated.fresh,
        "cache_creation_input_tokens": stated.written + stated.written_hour,
        "cache_read_input_tokens": stated.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": stated.written, "ephemeral_1h_input_tokens": stated.written_hour,
        },
        "output_tokens": stated.output,
    }  # fmt: skip
