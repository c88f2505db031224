"""OpenAI chat transcripts: JSON lines or one document, as tau-bench writes them, as plain messages, or as request logs.

A transcript holds one run: every assistant message is a call whose prompt was all messages before it. A request log
holds one call a line: a call whose messages go on from an earlier call's belongs to that call's run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scrimp.audit.calls import Calls, Record, failure
from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Step, ToolUse, Totals, Trace
from scrimp.audit.wire_openai import (
    ROLES,
    as_dict,
    began,
    dig,
    message,
    messages,
    moment,
    number,
    quantity,
    rewarded,
    thoughts,
    took,
    tools,
    usage,
)  # fmt: skip
from scrimp.core.events import Event, Key
from scrimp.core.messages import Finish, Message, Request
from scrimp.core.money import Money

NAME = "openai-chat"
FINISH: Mapping[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls",
                                "function_call": "tool_calls", "content_filter": "error"}  # fmt: skip


def sniff(head: Head) -> bool:
    """Whether it holds chat messages."""
    first = head.first
    while isinstance(first, list):
        first = first[0] if first else None
    if isinstance(first, Mapping):
        return _conversation(first) is not None or _body(first) is not None or _is_message(first)
    text = head.text
    if text[:1] == "[":
        return head.has("role", "content")
    return text[:1] == "{" and head.has("role", "content") and ('"messages"' in text or '"traj"' in text)


def read(source: Source) -> Iterator[Trace]:
    """The runs of a file."""
    log = Calls(source, NAME)
    bare: list[Any] = []
    for place, item in source.items():
        if _is_message(item):
            bare.append(item)
        else:
            whole = isinstance(item, list) and any(map(_is_message, item))
            yield from _record_of(source, log, place, {"messages": item} if whole else item)
    yield from log.rest()
    if bare:  # a file that is one conversation, a message a line or an element
        yield from _record_of(source, log, "", {"messages": bare})


def _record_of(source: Source, log: Calls, place: str, item: Any) -> Iterator[Trace]:
    """The run of a transcript, or the runs that a call of a log closes."""
    if not isinstance(item, Mapping):
        source.skip(place, "no object")
        return
    said = _conversation(item)
    if said is not None:
        trace = _transcript(source, place, item, said)
        if trace.steps:
            yield trace
        else:
            source.skip(place, "no message of a model")
    elif _body(item) is not None:
        record = _record(item)
        if isinstance(record, str):
            source.skip(place, record)
        else:
            yield from log.add(place, record)
    else:
        source.skip(place, "neither messages nor a request")


def _is_message(item: Any) -> bool:
    """Whether it is a message by itself."""
    return isinstance(item, Mapping) and item.get("role") in ROLES and ("content" in item or "tool_calls" in item)


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
    request = _opened(item.get("request", item if "choices" in item else item.get("body")))
    return request if request is not None and isinstance(request.get("messages"), list) else None


def _opened(value: Any) -> Mapping[str, Any] | None:
    """A request or a response, out of its text, and out of the envelope that batches put around it."""
    made = as_dict(value) if isinstance(value, str) else value
    body = dig(made, "body")
    if body is not None:
        made = as_dict(body) if isinstance(body, str) else body
    return made if isinstance(made, Mapping) else None


# -- transcripts -------------------------------------------------------------------------------------


def _transcript(source: Source, where: str, item: Mapping[str, Any], said: list[Any]) -> Trace:
    info = dig(item, "info")
    model = model_name(str(item.get("model") or dig(info, "config", "model", "model_name") or ""))
    specs = tools(item.get("tools") or item.get("functions"))
    trace = Trace(
        _name(source, where, item), NAME, str(source.path), where, task=_task(item), reward=_reward(item),
        labels=_labels(item), tools_told=bool(specs) or not _calls_tools(said), totals=_totals(info),
    )  # fmt: skip
    history: list[Message] = []
    asked: dict[str, tuple[Any, int]] = {}
    for at, one in enumerate(said):
        made = message(one)
        if made is None:
            continue
        place = f"{where}, message {at + 1}" if where else f"message {at + 1}"
        if made.role == "assistant":
            answered = dig(one, "extra", "response")  # mini-SWE-agent keeps it whole
            step = Step(Request(tuple(history), specs), made, model, usage(one.get("usage") or dig(answered, "usage")))
            step.where, step.reasoning = place, thoughts(one)
            step.model = model or model_name(str(one.get("model") or dig(answered, "model") or ""))
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


def _totals(info: Any) -> Totals:
    """What mini-SWE-agent states of the run as a whole. Its zeros are models whose price it does not know."""
    stats = dig(info, "model_stats")
    cost = quantity(dig(stats, "instance_cost"))
    return Totals(cost=Money(Decimal(repr(cost))) if cost else None, calls=number(stats, "api_calls") or None)


def _harness(trace: Trace, item: Mapping[str, Any]) -> None:
    """What a simulated user cost is not the agent's."""
    cost = quantity(dig(item, "info", "user_cost"))
    if cost is not None:
        key = Key(trace.id, "/", "complete", len(trace.steps))
        money = Money(Decimal(repr(cost)))
        trace.others.append(Event(f"{trace.id}:user", key, "model", "harness", "simulated user", money=money))


