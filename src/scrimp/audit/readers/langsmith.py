"""LangSmith run exports: JSON lines or one array of what LangSmith calls runs, which are spans, with their texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.spans import Kind, Span, Spans, number_of
from scrimp.audit.trace import Trace
from scrimp.audit.wire_openai import ROLES, as_dict, number, parts, tool_calls, tools
from scrimp.core.messages import Message, Role, ToolCall
from scrimp.core.money import Money
from scrimp.core.usage import Usage

NAME = "langsmith"
KINDS: Mapping[str, Kind] = {"llm": "model", "tool": "tool", "retriever": "memory_read", "embedding": "embed"}
FROM_CLASS: Mapping[str, Role] = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool",
                                  "function": "tool"}  # fmt: skip


THEIRS = ("ls_", "lc_", "langgraph_", "revision", "LANG", "thread_id", "tool_call_id", "checkpoint", "runtime", "sdk",
          "library", "platform")  # fmt: skip
"""Beginnings of the names that LangSmith itself puts into the metadata."""


def sniff(head: Head) -> bool:
    """Whether it is an export of LangSmith."""
    return head.has("run_type", "trace_id") or head.has("run_type", "dotted_order")


def read(source: Source) -> Iterator[Trace]:
    """A run for each trace."""
    runs = Spans(source, NAME)
    for where, item in source.items():
        inner = item.get("runs") if isinstance(item, Mapping) else None
        for data in inner if isinstance(inner, list) else [item]:
            span = _span(data, where) if isinstance(data, Mapping) and "run_type" in data else None
            if span is None:
                source.skip(where, "no run of LangSmith")
            else:
                yield from runs.add(span)
    yield from runs.rest()


def _span(data: Mapping[str, Any], where: str) -> Span:
    extra = data.get("extra")
    found = extra.get("metadata") if isinstance(extra, Mapping) else None
    metadata: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    name = str(data.get("name") or "")
    kind: Kind = KINDS.get(str(data.get("run_type")), "other")
    if kind == "other" and (metadata.get("lc_agent_name") or "agent" in name.lower()):
        kind = "agent"
    if kind == "other" and ("evaluator" in name.lower() or metadata.get("evaluator")):
        kind = "judge"
    started, ended = moment(data.get("start_time")), moment(data.get("end_time"))
    error = data.get("error")
    identity = str(data.get("id") or "")
    span = Span(
        identity, str(data.get("trace_id") or identity), kind, str(data.get("parent_run_id") or ""), name, where,
        started, None if started is None or ended is None else max(0.0, ended - started),
        error=str(error).strip().splitlines()[-1].partition("(")[0][:80] if error else "",
        labels=_labels(data, metadata), reward=_reward(data.get("feedback_stats")),
        task=str(data.get("reference_example_id") or ""),
    )  # fmt: skip
    if kind == "model":
        _model(span, data, metadata, extra if isinstance(extra, Mapping) else {})
    elif kind == "tool":
        given = data.get("inputs")
        inputs: Any = given.get("input", given) if isinstance(given, Mapping) else given
        span.call = ToolCall(str(metadata.get("tool_call_id") or ""), name, as_dict(inputs))
        span.result = _text(data.get("outputs"))
    return span


def _model(span: Span, data: Mapping[str, Any], metadata: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    invocation = extra.get("invocation_params")
    params: Mapping[str, Any] = invocation if isinstance(invocation, Mapping) else {}
    raw = metadata.get("ls_model_name") or params.get("model") or params.get("model_name") or ""
    span.model = model_name(str(raw), str(metadata.get("ls_provider") or ""))
    inputs, outputs = data.get("inputs"), data.get("outputs")
    span.sent = list(_messages(inputs.get("messages") if isinstance(inputs, Mapping) else None))
    said, told = _answer(outputs)
    span.answer = said or Message("assistant")
    span.usage = _usage(data, outputs, told)
    span.tools = tools(params["tools"]) if isinstance(params.get("tools"), list) else None
    cost = number_of(data.get("total_cost"))
    span.cost = None if not cost else Money(Decimal(repr(cost)))
    span.finish = "tool_calls" if span.answer.tool_calls else "stop"


def _messages(items: Any) -> Iterator[Message]:
    """Messages in any of the forms that LangChain writes, lists in lists included."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, list):
            yield from _messages(item)
            continue
        made = _message(item)
        if made is not None:
            yield made


