"""A run as OpenTelemetry spans: one OTLP request in JSON, with the conventions for generative AI.

The run is the root span (`invoke_agent`), each event a span below the one it happened in: `chat`, `execute_tool`,
`embeddings`, `retrieval`. Tokens stand under `gen_ai.usage.*` (input includes what a cache served, as the convention
says), dollars under the proposed `gen_ai.usage.cost`; what the convention has no name for stands under `scrimp.*`.
Words of prompts and answers are left out unless asked for, as the convention wants.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scrimp.core.events import Event
from scrimp.core.money import Money
from scrimp.core.usage import Usage
from scrimp.core.version import VERSION
from scrimp.journal.journal import Journal, RunRecord
from scrimp.journal.said import answered

OPERATIONS: Mapping[str, str] = {
    "model": "chat", "tool": "execute_tool", "embed": "embeddings", "memory_read": "retrieval",
}  # fmt: skip
"""The convention's operation for a kind of event; others have none."""
CLIENT, INTERNAL = 3, 1
ERROR = 2
LEFT_OUT = ("now",)
"""Kinds of events that are no work."""


def request(journal: Journal, runs: Sequence[str], *, content: bool = False) -> dict[str, Any]:
    """Runs as one OTLP export request.

    Args:
        runs: ids, or beginnings of them that are unique.
        content: whether prompts, answers, arguments and results are told.
    """
    spans = [span for run in runs for span in _spans(journal, journal.run(run), content)]
    resource = {"service.name": "scrimp", "service.version": VERSION}
    scope = {"name": "scrimp", "version": VERSION}
    return {
        "resourceSpans": [
            {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [{"scope": scope, "spans": spans}]}
        ]
    }


def _spans(journal: Journal, record: RunRecord, content: bool) -> Iterator[dict[str, Any]]:
    trace, root = _hex(f"trace {record.id}", 32), _hex(f"run {record.id}", 16)
    name = str(record.system.get("name") or "agent")
    own = {
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, "gen_ai.conversation.id": record.id,
        "scrimp.status": record.status, "scrimp.experiment": record.experiment, "scrimp.system": record.system_hash,
        **{f"scrimp.label.{key}": value for key, value in record.labels.items()},
    }  # fmt: skip
    ended = record.started + (record.wall_seconds or 0.0)
    failed = record.status == "error"
    yield _span(trace, root, "", f"invoke_agent {name}", INTERNAL, (record.started, ended), own, failed)
    texts = {step["event"]: step for step in journal.steps(record.id)} if content else {}
    for event in journal.events(record.id):
        if event.kind not in LEFT_OUT:
            parent = _hex(f"event {event.parent}", 16) if event.parent else root
            yield _of_event(trace, parent, record.id, event, texts.get(event.id))


def _of_event(trace: str, parent: str, run: str, event: Event, texts: Mapping[str, Any] | None) -> dict[str, Any]:
    operation = OPERATIONS.get(event.kind, "")
    own: dict[str, Any] = {
        "gen_ai.operation.name": operation, "gen_ai.conversation.id": run, "gen_ai.agent.name": event.agent,
        "scrimp.kind": event.kind, "scrimp.component": event.component, "scrimp.phase": event.phase,
        "scrimp.prompt": event.prompt, "scrimp.round": event.round, "scrimp.attempt": event.attempt,
        "scrimp.retry": event.retry, "scrimp.status": event.status, **_cost(event.money),
    }  # fmt: skip
    if event.kind in ("model", "embed"):
        own |= {"gen_ai.request.model": event.name, **_usage(event.usage)}
    elif event.kind == "tool":
        own["gen_ai.tool.name"] = event.name
    if texts is not None:
        own |= _content(event.kind, texts)
    kind = CLIENT if operation else INTERNAL
    times = (event.started, event.started + event.busy_us / 1e6)
    name = f"{operation or event.kind} {event.name}".strip()
    return _span(trace, _hex(f"event {event.id}", 16), parent, name, kind, times, own, event.status in ("error", "cut"))


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "gen_ai.usage.input_tokens": usage.prompt, "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_input,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }  # fmt: skip


def _cost(money: Money) -> dict[str, Any]:
    """Dollars; nothing at all where the price is unknown, since unknown is never 0."""
    if money.amount is None:
        return {"scrimp.cost.state": "unknown"}
    return {"gen_ai.usage.cost": float(money.amount), "scrimp.cost.state": money.state, "scrimp.prices": money.prices}


def _content(kind: str, step: Mapping[str, Any]) -> dict[str, Any]:
    asked, response = step["request"] or {}, step["response"]
    if kind == "tool":
        return {"gen_ai.tool.call.arguments": json.dumps(asked.get("arguments"), ensure_ascii=False),
                "gen_ai.tool.call.result": answered(response)}  # fmt: skip
    if kind != "model" or not isinstance(response, Mapping):
        return {}
    said = response.get("message")
    return {
        "gen_ai.input.messages": json.dumps([_message(one) for one in asked.get("messages", ())], ensure_ascii=False),
        "gen_ai.output.messages": json.dumps([_message(said)] if said else [], ensure_ascii=False),
        "gen_ai.tool.definitions": json.dumps(asked.get("tools", ()), ensure_ascii=False),
        "gen_ai.response.finish_reasons": [str(response.get("finish", ""))],
    }  # fmt: skip


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message in the convention's parts."""
    words = [str(part["text"]) for part in message.get("parts", ()) if "text" in part]
    if message.get("role") == "tool":
        answer = {"type": "tool_call_response", "id": message.get("tool_call_id", ""), "response": "\n".join(words)}
        return {"role": "tool", "parts": [answer]}
    calls = [
        {"type": "tool_call", "id": call["id"], "name": call["name"], "arguments": call["arguments"]}
        for call in message.get("tool_calls", ())
    ]
    return {"role": message.get("role", ""), "parts": [*({"type": "text", "content": one} for one in words), *calls]}


def _span(
    trace: str, identity: str, parent: str, name: str, kind: int, times: tuple[float, float], own: Mapping[str, Any],
    failed: bool,
) -> dict[str, Any]:  # fmt: skip
    span = {
        "traceId": trace, "spanId": identity, "name": name, "kind": kind,
        "startTimeUnixNano": str(int(times[0] * 1e9)), "endTimeUnixNano": str(int(times[1] * 1e9)),
        "attributes": _attributes(own), "status": {"code": ERROR} if failed else {},
    }  # fmt: skip
    return {**span, "parentSpanId": parent} if parent else span


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Values as OTLP writes them; what is empty is left out."""
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value not in ("", None)]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": str(value)}


def _hex(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
