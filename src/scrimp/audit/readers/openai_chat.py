"""OpenAI chat transcripts: JSON lines or one document, as tau-bench writes them, as plain messages, or as request logs.

A transcript holds one run: every assistant message is a call whose prompt was all messages before it. A request log
holds one call a line: a call whose messages go on from an earlier call's belongs to that call's run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scrimp.audit.calls import Calls, Record, failure
from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.audit.wire_openai import message, messages, number, tools, usage
from scrimp.core.events import Event, Key
from scrimp.core.messages import Finish, Message, Request
from scrimp.core.money import Money

NAME = "openai-chat"
FINISH: Mapping[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls",
                                "function_call": "tool_calls", "content_filter": "error"}  # fmt: skip


def sniff(head: Head) -> bool:
    """Whether it holds chat messages."""
    first = head.first
    if isinstance(first, list):
        first = first[0] if first else None
    if isinstance(first, Mapping):
        return _conversation(first) is not None or _body(first) is not None
    text = head.text
    return text[:1] in "[{" and head.has("role", "content") and ('"messages"' in text or '"traj"' in text)


def read(source: Source) -> Iterator[Trace]:
    """The runs of a file."""
    log = Calls(source, NAME)
    for number_, item in source.items():
        if not isinstance(item, Mapping):
            source.skip(number_, "no object")
            continue
        said = _conversation(item)
        if said is not None:
            trace = _transcript(source, number_, item, said)
            if trace.steps:
                yield trace
            else:
                source.skip(number_, "no message of a model")
        elif _body(item) is not None:
            record = _record(item)
            if isinstance(record, str):
                source.skip(number_, record)
            else:
                yield from log.add(number_, record)
        else:
            source.skip(number_, "neither messages nor a request")
    yield from log.rest()


def _conversation(item: Mapping[str, Any]) -> list[Any] | None:
    """The messages of a transcript: a list with an assistant message in it, and no answer beside it."""
    if any(key in item for key in ("request", "response", "choices")):
        return None
    for key in ("traj", "messages", "conversation"):
        value = item.get(key)
        if isinstance(value, list) and any(isinstance(one, Mapping) and "role" in one for one in value):
            return value
    return None


def _body(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The request of a log line."""
    request = item.get("request")
    if isinstance(request, Mapping):
        request = request.get("body", request)
    else:
        request = item if "choices" in item else item.get("body")
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except ValueError:
            return None
    return request if isinstance(request, Mapping) and isinstance(request.get("messages"), list) else None


# -- transcripts -------------------------------------------------------------------------------------


def _transcript(source: Source, where: str, item: Mapping[str, Any], said: list[Any]) -> Trace:
    model = model_name(str(item.get("model") or ""))
    specs = tools(item.get("tools"))
    trace = Trace(
        _name(source, where, item), NAME, str(source.path), where, task=_text(item.get("task_id", item.get("task"))),
        reward=_reward(item), labels=_labels(item), tools_told=bool(specs) or not _calls_tools(said),
    )  # fmt: skip
    history: list[Message] = []
    asked: dict[str, tuple[Any, int]] = {}
    for at, one in enumerate(said):
        made = message(one)
        if made is None:
            continue
        place = f"{where}, message {at + 1}"
        if made.role == "assistant":
            step = Step(Request(tuple(history), specs), made, model, usage(one.get("usage")), where=place)
            step.finish = "tool_calls" if made.tool_calls else "stop"
            for call in made.tool_calls:
                asked[call.id] = (call, len(trace.steps))
            trace.steps.append(step)
        elif made.role == "tool":
            _use(trace, asked, made, place)
        history.append(made)
    _harness(trace, item)
    return trace


def _use(trace: Trace, asked: Mapping[str, tuple[Any, int]], made: Message, place: str) -> None:
    found = asked.get(made.tool_call_id)
    if found is not None:
        call, step = found
        failed, error = failure(made.text)
        trace.tools.append(ToolUse(call, step, made.text, made, failed, error, where=place))


def _harness(trace: Trace, item: Mapping[str, Any]) -> None:
    """What a simulated user cost is not the agent's."""
    info = item.get("info")
    cost = info.get("user_cost") if isinstance(info, Mapping) else None
    if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0:
        key = Key(trace.id, "/", "complete", len(trace.steps))
        money = Money(Decimal(repr(cost)))
        trace.others.append(Event(f"{trace.id}:user", key, "model", "harness", "simulated user", money=money))


def _calls_tools(said: list[Any]) -> bool:
    return any(isinstance(one, Mapping) and (one.get("tool_calls") or one.get("function_call")) for one in said)


def _reward(item: Mapping[str, Any]) -> float | None:
    for key in ("reward", "score", "success"):
        value = item.get(key)
        if isinstance(value, int | float) and 0 <= value <= 1:
            return float(value)
    return None


def _labels(item: Mapping[str, Any]) -> dict[str, str]:
    labels = {key: str(item[key]) for key in ("trial",) if isinstance(item.get(key), str | int)}
    given = item.get("metadata", item.get("labels"))
    if isinstance(given, Mapping):
        labels |= {str(key): str(value) for key, value in given.items() if isinstance(value, str | int | float)}
    return labels


def _name(source: Source, where: str, item: Mapping[str, Any]) -> str:
    for key in ("run_id", "id", "trace_id", "session_id", "conversation_id"):
        if isinstance(item.get(key), str) and item[key]:
            return str(item[key])
    if "task_id" in item:
        trial = f" trial {item['trial']}" if "trial" in item else ""
        return f"task {item['task_id']}{trial}"
    return f"{source.path.name} {where}"


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


# -- request logs ------------------------------------------------------------------------------------


def _record(item: Mapping[str, Any]) -> Record | str:
    """A log line as a call; what it lacks where it is none."""
    body = _body(item) or {}
    sent, found = messages(body.get("messages")), _answer(item)
    if not sent:
        return "no messages"
    if found is None:
        return "no answer"
    answer, response = found
    choice = response["choices"][0]
    started = number(item, "started", "start_time", "created") or number(response, "created")
    seconds = item.get("seconds", item.get("duration", item.get("latency")))
    schema = body.get("response_format")
    return Record(
        sent, answer, tools(body.get("tools") or body.get("functions")),
        model_name(str(response.get("model") or body.get("model") or "")), usage(response.get("usage")),
        started=None if started is None else float(started),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        finish=FINISH.get(str(choice.get("finish_reason")), "stop"),
        schema=schema if isinstance(schema, Mapping) else None, effort=_effort(body), run=_run_name(item),
        labels=_labels(item), reward=_reward(item),
    )  # fmt: skip


def _run_name(item: Mapping[str, Any]) -> str:
    """The run that a line says it belongs to; empty where it does not say."""
    for key in ("run_id", "session_id", "conversation_id", "trace_id", "thread_id"):
        for place in (item, item.get("metadata")):
            if isinstance(place, Mapping) and isinstance(place.get(key), str):
                return str(place[key])
    return ""


def _answer(item: Mapping[str, Any]) -> tuple[Message, Mapping[str, Any]] | None:
    response = item.get("response", item)
    if isinstance(response, Mapping):
        response = response.get("body", response)
    choices = response.get("choices") if isinstance(response, Mapping) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return None
    said = message(choices[0].get("message"))
    return None if said is None else (said, response)


def _effort(body: Mapping[str, Any]) -> str | None:
    effort = body.get("reasoning_effort")
    return effort if isinstance(effort, str) else None
