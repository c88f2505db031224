"""A sample of an Inspect log as a run: its model and tool events, with attachments put in and messages shared.

Calls of scorers and of models in the role of a grader are `harness`. The input tokens that a log states include what
the cache served where input and output sum to its total, and do not where the cache's have to be added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.audit.calls import carriers
from scrimp.audit.names import model_name
from scrimp.audit.prompts import Prompts
from scrimp.audit.trace import Step, ToolUse, Totals, Trace
from scrimp.audit.wire_openai import dig, message, moment, number, quantity, rewarded, tools
from scrimp.core.messages import Finish, Request, ToolCall, ToolSpec
from scrimp.core.money import NOTHING
from scrimp.core.usage import NO_USAGE, Usage

NAME = "inspect"
ATTACHED = ("attachment://", "tc://")
VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""What the letters of Inspect's scorers are worth."""

SCORERS = ("scorer", "scorers")
JUDGES = ("grader", "judge", "scorer")
CACHED = "answers from Inspect's own cache cost nothing, and their tokens count as none"

FINISH: Mapping[str, Finish] = {"stop": "stop", "max_tokens": "length", "model_length": "length",
                                "tool_calls": "tool_calls", "content_filter": "error"}  # fmt: skip


def run_of(path: str, place: str, sample: Mapping[str, Any], info: Mapping[str, Any]) -> Trace:
    """The sample as a run.

    Args:
        place: where it stands in its log.
        info: what the log says of the evaluation.
    """
    name = f"{info.get('task') or 'task'}/{sample.get('id')}"
    epoch = str(sample.get("epoch", 1))
    trace = Trace(
        str(sample.get("uuid") or f"{name} epoch {epoch}"), NAME, path, place, task=name,
        reward=_reward(sample), labels={"epoch": epoch, "task": str(info.get("task") or "")},
        seconds=quantity(sample.get("total_time")), totals=_totals(sample.get("model_usage")),
    )  # fmt: skip
    _Sample(trace, sample).read()
    return trace