def _calls_tools(said: list[Any]) -> bool:
    return any(isinstance(one, Mapping) and (one.get("tool_calls") or one.get("function_call")) for one in said)


def _reward(item: Mapping[str, Any]) -> float | None:
    found = (rewarded(item.get(key)) for key in ("reward", "score", "success"))
    return next((one for one in found if one is not None), None)


def _task(item: Mapping[str, Any]) -> str:
    found = (_text(item.get(key)) for key in ("task_id", "task", "instance_id"))
    return next(filter(None, found), "")


def _labels(*places: Mapping[str, Any]) -> dict[str, str]:
    """The user's own labels, from the record and from the request in it."""
    labels: dict[str, str] = {}
    for place in places:
        given = place.get("metadata", place.get("labels"))
        if isinstance(given, Mapping):
            labels |= {str(key): str(value) for key, value in given.items() if isinstance(value, str | int | float)}
        labels |= {key: str(place[key]) for key in ("trial",) if isinstance(place.get(key), str | int)}
    return labels


def _name(source: Source, where: str, item: Mapping[str, Any]) -> str:
    for key in ("run_id", "id", "trace_id", "session_id", "conversation_id", "instance_id"):
        if isinstance(item.get(key), str) and item[key]:
            return str(item[key])
    if "task_id" in item:
        trial = f" trial {item['trial']}" if "trial" in item else ""
        return f"task {item['task_id']}{trial}"
    return f"{source.path.name} {where}".rstrip()


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
    schema = body.get("response_format")
    return Record(
        sent, answer, tools(body.get("tools") or body.get("functions")),
        model_name(str(response.get("model") or body.get("model") or "")), usage(response.get("usage")),
        started=_started(item, response), seconds=took(item),
        finish=FINISH.get(str(choice.get("finish_reason")), "stop"),
        schema=schema if isinstance(schema, Mapping) else None, effort=_effort(body),
        reasoning=thoughts(choice["message"]), run=_run_name(item, body), labels=_labels(body, item),
        reward=_reward(item),
    )  # fmt: skip


def _started(item: Mapping[str, Any], response: Mapping[str, Any]) -> float | None:
    """When a call began; where nothing better is told, when the response was made, in whole seconds."""
    told = began(item)
    return moment(response.get("created")) if told is None else told


def _run_name(*places: Mapping[str, Any]) -> str:
    """The run that a line says it belongs to; empty where it does not say."""
    for key in ("run_id", "session_id", "conversation_id", "trace_id", "thread_id"):
        for place in places:
            for value in (place.get(key), dig(place, "metadata", key)):
                if isinstance(value, str) and value:
                    return value
    return ""


def _answer(item: Mapping[str, Any]) -> tuple[Message, Mapping[str, Any]] | None:
    response = _opened(item.get("response", item if "choices" in item else None))
    choices = None if response is None else response.get("choices")
    if response is None or not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return None
    said = message(choices[0].get("message"))
    return None if said is None else (said, response)


def _effort(body: Mapping[str, Any]) -> str | None:
    effort = body.get("reasoning_effort")
    return effort if isinstance(effort, str) else None
