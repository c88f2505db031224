"""Runs as OpenTelemetry spans: OTLP export requests in JSON, with the conventions for generative AI.

The run is the root span (`invoke_agent`), each event a span below the one it happened in: `chat`, `execute_tool`,
`embeddings`, `retrieval`. Judges and simulated users stand below a span `evaluation`, since the agent does not pay for
them. Tokens stand under `gen_ai.usage.*` (input includes what a cache served, as the convention says), dollars under
the proposed `gen_ai.usage.cost`, which is a float, and exactly, as text, under `scrimp.cost.amount`; what the
convention has no name for stands under `scrimp.*`. Words of prompts and answers are left out unless asked for, as the
convention wants.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from scrimp.core.events import Event
from scrimp.core.money import Money, plain
from scrimp.core.usage import Usage
from scrimp.core.version import VERSION
from scrimp.journal.journal import Journal, RunRecord
from scrimp.journal.said import answered

OPERATIONS: Mapping[str, str] = {
    "model": "chat", "tool": "execute_tool", "embed": "embeddings", "memory_read": "retrieval",
}  # fmt: skip
"""The convention's operation for a kind of event; others have none."""
PROVIDERS: Mapping[str, str] = {"google": "gcp.gemini", "mistral": "mistral_ai", "gguf": "scrimp", "scripted": "scrimp"}
"""The convention's provider by the prefix of a model's name, where it is not the prefix itself."""
LOCAL, SPOKEN = "scrimp", "openai"
"""The provider of models without a prefix, which scrimp serves itself; and of those at an address, by their format."""
CLIENT, INTERNAL = 3, 1
ERROR = 2
LEFT_OUT = ("now",)
"""Kinds of events that are no work."""
BATCH = 512
"""Spans in one request: collectors limit how large one may be."""


def requests(journal: Journal, runs: Sequence[str], *, content: bool = False) -> Iterator[dict[str, Any]]:
    """Runs as OTLP export requests: one for each run, several for a long one.

    Args:
        runs: ids, or beginnings of them that are unique.
        content: whether prompts, answers, arguments and results are told.
    """
    resource = {"attributes": _attributes({"service.name": "scrimp", "service.version": VERSION})}
    scope = {"name": "scrimp", "version": VERSION}
    for run in runs:
        spans = _spans(journal, journal.run(run), content)
        while batch := list(islice(spans, BATCH)):
            yield {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": batch}]}]}


def _spans(journal: Journal, record: RunRecord, content: bool) -> Iterator[dict[str, Any]]:
    trace, root = _hex(f"trace {record.id}", 32), _hex(f"run {record.id}", 16)
    events = [event for event in journal.events(record.id) if event.kind not in LEFT_OUT]
    ends = _ends(events)
    times = (record.started, max([record.started + (record.wall_seconds or 0.0), *ends.values()]))
    name = str(record.system.get("name") or "agent")
    own = {
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, "gen_ai.conversation.id": record.id,
        "scrimp.status": record.status, "scrimp.experiment": record.experiment, "scrimp.system": record.system_hash,
        **{f"scrimp.label.{key}": value for key, value in record.labels.items()},
    }  # fmt: skip
    yield _span(trace, root, "", f"invoke_agent {name}", INTERNAL, times, own, record.status == "error")
    judging = _hex(f"evaluation {record.id}", 16)
    judged = [event for event in events if event.component == "harness"]
    if judged:
        times = (min(event.started for event in judged), max(ends[event.id] for event in judged))
        own = {"gen_ai.operation.name": "evaluation", "gen_ai.conversation.id": record.id}
        yield _span(trace, judging, root, "evaluation", INTERNAL, times, own, False)
    texts = {step["event"]: step for step in journal.steps(record.id)} if content else {}
    for event in events:
        top = judging if event.component == "harness" else root
        parent = _hex(f"event {event.parent}", 16) if event.parent in ends else top
        times = (event.started, ends[event.id])
        yield _of_event(trace, parent, record.id, event, times, texts.get(event.id))


def _ends(events: Sequence[Event]) -> dict[str, float]:
    """When each event was over, in seconds since the epoch: not before what happened inside it, which is committed
    first and is not part of its busy time."""
    ends: dict[str, float] = {}
    for event in events:
        end = ends[event.id] = max(ends.get(event.id, 0.0), event.started + event.busy_us / 1e6)
        if event.parent:
            ends[event.parent] = max(ends.get(event.parent, 0.0), end)
    return {event.id: ends[event.id] for event in events}


def _of_event(
    trace: str, parent: str, run: str, event: Event, times: tuple[float, float], texts: Mapping[str, Any] | None
) -> dict[str, Any]:
    operation = OPERATIONS.get(event.kind, "")
    failed = event.status in ("error", "cut")
    own: dict[str, Any] = {
        "gen_ai.operation.name": operation, "gen_ai.conversation.id": run, "gen_ai.agent.name": event.agent,
        "gen_ai.prompt.name": event.prompt.partition("@")[0], "error.type": event.status if failed else "",
        "scrimp.kind": event.kind, "scrimp.component": event.component, "scrimp.phase": event.phase,
        "scrimp.prompt": event.prompt, "scrimp.round": event.round, "scrimp.attempt": event.attempt,
        "scrimp.retry": event.retry, "scrimp.status": event.status, **_cost(event.money),
    }  # fmt: skip
    name = event.name
    if event.kind in ("model", "embed"):
        served = _served(event.name)
        name = served["gen_ai.request.model"]
        own |= {**served, **_usage(event.usage)}
    elif event.kind == "tool":
        own |= {"gen_ai.tool.name": event.name, "gen_ai.tool.type": "function"}
    if texts is not None:
        own |= _content(event.kind, texts)
    kind = CLIENT if event.kind in ("model", "embed", "memory_read") else INTERNAL
    title = f"{operation or event.kind} {name}".strip()
    return _span(trace, _hex(f"event {event.id}", 16), parent, title, kind, times, own, failed)


def _served(name: str) -> dict[str, Any]:
    """Who serves a model, and what it is called there. Of an address only host and port are told."""
    address, mark, behind = name.partition("#")
    if mark:
        parts = urlsplit(address)
        return {"gen_ai.provider.name": SPOKEN, "gen_ai.request.model": behind.partition("?")[0],
                "server.address": parts.hostname, "server.port": parts.port}  # fmt: skip
    prefix, colon, own = name.partition(":")
    provider = PROVIDERS.get(prefix, prefix) if colon else LOCAL
    model = own.partition("?")[0] if colon and provider != LOCAL else name
    return {"gen_ai.provider.name": provider, "gen_ai.request.model": model, "scrimp.model": name}


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
        return {"scrimp.cost.state": "unknown", "scrimp.cost.known": plain(money.known) if money.known else ""}
    return {
        "gen_ai.usage.cost": float(money.amount), "scrimp.cost.amount": plain(money.amount),
        "scrimp.cost.currency": money.currency, "scrimp.cost.state": money.state, "scrimp.prices": money.prices,
    }  # fmt: skip


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
