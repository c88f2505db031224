"""Spans, put together into runs: what OpenTelemetry, LangSmith and Langfuse have in common.

A reader says of each span what it is; here spans of one trace become a run: model calls in the order they began, tool
calls by their times, agents by the spans they stand in, judges apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scrimp.audit.calls import carriers, failure
from scrimp.audit.reading import Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.audit.wire_openai import LARGEST, quantity
from scrimp.core.events import Event, Key
from scrimp.core.events import Kind as EventKind
from scrimp.core.messages import Finish, Message, Request, ToolCall, ToolSpec
from scrimp.core.money import NOTHING, Money
from scrimp.core.usage import NO_USAGE, Usage

Kind = Literal["model", "tool", "embed", "memory_read", "agent", "judge", "other"]

HELD = 50_000
"""Spans that are held at once; above, the runs that were quiet longest are closed."""


@dataclass
class Span:
    """One span, as its reader understood it.

    Attributes:
        run: name of the run it belongs to (a trace, or a session of several).
        tools: schemas that the model was offered; None where the record does not hold them.
        error: what failed, empty where nothing did.
    """

    id: str
    run: str
    kind: Kind
    parent: str = ""
    name: str = ""
    where: str = ""
    started: float | None = None
    seconds: float | None = None
    sent: list[Message] = field(default_factory=list)
    answer: Message | None = None
    tools: tuple[ToolSpec, ...] | None = None
    model: str = ""
    usage: Usage | None = None
    cost: Money | None = None
    finish: Finish = "stop"
    reasoning: str = ""
    call: ToolCall | None = None
    result: str | None = None
    error: str = ""
    agent: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    reward: float | None = None
    task: str = ""


class Spans:
    """Runs under way."""

    def __init__(self, source: Source, name: str) -> None:
        self.source, self.name = source, name
        self._runs: dict[str, list[Span]] = {}
        self._held = 0

    def add(self, span: Span) -> Iterator[Trace]:
        """Take a span; yields runs that had to be closed for it."""
        spans = self._runs.pop(span.run, [])
        spans.append(span)
        self._runs[span.run] = spans
        self._held += 1
        while self._held > HELD and len(self._runs) > 1:
            yield from self._close(next(iter(self._runs)))

    def rest(self) -> Iterator[Trace]:
        """The runs that are left."""
        while self._runs:
            yield from self._close(next(iter(self._runs)))

    def _close(self, name: str) -> Iterator[Trace]:
        spans = self._runs.pop(name)
        self._held -= len(spans)
        trace = made(self.source, self.name, name, spans)
        if trace.steps or trace.others:
            yield trace
        else:
            self.source.skip(spans[0].where, "a trace without a call of a model")


def made(source: Source, reader: str, name: str, spans: list[Span]) -> Trace:
    """The run that some spans are."""
    spans = sorted(spans, key=lambda span: span.started if span.started is not None else 0.0)
    by_id = {span.id: span for span in spans}
    trace = Trace(name, reader, str(source.path), spans[0].where)
    known: dict[str, Message] = {}
    specs: dict[tuple[str, ...], tuple[ToolSpec, ...]] = {}
    offered = False
    for span in spans:
        trace.labels = {**span.labels, **trace.labels}
        trace.reward = trace.reward if span.reward is None else span.reward
        trace.task = trace.task or span.task
        if span.kind == "model" and span.answer is not None:
            offered = offered or span.tools is not None
            trace.steps.append(_step(span, by_id, known, specs))
        elif span.kind in ("embed", "memory_read"):
            trace.others.append(_event(trace, span))
    for span in spans:
        if span.kind == "tool" and span.call is not None:
            trace.tools.append(_use(trace, span))
    trace.tools_told = offered or not trace.tools
    _carried(trace)
    times = [span.started for span in spans if span.started is not None]
    ends = [span.started + span.seconds for span in spans if span.started is not None and span.seconds is not None]
    if times and ends:
        trace.started, trace.seconds = min(times), max(ends) - min(times)
    return trace


def _step(
    span: Span, by_id: Mapping[str, Span], known: dict[str, Message], specs: dict[tuple[str, ...], tuple[ToolSpec, ...]]
) -> Step:
    assert span.answer is not None
    sent = tuple(known.setdefault(message.hash, message) for message in span.sent)
    offered = span.tools or ()
    request = Request(sent, specs.setdefault(tuple(spec.hash for spec in offered), offered))
    step = Step(
        request, known.setdefault(span.answer.hash, span.answer), span.model, span.usage, span.cost, span.started,
        span.seconds, span.finish, agent=span.agent or _agent(span, by_id), where=span.where, reasoning=span.reasoning,
    )  # fmt: skip
    if _judged(span, by_id):
        step.component = "harness"
    return step


def _above(span: Span, by_id: Mapping[str, Span]) -> Iterator[Span]:
    """The spans that a span stands in, innermost first."""
    seen = {span.id}
    while span.parent in by_id and span.parent not in seen:
        span = by_id[span.parent]
        seen.add(span.id)
        yield span


def _agent(span: Span, by_id: Mapping[str, Span]) -> str:
    """The agent that made a call; empty for the outermost, which is the run's own."""
    agents = [above for above in _above(span, by_id) if above.kind == "agent"]
    return agents[0].name if len(agents) > 1 else ""


