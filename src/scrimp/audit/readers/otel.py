"""OpenTelemetry spans as OTLP JSON, with the conventions for generative AI or the names of OpenInference.

One export request a line, or one document. A run is a trace, or the conversation or session that several traces share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.spans import Kind, Span, Spans, number_of
from scrimp.audit.trace import Trace
from scrimp.audit.wire_openai import LARGEST, ROLES, as_dict, dig, mappings, parts, tools
from scrimp.core.messages import Message, Part, Role, Text, ToolCall, ToolSpec
from scrimp.core.money import Money
from scrimp.core.usage import Usage

NAME = "otel"
OPERATIONS: Mapping[str, Kind] = {
    "chat": "model", "text_completion": "model", "generate_content": "model", "execute_tool": "tool",
    "embeddings": "embed", "invoke_agent": "agent", "create_agent": "other", "retrieval": "memory_read",
    "evaluation": "judge",
}  # fmt: skip
OPENINFERENCE: Mapping[str, Kind] = {
    "LLM": "model", "TOOL": "tool", "EMBEDDING": "embed", "RETRIEVER": "memory_read", "RERANKER": "memory_read",
    "AGENT": "agent", "EVALUATOR": "judge",
}  # fmt: skip
CONVERSATION = ("gen_ai.conversation.id", "session.id")
LABELS = ("service.name", "deployment.environment", "deployment.environment.name", "user.id", "tag.tags", "team")
INDEXED = re.compile(r"(gen_ai\.(?:prompt|completion)|llm\.(?:input|output)_messages)\.(\d+)\.(.+)")
CALL = re.compile(r"(?:message\.)?tool_calls\.(\d+)\.(?:tool_call\.)?(?:function\.)?(name|arguments|id)")
CONTENT = re.compile(r"(?:message\.)?contents?\.(\d+)\.(?:message_content\.)?text")


def sniff(head: Head) -> bool:
    """Whether it is an export of spans."""
    return '"resourceSpans"' in head.text or '"resource_spans"' in head.text or (
        head.has("traceId", "spanId") and '"attributes"' in head.text
    )  # fmt: skip


def read(source: Source) -> Iterator[Trace]:
    """A run for each trace, or each conversation."""
    runs = Spans(source, NAME)
    for where, item in source.items():
        found = False
        for number, (span, resource) in enumerate(_spans(item)):
            made = _span(span, resource, f"{where}, span {number + 1}")
            if made is not None:
                found = True
                yield from runs.add(made)
        if not found:
            source.skip(where, "no span")
    yield from runs.rest()


def _spans(item: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every span of an export, with its resource's attributes."""
    if not isinstance(item, Mapping):
        return
    if "spanId" in item or "span_id" in item:
        yield item, {}
        return
    for group in mappings(item.get("resourceSpans") or item.get("resource_spans")):
        resource = attributes(dig(group, "resource", "attributes"))
        scopes = group.get("scopeSpans") or group.get("scope_spans") or group.get("instrumentationLibrarySpans")
        for scope in mappings(scopes):
            for span in mappings(scope.get("spans")):
                yield span, resource


def attributes(items: Any) -> dict[str, Any]:
    """OTLP attributes as plain values."""
    if isinstance(items, Mapping):
        return dict(items)
    return {str(one.get("key")): _value(one.get("value")) for one in mappings(items)}


def _value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if "arrayValue" in value:
        return [_value(one) for one in mappings(dig(value["arrayValue"], "values"))]
    if "kvlistValue" in value:
        return attributes(dig(value["kvlistValue"], "values"))
    if "intValue" in value:  # written as text, since JSON's numbers lose digits
        told = value["intValue"]
        return int(told) if isinstance(told, str) and told.isdecimal() and len(told) < 20 else told
    return next((inner for key, inner in value.items() if key.endswith("Value")), None)


