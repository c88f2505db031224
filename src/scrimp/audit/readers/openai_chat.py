"""OpenAI chat transcripts: JSON lines or one document, as tau-bench writes them, as plain messages, or as request logs.

A transcript holds one run: every assistant message is a call whose prompt was all messages before it. A request log
holds one call a line: a call whose messages go on from an earlier call's belongs to that call's run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.audit.wire_openai import message, messages, number, tools, usage
from scrimp.core.events import Event, Key
from scrimp.core.messages import Finish, Message, Request, ToolSpec
from scrimp.core.money import Money

NAME = "openai-chat"
OPEN_RUNS = 64
"""Runs of a request log that a later line may go on with; the one that was quiet longest is closed first."""

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
    log = _Log(source)
    for number_, item in _items(source):
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
            yield from log.add(number_, item)
        else:
            source.skip(number_, "neither messages nor a request")
    yield from log.rest()


def _items(source: Source) -> Iterator[tuple[str, Any]]:
    """Place and value of every record: a line each, or the elements of one document."""
    with source.open() as file:
        start = file.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n")
    line = start.partition(b"\n")[0]
    whole = start[:1] == b"[" or (start[:1] == b"{" and not line.rstrip().endswith(b"}") and b"\n" in start)
    if not whole:
        for at, value in source.json_lines():
            yield f"line {at}", value
        return
    document = source.document()
    for at, value in enumerate(document if isinstance(document, list) else [document]):
        yield f"item {at + 1}", value


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


def failure(text: str) -> tuple[bool | None, str]:
    """Whether a tool's result plainly says that it failed, and of what kind; None where it does not say."""
    start = text.lstrip()[:200]
    lower = start.lower()
    if lower.startswith(("error", "traceback (most recent call last)", "exception", "failed:", "错误", "失败")):
        line = text.strip().splitlines()[-1] if lower.startswith("traceback") else start.splitlines()[0]
        return True, line.partition(":")[0][:80] if lower.startswith("traceback") else line[:80]
    if lower.startswith(('{"error"', "{'error'")):
        return True, start[:80]
    return None, ""


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


class _Log:
    """Calls, one a line, put together into runs: by a name that they share, else by how their messages go on."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.open: dict[str, Trace] = {}
        self.known: dict[str, dict[str, Message]] = {}
        self.specs: dict[str, tuple[ToolSpec, ...]] = {}
        self.ends: dict[tuple[str, str], str] = {}

    def add(self, where: str, item: Mapping[str, Any]) -> Iterator[Trace]:
        """Take a call; runs that are closed by it."""
        body = _body(item) or {}
        sent = messages(body.get("messages"))
        answer = _answer(item)
        if answer is None or not sent:
            self.source.skip(where, "no answer" if sent else "no messages")
            return
        name = self._run(item, sent) or f"{self.source.path.name} {where}"
        trace = self.open.pop(name, None)
        if trace is None:
            trace = Trace(name, NAME, str(self.source.path), where, labels=_labels(item), reward=_reward(item))
            self.known[name] = {}
        self.open[name] = trace
        trace.steps.append(self._step(name, where, item, body, sent, answer))
        self._uses(trace)
        self.ends[_end(sent, answer[0])] = name
        while len(self.open) > OPEN_RUNS:
            yield self._close(next(iter(self.open)))

    def rest(self) -> Iterator[Trace]:
        """The runs that are still open."""
        while self.open:
            yield self._close(next(iter(self.open)))

    def _close(self, name: str) -> Trace:
        self.known.pop(name, None)
        self.ends = {end: run for end, run in self.ends.items() if run != name}
        return self.open.pop(name)

    def _run(self, item: Mapping[str, Any], sent: list[Message]) -> str:
        """The run that a call belongs to; empty where it begins one."""
        given = item.get("metadata") if isinstance(item.get("metadata"), Mapping) else {}
        for key in ("run_id", "session_id", "conversation_id", "trace_id", "thread_id"):
            for place in (item, given):
                if isinstance(place, Mapping) and isinstance(place.get(key), str):
                    return str(place[key])
        said = next((at for at in range(len(sent) - 1, -1, -1) if sent[at].role == "assistant"), None)
        return "" if said is None else self.ends.get(_end(sent[:said], sent[said]), "")

    def _step(
        self, name: str, where: str, item: Mapping[str, Any], body: Mapping[str, Any], sent: list[Message],
        answer: tuple[Message, Mapping[str, Any]],
    ) -> Step:  # fmt: skip
        known = self.known[name]
        shared = tuple(known.setdefault(one.hash, one) for one in sent)
        said, response = answer
        said = known.setdefault(said.hash, said)
        specs = tools(body.get("tools") or body.get("functions"))
        key = "".join(spec.hash for spec in specs)
        choice = (response.get("choices") or [{}])[0]
        started = number(item, "started", "start_time", "created") or number(response, "created")
        seconds = item.get("seconds", item.get("duration", item.get("latency")))
        schema = body.get("response_format")
        return Step(
            Request(
                shared, self.specs.setdefault(key, specs), schema if isinstance(schema, Mapping) else None,
                number(body, "max_completion_tokens", "max_tokens"), effort=_effort(body),
            ),
            said, model_name(str(response.get("model") or body.get("model") or "")), usage(response.get("usage")),
            started=None if started is None else float(started),
            seconds=float(seconds) if isinstance(seconds, int | float) else None,
            finish=FINISH.get(str(choice.get("finish_reason")), "stop"), where=where,
        )  # fmt: skip

    def _uses(self, trace: Trace) -> None:
        """Tool results that this call sent for the first time."""
        step = trace.steps[-1]
        asked = {call.id: (call, at) for at, one in enumerate(trace.steps[:-1]) for call in one.answer.tool_calls}
        done = {id(use.message) for use in trace.tools}
        for one in step.request.messages:
            if one.role == "tool" and id(one) not in done:
                _use(trace, asked, one, step.where)


def _end(sent: list[Message], answer: Message) -> tuple[str, str]:
    """By what a call is found again: how many messages it had with its answer, what came first and what last."""
    return f"{len(sent)}:{sent[0].hash if sent else ''}:{sent[-1].hash if sent else ''}", answer.hash


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