def _judged(span: Span, by_id: Mapping[str, Span]) -> bool:
    return any(above.kind == "judge" for above in _above(span, by_id))


def _event(trace: Trace, span: Span) -> Event:
    """An embedding, or a look into a memory."""
    key = Key(trace.id, "/", span.kind, len(trace.others))
    kind: EventKind = "embed" if span.kind == "embed" else "memory_read"
    return Event(
        f"{trace.id}:{span.id}", key, kind, "memory", span.model or span.name,
        usage=span.usage or NO_USAGE, money=span.cost or NOTHING, busy_us=round((span.seconds or 0.0) * 1e6),
        started=span.started or 0.0, phase="read",
    )  # fmt: skip


def _use(trace: Trace, span: Span) -> ToolUse:
    """A tool call, with the step that asked for it: by the call's id, else the last of its name before it began."""
    assert span.call is not None
    asked = [
        (at, call) for at, step in enumerate(trace.steps) for call in step.answer.tool_calls
        if (call.id and call.id == span.call.id) or (call.name == span.call.name and not span.call.id)
    ]  # fmt: skip
    before = [
        (at, call) for at, call in asked
        if span.started is None or (trace.steps[at].started or 0.0) <= span.started
    ]  # fmt: skip
    at, call = (before or asked or [(max(0, len(trace.steps) - 1), span.call)])[-1]
    failed, error = (True, span.error) if span.error else failure(span.result or "")
    if span.call.arguments is not None:
        call = ToolCall(call.id, span.call.name, span.call.arguments)
    return ToolUse(
        call, at, span.result, None, failed, error, span.started, span.seconds, span.cost, span.where,
    )  # fmt: skip


def _carried(trace: Trace) -> None:
    """The messages that carried results, by call; calls without a span of their own are taken from the messages."""
    carried = carriers(trace.steps)
    for use in trace.tools:
        use.message = carried.get(use.call.id)
        if use.message is not None:
            use.result = use.message.text
    told = {use.call.id for use in trace.tools}
    for at, step in enumerate(trace.steps):
        for call in step.answer.tool_calls:
            answered = carried.get(call.id)
            if call.id not in told and answered is not None:
                failed, error = failure(answered.text)
                trace.tools.append(ToolUse(call, at, answered.text, answered, failed, error, where=step.where))


def number_of(value: Any, most: int = LARGEST) -> float | None:
    """A number of something, also one that is written as text; None where it is none."""
    try:
        return quantity(float(value) if isinstance(value, str) else value, most)
    except ValueError:
        return None