def _span(data: Mapping[str, Any], resource: Mapping[str, Any], where: str) -> Span | None:
    own = attributes(data.get("attributes"))
    trace = str(data.get("traceId") or data.get("trace_id") or "")
    identity = str(data.get("spanId") or data.get("span_id") or "")
    if not trace or not identity:
        return None
    run = next((str(own[key]) for key in CONVERSATION if own.get(key)), trace)
    started, ended = (_nanoseconds(data, key) for key in ("startTimeUnixNano", "endTimeUnixNano"))
    status = data.get("status") if isinstance(data.get("status"), Mapping) else {}
    failed = isinstance(status, Mapping) and status.get("code") in (2, "STATUS_CODE_ERROR")
    error = str(own.get("error.type") or (status or {}).get("message") or "error")[:80] if failed else ""
    span = Span(
        identity, run, kind_of(own), str(data.get("parentSpanId") or data.get("parent_span_id") or ""),
        str(own.get("gen_ai.agent.name") or own.get("agent.name") or data.get("name") or ""), where, started,
        None if started is None or ended is None else max(0.0, ended - started), error=error,
        labels={key: str(value) for key, value in {**resource, **own}.items() if key in LABELS and value},
    )  # fmt: skip
    span.cost = _cost(own)
    if span.kind == "model":
        _model(span, own, data.get("events"))
    elif span.kind == "tool":
        _tool(span, own)
    elif span.kind == "embed":
        span.model = _model_of(own)
        span.usage = _usage(own)
    return span


def _cost(own: Mapping[str, Any]) -> Money | None:
    """What the span says it cost; None where it does not. Our own spans also say by which price list."""
    cost = number_of(own.get("gen_ai.usage.cost", own.get("llm.cost.total")))
    if cost is None:
        return None
    amount, prices = Decimal(repr(cost)), own.get("scrimp.prices")
    return Money.priced(amount, str(prices)) if prices else Money(amount)


def kind_of(own: Mapping[str, Any]) -> Kind:
    """What a span is."""
    operation = OPERATIONS.get(str(own.get("gen_ai.operation.name")))
    if operation is not None:
        return operation
    named = OPENINFERENCE.get(str(own.get("openinference.span.kind")).upper())
    if named is not None:
        return named
    if own.get("gen_ai.tool.name") or own.get("tool.name"):
        return "tool"
    return "model" if "gen_ai.usage.input_tokens" in own or "gen_ai.request.model" in own else "other"


def _model(span: Span, own: Mapping[str, Any], events: Any) -> None:
    span.model, span.usage = _model_of(own), _usage(own)
    sent, answered = _structured(own, events)
    if not sent and not answered:
        sent, answered = _indexed(own)
    opening = _parsed(own.get("gen_ai.system_instructions"))
    if opening:
        span.sent = [Message("system", tuple(_parts(opening)[0]))]
    span.sent += sent
    span.answer = answered[0] if answered else Message("assistant")
    reasons = own.get("gen_ai.response.finish_reasons")
    reason = reasons[0] if isinstance(reasons, list) and reasons else ""
    span.finish = "length" if reason in ("length", "max_tokens") else "tool_calls" if span.answer.tool_calls else "stop"
    span.tools = _tools(own)


def _structured(own: Mapping[str, Any], events: Any) -> tuple[list[Message], list[Message]]:
    """Messages of the newer convention: in attributes, or in an event of the span."""
    places = [own, *(attributes(one.get("attributes")) for one in mappings(events))]
    sent: list[Message] = []
    answered: list[Message] = []
    for place in places:
        sent += [one for data in _parsed(place.get("gen_ai.input.messages")) for one in _message(data)]
        answered += [one for data in _parsed(place.get("gen_ai.output.messages")) for one in _message(data)]
    return sent, answered


def _message(data: Any) -> Iterator[Message]:
    """A message by its parts; every tool's result is a message of its own."""
    if not isinstance(data, Mapping):
        return
    role: Role = ROLES.get(str(data.get("role")), "user")
    words, calls, results = _parts(data.get("parts") or data.get("content"))
    yield from results
    if words or calls or not results:
        yield Message(role, tuple(words), tuple(calls))


def _parts(items: Any) -> tuple[list[Part], list[ToolCall], list[Message]]:
    words: list[Part] = []
    calls: list[ToolCall] = []
    results: list[Message] = []
    for one in items if isinstance(items, list) else [{"type": "text", "content": items}] if items else ():
        kind = one.get("type") if isinstance(one, Mapping) else "text"
        if not isinstance(one, Mapping):
            words.append(Text(str(one)))
        elif kind == "tool_call":
            calls.append(ToolCall(str(one.get("id") or ""), str(one.get("name") or ""), as_dict(one.get("arguments"))))
        elif kind == "tool_call_response":
            text = one.get("response", one.get("result"))
            text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
            results.append(Message("tool", (Text(text),), (), str(one.get("id") or "")))
        elif isinstance(one.get("content"), str):
            words.append(Text(one["content"]))
        else:
            words += parts([one])
    return words, calls, results


