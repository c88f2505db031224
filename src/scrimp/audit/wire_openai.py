"""OpenAI-form messages, tools and usage as core values. Untrusted input: what has another form is skipped or None."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from scrimp.core.messages import Audio, Image, Message, Part, Role, Text, ToolCall, ToolSpec
from scrimp.core.usage import Usage

ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "ai": "assistant", "model": "assistant", "tool": "tool", "function": "tool",
}  # fmt: skip
LARGEST = 10**15
"""More than any record counts, in tokens, dollars or seconds; what is larger is no count but damage."""

MILLISECONDS = 10**11
"""A time beyond this counts milliseconds: in seconds, it would be the year 5138."""

BEGAN = ("started", "start_time", "timestamp", "created_at", "created", "time")
TOOK = (("seconds", 1), ("duration", 1), ("latency", 1), ("duration_ms", 1000), ("latency_ms", 1000))
"""Keys by which logs say when a call began, and how long it took, with how many of their units make a second."""

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"


def message(data: Any) -> Message | None:
    """One chat message; None where it is none."""
    if not isinstance(data, dict) or not isinstance(data.get("role"), str):
        return None
    role = ROLES.get(data["role"])
    if role is None:
        return None
    calls = tuple(tool_calls(data.get("tool_calls"))) if data.get("tool_calls") else ()
    if not calls and isinstance(data.get("function_call"), dict):
        calls = (_call(data["function_call"].get("name", ""), data["function_call"].get("arguments"), "function_call"),)
    answers = data.get("tool_call_id") or ("function_call" if data["role"] == "function" else "")
    return Message(role, parts(data.get("content")) or parts(data.get("refusal")), calls, str(answers))


def thoughts(data: Any) -> str:
    """What a model thought aloud beside its answer, as several servers write it; empty where nothing is told."""
    for key in ("reasoning_content", "reasoning"):
        value = data.get(key) if isinstance(data, dict) else None
        if isinstance(value, str):
            return value
    return ""


def messages(items: Any) -> list[Message]:
    """The messages of a list; what is none is left out."""
    if not isinstance(items, list):
        return []
    return [made for item in items if (made := message(item)) is not None]


def parts(content: Any) -> tuple[Part, ...]:
    """The parts of a message's content, a text or a list."""
    if isinstance(content, str):
        return (Text(content),) if content else ()
    if not isinstance(content, list):
        return ()
    return tuple(made for item in content if (made := _part(item)) is not None)


def tool_calls(items: Any) -> Iterable[ToolCall]:
    """The tool calls of an assistant message."""
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        function = item.get("function")
        if isinstance(function, dict):
            yield _call(function.get("name", ""), function.get("arguments"), item.get("id", ""))
        elif isinstance(function or item.get("name"), str):  # Inspect and others write it flat
            yield _call(function or item["name"], item.get("arguments", item.get("args")), item.get("id", ""))


def tools(items: Any) -> tuple[ToolSpec, ...]:
    """Tool schemas, in the chat form, the responses form or bare."""
    found = []
    for item in items if isinstance(items, list) else ():
        body = item.get("function", item) if isinstance(item, dict) else None
        if isinstance(body, dict) and isinstance(body.get("name"), str):
            schema = body.get("parameters") or body.get("input_schema") or {}
            found.append(
                ToolSpec(body["name"], str(body.get("description") or ""), schema if isinstance(schema, dict) else {})
            )
    return tuple(found)


