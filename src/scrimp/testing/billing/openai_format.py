"""OpenAI chat completions, seen from the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scrimp.testing.billing.formats import DEFAULT_CAP, Ask, Refused, Stated, data_event
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

_REASONS = {"stop": "stop", "length": "length", "called": "tool_calls"}


def ask(body: Mapping[str, Any]) -> Ask:
    """A request body, read. Tools come before messages, as a cache sees them.

    Raises:
        Refused: it has no messages, or its fields have wrong types.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise Refused("'messages' must be a list of objects")
    blocks: list[Block] = []
    for number, tool in enumerate(body.get("tools") or ()):
        preamble = TOOL_PREAMBLE["openai"] if number == 0 else 0
        blocks.append(Block(dense(tool["function"]).encode(), PER_TOOL + preamble))
    blocks += [_message(message) for message in messages]
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    blocks.append(Block(dense(schema).encode() if schema else b"", PER_REQUEST))
    cap = body.get("max_completion_tokens", body.get("max_tokens", DEFAULT_CAP))
    if not isinstance(cap, int) or cap < 1:
        raise Refused("the output cap must be a positive integer")
    options = body.get("stream_options") or {}
    stream = bool(body.get("stream"))
    wanted = not stream or bool(options.get("include_usage"))
    return Ask(str(body.get("model", "")), blocks, cap, stream, wanted, _message(messages[-1]).data)


def _message(message: Mapping[str, Any]) -> Block:
    """One message: its words, its pictures, its tool calls."""
    content, added, text = message.get("content"), PER_MESSAGE, ""
    if isinstance(content, str):
        text = content
    for part in content if isinstance(content, list) else ():
        text += str(part.get("text", ""))
        added += 0 if part.get("type") == "text" else IMAGE
    for call in message.get("tool_calls") or ():
        text += call["function"]["name"] + call["function"]["arguments"]
        added += PER_CALL
    return Block((str(message.get("tool_call_id", "")) + text).encode("utf-8", "surrogatepass"), added)


class OpenAIFormat:
    """Chunks of one chat completion."""

    name = "openai"

    def __init__(self, request: str, model: str) -> None:
        self._base = {"id": f"chatcmpl-{request}", "object": "chat.completion.chunk", "created": 1_750_000_000,
                      "model": model, "system_fingerprint": "fp_bill"}  # fmt: skip

    def opening(self, usage: Stated) -> list[bytes]:
        return [self._chunk({"role": "assistant", "content": "", "refusal": None})]

    def piece(self, piece: Piece, usage: Stated | None) -> list[bytes]:
        return [self._chunk(_delta(piece), usage=usage)]

    def usage(self, usage: Stated) -> list[bytes]:
        return [data_event({**self._base, "choices": [], "usage": _usage(usage)})]

    def closing(self, reason: str) -> list[bytes]:
        return [self._chunk({}, reason=_REASONS[reason])]

    def final(self, reason: str, usage: Stated | None, *, null: bool) -> list[bytes]:
        if usage is None and not null:
            return []
        return [data_event({**self._base, "choices": [], "usage": None if usage is None else _usage(usage)})]

    def end(self) -> list[bytes]:
        return [b"data: [DONE]\n\n"]

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = {400: "invalid_request_error", 401: "invalid_request_error", 429: "rate_limit_error"}
        return {"error": {"message": message, "type": kind.get(status, "server_error"), "param": None, "code": None}}

    def error_event(self, status: int, message: str) -> bytes:
        return data_event({"error": {"message": message, "code": status, "type": "server_error"}})

    def whole(self, pieces: list[Piece], reason: str, usage: Stated | None, *, null: bool) -> dict[str, Any]:
        text = "".join(piece.text for piece in pieces if piece.kind == "text")
        message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None}
        names = [piece.text for piece in pieces if piece.kind == "call"]
        if names:
            arguments = "".join(piece.text for piece in pieces if piece.kind == "arguments")
            call = {"id": "call_1", "type": "function", "function": {"name": names[0], "arguments": arguments}}
            message["tool_calls"] = [call]
        choice = {"index": 0, "message": message, "finish_reason": _REASONS[reason], "logprobs": None}
        out = {**self._base, "object": "chat.completion", "choices": [choice]}
        if usage is not None or null:
            out["usage"] = None if usage is None else _usage(usage)
        return out

    def _chunk(self, delta: dict[str, Any], reason: str | None = None, usage: Stated | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return data_event({**self._base, "choices": [choice], "usage": None if usage is None else _usage(usage)})


def _delta(piece: Piece) -> dict[str, Any]:
    if piece.kind == "call":
        function = {"name": piece.text, "arguments": ""}
        return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
    if piece.kind == "arguments":
        return {"tool_calls": [{"index": 0, "function": {"arguments": piece.text}}]}
    return {"reasoning_content": piece.text} if piece.kind == "reasoning" else {"content": piece.text}


def _usage(stated: Stated) -> dict[str, Any]:
    prompt = stated.fresh + stated.cached + stated.written + stated.written_hour
    return {
        "prompt_tokens": prompt,
        "completion_tokens": stated.output,
        "total_tokens": prompt + stated.output,
        "prompt_tokens_details": {"cached_tokens": stated.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": stated.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    }  # fmt: skip