def _indexed(own: Mapping[str, Any]) -> tuple[list[Message], list[Message]]:
    """Messages of the older convention and of OpenInference: one attribute for each of their parts."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for key, value in own.items():
        match = INDEXED.fullmatch(key)
        if match:
            found.setdefault((match[1], int(match[2])), {})[match[3]] = value
    sent: list[Message] = []
    answered: list[Message] = []
    for (group, _), fields in sorted(found.items()):
        made = _flat(fields)
        (answered if group.endswith(("completion", "output_messages")) else sent).append(made)
    return sent, answered


def _flat(fields: Mapping[str, Any]) -> Message:
    calls: dict[int, dict[str, Any]] = {}
    texts: dict[int, str] = {}
    for key, value in fields.items():
        if match := CALL.fullmatch(key):
            calls.setdefault(int(match[1]), {})[match[2]] = value
        elif match := CONTENT.fullmatch(key):
            texts[int(match[1])] = str(value)
    content = fields.get("content", fields.get("message.content"))
    words = [Text(str(content))] if content else [Text(text) for _, text in sorted(texts.items())]
    asked = [
        ToolCall(str(call.get("id") or ""), str(call.get("name") or ""), as_dict(call.get("arguments")))
        for _, call in sorted(calls.items())
    ]
    role = ROLES.get(str(fields.get("role", fields.get("message.role"))), "assistant")
    answers = fields.get("tool_call_id", fields.get("message.tool_call_id", ""))
    return Message(role, tuple(words), tuple(asked), str(answers or "") if role == "tool" else "")


def _tool(span: Span, own: Mapping[str, Any]) -> None:
    name = str(own.get("gen_ai.tool.name") or own.get("tool.name") or span.name)
    given = own.get("gen_ai.tool.call.arguments", own.get("tool.parameters", own.get("input.value")))
    span.call = ToolCall(str(own.get("gen_ai.tool.call.id") or own.get("tool_call.id") or ""), name, as_dict(given))
    result = own.get("gen_ai.tool.call.result", own.get("output.value"))
    span.result = result if isinstance(result, str) or result is None else json.dumps(result, ensure_ascii=False)


def _tools(own: Mapping[str, Any]) -> tuple[ToolSpec, ...] | None:
    """The schemas that were offered; None where the span does not hold them."""
    whole = own.get("gen_ai.tool.definitions")
    if whole is not None:
        return tools(_parsed(whole))
    each = [value for key, value in sorted(own.items()) if re.fullmatch(r"llm\.tools\.\d+\.tool\.json_schema", key)]
    return tools([schema for one in each if (schema := as_dict(one)) is not None]) if each else None


def _usage(own: Mapping[str, Any]) -> Usage | None:
    """Tokens; input tokens include what the cache served, by both conventions."""

    def count(*keys: str) -> int | None:
        return next((int(value) for key in keys if (value := number_of(own.get(key))) is not None), None)

    sent = count("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
    written = count("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
    if sent is None and written is None:
        return None
    read = count("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
                 "llm.token_count.prompt_details.cache_read") or 0  # fmt: skip
    wrote = count("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
                  "llm.token_count.prompt_details.cache_write") or 0  # fmt: skip
    thought = count("gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning") or 0
    sent = sent or 0
    read = min(read, sent)
    wrote = min(wrote, sent - read)
    return Usage(sent - read - wrote, read, wrote, written or 0, min(thought, written or 0))


def _model_of(own: Mapping[str, Any]) -> str:
    raw = own.get("gen_ai.response.model") or own.get("gen_ai.request.model") or own.get("llm.model_name")
    raw = raw or own.get("embedding.model_name") or ""
    provider = own.get("gen_ai.provider.name") or own.get("gen_ai.system") or own.get("llm.provider") or ""
    return model_name(str(raw), str(provider))


def _parsed(value: Any) -> list[Any]:
    """A list, given as it is or as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    return value if isinstance(value, list) else [] if value is None else [value]


def _nanoseconds(data: Mapping[str, Any], key: str) -> float | None:
    value = number_of(data.get(key), LARGEST * 10**9)
    return None if value is None else value / 1e9