def usage(data: Any) -> Usage | None:
    """Usage of a chat completion or a response, whose input includes what the cache served; None where it has none."""
    sent, written = number(data, "prompt_tokens", "input_tokens"), number(data, "completion_tokens", "output_tokens")
    if sent is None and written is None:
        return None
    sent, written = sent or 0, written or 0
    details = _mapping(data, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    cached = number(details, "cached_tokens", "cache_read") or number(data, "cached_tokens", "prompt_cache_hit_tokens")
    cached = min(cached or 0, sent)
    wrote = min(number(details, "cache_creation_tokens", "cache_write_tokens", "cache_creation") or 0, sent - cached)
    thought = number(_mapping(data, "completion_tokens_details", "output_tokens_details", "output_token_details"),
                     "reasoning_tokens", "reasoning") or 0  # fmt: skip
    return Usage(sent - cached - wrote, cached, wrote, written, min(thought, written))


def number(data: Any, *keys: str) -> int | None:
    """The first of these keys that holds a count."""
    for key in keys:
        value = quantity(data.get(key)) if isinstance(data, dict) else None
        if value is not None:
            return int(value)
    return None


def quantity(value: Any, most: int = LARGEST) -> float | None:
    """A number of something: not negative, and no larger than things are; None where it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    return None


def moment(value: Any) -> float | None:
    """Seconds since the epoch, from seconds, milliseconds or an ISO date; None where it is none."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            return None
    told = quantity(value)
    return None if told is None else told / 1000 if told > MILLISECONDS else float(told)


def began(item: Mapping[str, Any]) -> float | None:
    """When the call of a log line began, in seconds since the epoch; None where it does not say."""
    times = (moment(item.get(key)) for key in BEGAN)
    return next((time for time in times if time is not None), None)


def took(item: Mapping[str, Any]) -> float | None:
    """How long the call of a log line took, in seconds; None where it does not say."""
    for key, unit in TOOK:
        if (told := quantity(item.get(key))) is not None:
            return told / unit
    return None


def mappings(items: Any) -> list[dict[str, Any]]:
    """The JSON objects of a list; what is none is left out, and what is no list has none."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def dig(data: Any, *keys: str) -> Any:
    """A value that stands deeper in JSON objects; None where something on the way is missing."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def rewarded(value: Any) -> float | None:
    """A reward from 0 to 1, or whether it was solved; None where it is neither."""
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def as_dict(value: Any) -> dict[str, Any] | None:
    """A JSON object, given as it is or as text; None where it is neither."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, str):
        try:
            made = json.loads(value) if value.strip() else {}
        except (ValueError, RecursionError):
            return None
        return made if isinstance(made, dict) else None
    return {} if value is None else None


def _call(name: Any, arguments: Any, id_: Any) -> ToolCall:
    made = as_dict(arguments)
    raw = arguments if made is None and isinstance(arguments, str) else ""
    return ToolCall(str(id_ or ""), str(name or ""), made, raw)


def _part(item: Any) -> Part | None:
    if isinstance(item, str):
        return Text(item)
    if not isinstance(item, dict):
        return None
    for key in ("text", "refusal", "reasoning", "thinking"):
        if isinstance(item.get(key), str):
            return Text(item[key])
    sound = item.get("input_audio")
    if isinstance(sound, dict):
        return Audio(str(sound.get("data") or ""), f"audio/{sound.get('format') or 'wav'}")
    picture = item.get("image_url", item.get("image"))
    if isinstance(picture, dict):
        picture = picture.get("url")
    if isinstance(picture, str):
        return image(picture)
    return None


def image(url: str) -> Image:
    """A picture by its address or data URL; its size where its first bytes tell it."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:"):
        return Image(url=url)
    width, height = size_of(data[:4096])
    return Image(data=data, media_type=head[5:].partition(";")[0] or "image/png", width=width, height=height)


def size_of(data: str) -> tuple[int, int]:
    """Width and height of a PNG or JPEG from the beginning of its base64 text; zeros where it does not tell."""
    try:
        raw = base64.b64decode(data[: len(data) // 4 * 4], validate=False)
    except (binascii.Error, ValueError):
        return 0, 0
    if raw.startswith(PNG) and len(raw) >= 24:
        return int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big")
    at = 2
    while raw.startswith(JPEG) and at + 9 < len(raw) and raw[at] == 0xFF:
        if 0xC0 <= raw[at + 1] <= 0xCF and raw[at + 1] not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(raw[at + 7 : at + 9], "big"), int.from_bytes(raw[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
    return 0, 0


def _mapping(data: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    return next((data[key] for key in keys if isinstance(data.get(key), dict)), {})