def _message(item: Any) -> Message | None:
    if not isinstance(item, Mapping):
        return None
    body: Any = item
    kind = item.get("role") or item.get("type")
    if item.get("type") == "constructor" and isinstance(item.get("kwargs"), Mapping):
        names = item.get("id")
        kind = (
            str(names[-1] if isinstance(names, list) and names else "")
            .removesuffix("Message")
            .removesuffix("MessageChunk")
        )
        body = item["kwargs"]
    elif isinstance(item.get("data"), Mapping):
        body = item["data"]
    role = ROLES.get(str(kind).lower()) or FROM_CLASS.get(str(kind).lower())
    if role is None:
        return None
    extra = body.get("additional_kwargs")
    calls = body.get("tool_calls") or (extra.get("tool_calls") if isinstance(extra, Mapping) else None)
    return Message(role, parts(body.get("content")), tuple(tool_calls(calls)), str(body.get("tool_call_id") or ""))


def _answer(outputs: Any) -> tuple[Message | None, Any]:
    """What the model wrote, and the body that may hold its usage."""
    if not isinstance(outputs, Mapping):
        return None, None
    generations = outputs.get("generations")
    while isinstance(generations, list) and generations:
        generations = generations[0]
    found = generations.get("message") if isinstance(generations, Mapping) else None
    choices = outputs.get("choices")
    if found is None and isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        found = choices[0].get("message")
    found = found or outputs.get("message") or (outputs if "content" in outputs else None)
    body = found.get("kwargs", found.get("data", found)) if isinstance(found, Mapping) else None
    if isinstance(found, Mapping) and not (found.get("role") or found.get("type")):
        found = {**found, "role": "assistant"}
    return _message(found), body


def _usage(data: Mapping[str, Any], outputs: Any, body: Any) -> Usage | None:
    told = [one.get("usage_metadata") for one in (data, outputs, body) if isinstance(one, Mapping)]
    found: Mapping[str, Any] = next((one for one in told if isinstance(one, Mapping)), data)
    sent = number(found, "input_tokens", "prompt_tokens")
    written = number(found, "output_tokens", "completion_tokens")
    if sent is None and written is None:
        return None
    details, more = found.get("input_token_details"), found.get("output_token_details")
    sent = sent or 0
    read = min(number(details, "cache_read") or 0, sent)
    wrote = min(number(details, "cache_creation") or 0, sent - read)
    return Usage(sent - read - wrote, read, wrote, written or 0, min(number(more, "reasoning") or 0, written or 0))


def _labels(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, str]:
    labels = {
        str(key): str(value) for key, value in metadata.items()
        if isinstance(value, str | int | float) and not str(key).startswith(THEIRS)
    }  # fmt: skip
    tags = data["tags"] if isinstance(data.get("tags"), list) else ()
    return labels | {f"tag:{tag}": "yes" for tag in tags if isinstance(tag, str) and ":" not in tag}


def _reward(feedback: Any) -> float | None:
    """The mean of the first score between 0 and 1 that people or evaluators gave."""
    for value in feedback.values() if isinstance(feedback, Mapping) else ():
        mean = number_of(value.get("avg")) if isinstance(value, Mapping) else None
        if mean is not None and 0 <= mean <= 1:
            return mean
    return None


def moment(value: Any) -> float | None:
    """An ISO time, taken as UTC where it has no zone, in seconds since the epoch."""
    if not isinstance(value, str):
        return number_of(value)
    try:
        made = datetime.fromisoformat(value)
        return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("output", value)
        if isinstance(value, Mapping):
            value = value.get("content", value)
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False, default=str)
