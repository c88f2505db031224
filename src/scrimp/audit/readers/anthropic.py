"""Anthropic message transcripts and request logs: JSON lines or one document.

A log line holds a request and its response; a transcript is a list of messages, where every message of the assistant is
a call whose prompt was all before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.audit.calls import Calls, Record
from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Trace
from scrimp.audit.wire_anthropic import FINISH, answer, messages, system, usage
from scrimp.audit.wire_openai import began, rewarded, took, tools
from scrimp.core.messages import Message

NAME = "anthropic"
BLOCKS = ('"tool_use"', '"tool_result"', '"stop_reason"', '"input_schema"', '"cache_control"', '"thinking"')


def sniff(head: Head) -> bool:
    """Whether it holds messages in Anthropic's form."""
    first = head.first
    if isinstance(first, list):
        first = first[0] if first else None
    if isinstance(first, Mapping):
        return _is_ours(first)
    text = head.text
    return (
        text[:1] in "[{" and '"messages"' in text and any(block in text for block in BLOCKS) and '"choices"' not in text
    )


def _is_ours(item: Mapping[str, Any]) -> bool:
    body, response = _body(item), _response(item)
    if body is None:
        return False
    if response is not None:
        return response.get("type") == "message" or ("stop_reason" in response and "content" in response)
    if "claude" in str(body.get("model")) or isinstance(body.get("system"), str | list):
        return "choices" not in item
    blocks = [
        block for one in body["messages"] if isinstance(one, Mapping) and isinstance(one.get("content"), list)
        for block in one["content"] if isinstance(block, Mapping)
    ]  # fmt: skip
    return any(block.get("type") in ("tool_use", "tool_result", "thinking") for block in blocks)


def read(source: Source) -> Iterator[Trace]:
    """The runs of a file."""
    log = Calls(source, NAME)
    for where, item in source.items():
        body = _body(item) if isinstance(item, Mapping) else None
        if body is None:
            source.skip(where, "neither messages nor a request")
            continue
        records = list(_records(where, item, body))
        if not records:
            source.skip(where, "no message of a model")
        for record in records:
            yield from log.add(where, record)
    yield from log.rest()


def _records(where: str, item: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Record]:
    """The calls of a record: the one of a log line, or every answer of a transcript."""
    opening = system(body.get("system"))
    sent: list[Message] = [] if opening is None else [opening]
    specs, response = tools(body.get("tools")), _response(item)
    name = _name(item) or ("" if response is not None else where)
    labels = _labels(item)
    failures: dict[str, tuple[bool | None, str]] = {}
    told = rewarded(item.get("reward"))
    for one in body["messages"]:
        for made, block in messages(one):
            if block:
                failed = block.get("is_error")
                error = made.text.partition("\n")[0][:80] if failed else ""
                failures[made.tool_call_id] = (bool(failed) if failed is not None else None, error)
            if made.role == "assistant" and response is None:
                said, thought = answer(one.get("content")) if isinstance(one.get("content"), list) else (made, "")
                model = model_name(str(one.get("model") or body.get("model") or ""), "anthropic")
                finish = FINISH.get(str(one.get("stop_reason")), "tool_calls" if said.tool_calls else "stop")
                yield Record(tuple(sent), said, specs, model, usage(one.get("usage")), run=name, labels=labels,
                             finish=finish, reasoning=thought, failures=failures, reward=told)  # fmt: skip
            sent.append(made)
    if response is not None:
        said, thought = answer(response.get("content"))
        model = model_name(str(response.get("model") or body.get("model") or ""), "anthropic")
        yield Record(
            tuple(sent), said, specs, model, usage(response.get("usage")), started=began(item),
            seconds=took(item), finish=FINISH.get(str(response.get("stop_reason")), "stop"), reasoning=thought,
            run=name, labels=labels, failures=failures, reward=told,
        )  # fmt: skip


def _body(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for place in (item.get("request"), item.get("body"), item):
        inner = place.get("body", place) if isinstance(place, Mapping) else None
        if isinstance(inner, Mapping) and isinstance(inner.get("messages"), list):
            return inner
    return None


def _response(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = item.get("response")
    inner = found.get("body", found) if isinstance(found, Mapping) else None
    return inner if isinstance(inner, Mapping) and isinstance(inner.get("content"), list) else None


def _name(item: Mapping[str, Any]) -> str:
    for key in ("run_id", "session_id", "conversation_id", "trace_id"):
        for place in (item, item.get("metadata")):
            if isinstance(place, Mapping) and isinstance(place.get(key), str):
                return str(place[key])
    return ""


def _labels(item: Mapping[str, Any]) -> dict[str, str]:
    given = item.get("metadata", item.get("labels"))
    known = given if isinstance(given, Mapping) else {}
    return {str(key): str(value) for key, value in known.items() if isinstance(value, str | int | float)}
