"""Langfuse exports: traces with their observations, or observations alone, as JSON lines or one document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scrimp.audit.names import model_name
from scrimp.audit.readers.langsmith import moment
from scrimp.audit.reading import Head, Source
from scrimp.audit.spans import Kind, Span, Spans, number_of
from scrimp.audit.trace import Trace
from scrimp.audit.wire_openai import as_dict, message, messages, number, tools
from scrimp.core.messages import Message, Text, ToolCall, user
from scrimp.core.money import Money
from scrimp.core.usage import Usage

NAME = "langfuse"
KINDS: Mapping[str, Kind] = {"GENERATION": "model", "TOOL": "tool", "EMBEDDING": "embed", "RETRIEVER": "memory_read",
                             "AGENT": "agent", "EVALUATOR": "judge"}  # fmt: skip


def sniff(head: Head) -> bool:
    """Whether it is an export of Langfuse."""
    text = head.text
    return '"observations"' in text or head.has("traceId", "startTime", "type") or head.has("parentObservationId")


def read(source: Source) -> Iterator[Trace]:
    """A run for each trace."""
    runs = Spans(source, NAME)
    for where, item in source.items():
        found = False
        for trace, data in _observations(item):
            found = True
            yield from runs.add(_span(trace, data, where))
        if not found:
            source.skip(where, "no observation")
    yield from runs.rest()


def _observations(item: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Observations with their trace, empty where they stand alone."""
    if not isinstance(item, Mapping):
        return
    if isinstance(item.get("data"), list):
        for one in item["data"]:
            yield from _observations(one)
        return
    inner = item.get("observations")
    if isinstance(inner, list):
        for one in inner:
            if isinstance(one, Mapping):
                yield item, one
    elif "traceId" in item and "type" in item:
        yield {}, item


def _span(trace: Mapping[str, Any], data: Mapping[str, Any], where: str) -> Span:
    kind: Kind = KINDS.get(str(data.get("type")).upper(), "other")
    started, ended = moment(data.get("startTime")), moment(data.get("endTime"))
    error = str(data.get("statusMessage") or "error")[:80] if data.get("level") == "ERROR" else ""
    span = Span(
        str(data.get("id") or ""), str(data.get("traceId") or trace.get("id") or ""), kind,
        str(data.get("parentObservationId") or ""), str(data.get("name") or ""), where, started,
        None if started is None or ended is None else max(0.0, ended - started), error=error, labels=_labels(trace),
        reward=_reward(trace.get("scores")),
    )  # fmt: skip
    if kind == "model":
        _model(span, data)
    elif kind == "embed":
        span.model, span.usage = model_name(str(data.get("model") or "")), _usage(data)
    elif kind == "tool":
        span.call = ToolCall("", span.name, as_dict(data.get("input")))
        output = data.get("output")
        span.result = output if isinstance(output, str) or output is None else json.dumps(output, ensure_ascii=False)
    return span


def _model(span: Span, data: Mapping[str, Any]) -> None:
    span.model, span.usage = model_name(str(data.get("model") or "")), _usage(data)
    sent = _parsed(data.get("input"))
    if isinstance(sent, Mapping):
        span.tools = tools(sent.get("tools")) if isinstance(sent.get("tools"), list) else None
        sent = sent.get("messages", sent)
    span.sent = messages(sent) or (
        [user(sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False))] if sent else []
    )
    said = _parsed(data.get("output"))
    if isinstance(said, list) and said:
        said = said[-1]
    made = message({"role": "assistant", **said}) if isinstance(said, Mapping) else None
    span.answer = made or Message("assistant", (Text(said),) if isinstance(said, str) and said else ())
    details = data.get("costDetails")
    cost = number_of(details.get("total")) if isinstance(details, Mapping) else None
    cost = number_of(data.get("calculatedTotalCost", data.get("totalCost"))) if cost is None else cost
    span.cost = None if not cost else Money(Decimal(repr(cost)))
    span.finish = "tool_calls" if span.answer.tool_calls else "stop"


def _usage(data: Mapping[str, Any]) -> Usage | None:
    """Tokens: the details have the cache's apart from the input's, the older form has one number."""
    details = data.get("usageDetails")
    if isinstance(details, Mapping) and details:
        sent, written = number(details, "input", "prompt_tokens"), number(details, "output", "completion_tokens")
        read = number(details, "input_cached_tokens", "cache_read_input_tokens", "input_cache_read") or 0
        wrote = number(details, "cache_creation_input_tokens", "input_cache_creation") or 0
        thought = number(details, "output_reasoning_tokens", "output_reasoning") or 0
        if sent is not None or written is not None:
            whole = (written or 0) + (
                thought if "output_reasoning_tokens" in details or "output_reasoning" in details else 0
            )
            return Usage(sent or 0, read, wrote, whole, thought)
    usage = data.get("usage")
    sent, written = number(usage, "input", "promptTokens"), number(usage, "output", "completionTokens")
    return None if sent is None and written is None else Usage(sent or 0, 0, 0, written or 0)


def _labels(trace: Mapping[str, Any]) -> dict[str, str]:
    labels = {key: str(trace[key]) for key in ("userId", "environment", "release") if trace.get(key)}
    if isinstance(trace.get("name"), str):
        labels["name"] = str(trace["name"])
    tags = trace["tags"] if isinstance(trace.get("tags"), list) else ()
    return labels | {f"tag:{tag}": "yes" for tag in tags if isinstance(tag, str)}


def _reward(scores: Any) -> float | None:
    for score in scores if isinstance(scores, list) else ():
        value = number_of(score.get("value")) if isinstance(score, Mapping) else None
        if value is not None and 0 <= value <= 1:
            return value
    return None


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