class _Sample:
    """The events of one sample, in their order."""

    def __init__(self, trace: Trace, sample: Mapping[str, Any]) -> None:
        self.trace, self.events = trace, _list(sample.get("events"))
        given = sample.get("attachments")
        self.attached: Mapping[str, Any] = given if isinstance(given, dict) else {}
        self.pool = _list(dig(sample, "events_data", "messages")) or _list(sample.get("message_pool"))
        self.prompts = Prompts(lambda raw: message(self._filled(raw)))
        self.specs: dict[tuple[str, ...], tuple[ToolSpec, ...]] = {}
        self.offered: tuple[Any, tuple[ToolSpec, ...]] = (None, ())
        self.spans: dict[str, tuple[bool, str]] = {}
        self.scoring = 0
        self.asked: dict[str, int] = {}

    def read(self) -> None:
        """Model calls as steps, tool calls as their uses."""
        trace = self.trace
        for place, event in _flat(self.events, f"{trace.where}, events"):
            kind = event.get("event")
            if trace.started is None:
                trace.started = moment(event.get("timestamp"))
            if kind == "span_begin":
                self._span(event)
            elif kind == "step" and event.get("type") in SCORERS:  # spans of logs before 2025-05
                self.scoring += 1 if event.get("action") == "begin" else -1
            elif kind == "model":
                self._model(event, place)
            elif kind == "tool":
                self._tool(event, place)
        carried = carriers(trace.steps)
        for use in trace.tools:
            use.message = carried.get(use.call.id)
            if use.message is not None:
                use.result = use.message.text
        if len({step.agent for step in trace.steps if step.component != "harness"}) < 2:
            for step in trace.steps:
                step.agent = ""

    def _span(self, event: Mapping[str, Any]) -> None:
        """What a span says of the calls inside it: whether they score, and which agent makes them."""
        harness, agent = self.spans.get(str(event.get("parent_id")), (False, ""))
        kind = event.get("type")
        self.spans[str(event.get("id"))] = (
            harness or kind in SCORERS, str(event.get("name") or "") if kind == "agent" else agent
        )  # fmt: skip

    def _model(self, event: Mapping[str, Any], place: str) -> None:
        """A call; one that gave nothing (an error, a call still open when the log ended) is none."""
        output = event.get("output")
        choice = next(iter(_list(dig(output, "choices"))), None)
        answer = self.prompts.message(dig(choice, "message"))
        if answer is None or not isinstance(output, dict) or not isinstance(choice, dict):
            return
        harness, agent = self.spans.get(str(event.get("span_id")), (False, ""))
        step = Step(
            Request(self.prompts.prompt(self._sent(event)), self._tools(event.get("tools"))), answer,
            model_name(str(event.get("model") or output.get("model") or "")), _usage(output.get("usage")),
            started=moment(event.get("timestamp")), seconds=quantity(output.get("time", event.get("working_time"))),
            finish=FINISH.get(str(choice.get("stop_reason")), "stop"), where=place, agent=agent,
        )  # fmt: skip
        if harness or self.scoring > 0 or event.get("role") in JUDGES:
            step.component = "harness"
        if event.get("cache") == "read":
            step.usage, step.cost = NO_USAGE, NOTHING
            if CACHED not in self.trace.notes:
                self.trace.notes.append(CACHED)
        for call in answer.tool_calls:
            self.asked[call.id] = len(self.trace.steps)
        self.trace.steps.append(step)

    def _sent(self, event: Mapping[str, Any]) -> list[Any]:
        """The messages of a prompt. Newer logs store each once, and a prompt as ranges (first, end) of those."""
        sent = _list(event.get("input"))
        if sent:
            return sent
        found: list[Any] = []
        for ref in _list(event.get("input_refs")):
            first, end = ref if isinstance(ref, list) and len(ref) == 2 else (ref, None)
            if isinstance(first, int) and first >= 0:
                found += self.pool[first : end if isinstance(end, int) else first + 1]
        return found

    def _tools(self, offered: Any) -> tuple[ToolSpec, ...]:
        """Tool schemas, the same object for the same ones."""
        if offered != self.offered[0]:
            specs = tools(self._filled(offered))
            self.offered = (offered, self.specs.setdefault(tuple(spec.hash for spec in specs), specs))
        return self.offered[1]

    def _tool(self, event: Mapping[str, Any], place: str) -> None:
        arguments = self._filled(event.get("arguments"))
        call = ToolCall(
            str(event.get("id") or ""), str(event.get("function") or ""),
            arguments if isinstance(arguments, dict) else None,
        )  # fmt: skip
        error = event.get("error")
        kind = str(error.get("type") or "error") if isinstance(error, dict) else "error" if event.get("failed") else ""
        result = self._filled(event.get("result"))
        self.trace.tools.append(
            ToolUse(
                call, self.asked.get(call.id, max(0, len(self.trace.steps) - 1)),
                result if isinstance(result, str) else None, None, bool(kind), kind, moment(event.get("timestamp")),
                quantity(event.get("working_time")), where=place,
            )
        )  # fmt: skip

    def _filled(self, value: Any) -> Any:
        """The value with attachments in their places."""
        if isinstance(value, str):
            if value.startswith(ATTACHED):
                return self.attached.get(value.partition("://")[2], value)
            return value
        if isinstance(value, dict):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        return value


def _flat(events: list[Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and value of every event; older logs keep those of a tool or a subtask inside its own event."""
    open_ = [(place, enumerate(events))]
    while open_:
        place, rest = open_[-1]
        at, event = next(rest, (-1, None))
        if at < 0:
            open_.pop()
        elif isinstance(event, dict):
            yield f"{place}[{at}]", event
            inner = event.get("events")
            if isinstance(inner, list) and inner:
                open_.append((f"{place}[{at}].events", enumerate(inner)))


def _usage(data: Any) -> Usage | None:
    """Usage as a log states it, normalised."""
    sent, written = number(data, "input_tokens"), number(data, "output_tokens")
    if sent is None or written is None:
        return None
    read, wrote = number(data, "input_tokens_cache_read") or 0, number(data, "input_tokens_cache_write") or 0
    total = number(data, "total_tokens")
    inside = read + wrote <= sent and total != sent + written + read + wrote
    fresh = sent - read - wrote if inside else sent
    return Usage(fresh, read, wrote, written, min(number(data, "reasoning_tokens") or 0, written))


def _totals(usage: Any) -> Totals:
    """What a sample states of its calls, all models together."""
    parts = [_usage(one) for one in usage.values()] if isinstance(usage, dict) else []
    told = [part for part in parts if part is not None]
    return Totals(sum(told, NO_USAGE) if parts and len(told) == len(parts) else None)


def _reward(sample: Mapping[str, Any]) -> float | None:
    """What the first scorer said, 0 to 1."""
    scores = sample.get("scores")
    first = next(iter(scores.values()), None) if isinstance(scores, dict) else sample.get("score")
    value = dig(first, "value")
    return VALUES.get(value) if isinstance(value, str) else rewarded(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
