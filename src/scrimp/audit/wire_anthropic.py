"""Anthropic-form messages and usage as core values. Untrusted input: what has another form is skipped or None.

A user message there may hold tool results beside words: it becomes one `tool` message for each result, and one of the
user's for the rest, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.audit.wire_openai import as_dict, image, number, size_of
from scrimp.core.messages import Finish, Image, Message, Part, Text, ToolCall
from scrimp.core.usage import Usage

FINISH: Mapping[str, Finish] = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length",
                                "tool_use": "tool_calls", "refusal": "error"}  # fmt: skip


def messages(data: Any) -> Iterator[tuple[Message, Mapping[str, Any]]]:
    """The messages that one of Anthropic's stands for, each with the block it is from (empty but for tool results)."""
    if not isinstance(data, Mapping) or data.get("role") not in ("user", "assistant", "system"):
        return
    content = data.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list):
        return
    if data["role"] == "assistant":
        yield answer(blocks)[0], {}
        return
    rest: list[Part] = []
    for block in blocks:
        if isinstance(block, Mapping) and block.get("type") == "tool_result":
            if rest:
                yield Message(data["role"], tuple(rest)), {}
                rest = []
            yield Message("tool", tuple(_parts(block.get("content"))), (), str(block.get("tool_use_id") or "")), block
        else:
            rest += _parts([block])
    if rest:
        yield Message(data["role"], tuple(rest)), {}


def answer(blocks: Any) -> tuple[Message, str]:
    """What a model wrote, and what it thought aloud."""
    parts: list[Part] = []
    calls: list[ToolCall] = []
    thoughts: list[str] = []
    for block in blocks if isinstance(blocks, list) else ():
        kind = block.get("type") if isinstance(block, Mapping) else None
        if kind in ("tool_use", "server_tool_use"):
            given = as_dict(block.get("input"))
            calls.append(ToolCall(str(block.get("id") or ""), str(block.get("name") or ""), given))
        elif kind == "thinking":
            thoughts.append(str(block.get("thinking") or ""))
        else:
            parts += _parts([block])
    return Message("assistant", tuple(parts), tuple(calls)), "\n".join(thoughts)


def system(value: Any) -> Message | None:
    """The system prompt; None where there is none."""
    parts = tuple(_parts([{"type": "text", "text": value}] if isinstance(value, str) else value))
    return Message("system", parts) if parts else None


def usage(data: Any) -> Usage | None:
    """Usage of a message, whose input tokens do not include the cache's; None where there is none."""
    sent, written = number(data, "input_tokens"), number(data, "output_tokens")
    if sent is None and written is None:
        return None
    wrote, read = number(data, "cache_creation_input_tokens"), number(data, "cache_read_input_tokens")
    return Usage(sent or 0, read or 0, wrote or 0, written or 0)


def _parts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    found: list[Part] = []
    for block in content if isinstance(content, list) else ():
        if isinstance(block, str):
            found.append(Text(block))
        elif isinstance(block, Mapping) and block.get("type") == "image":
            found.append(_picture(block.get("source")))
        elif isinstance(block, Mapping) and isinstance(block.get("text"), str) and block["text"]:
            found.append(Text(block["text"]))
    return found


def _picture(source: Any) -> Image:
    if not isinstance(source, Mapping):
        return Image()
    data = str(source.get("data") or "")
    if not data:
        return image(str(source.get("url") or ""))
    width, height = size_of(data[:4096])
    return Image(data=data, media_type=str(source.get("media_type") or "image/png"), width=width, height=height)
