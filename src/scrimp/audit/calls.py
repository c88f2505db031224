"""Calls, one record each, put together into runs: by a name that they share, else by how their messages go on.

What request logs of any provider have in common; a reader says what a record holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scrimp.audit.prompts import identity
from scrimp.audit.reading import Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.core.messages import Finish, Message, Request, ToolCall, ToolSpec
from scrimp.core.money import Money
from scrimp.core.usage import Usage

OPEN_RUNS = 64
"""Runs that a later record may go on with; the one that was quiet longest is closed first."""


@dataclass
class Record:
    """One call as a record holds it. `run` names the run it belongs to; empty where nothing does.

    `failures` says of tool results, by call id, whether they failed and how.
    """

    sent: Sequence[Message]
    answer: Message
    tools: tuple[ToolSpec, ...] = ()
    model: str = ""
    usage: Usage | None = None
    cost: Money | None = None
    started: float | None = None
    seconds: float | None = None
    finish: Finish = "stop"
    schema: Mapping[str, Any] | None = None
    effort: str | None = None
    reasoning: str = ""
    run: str = ""
    agent: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    reward: float | None = None
    failures: Mapping[str, tuple[bool | None, str]] = field(default_factory=dict)


class Calls:
    """Runs under way in a log."""

    def __init__(self, source: Source, name: str) -> None:
        self.source, self.name = source, name
        self._open: dict[str, Trace] = {}
        self._known: dict[str, dict[Any, Message]] = {}
        self._specs: dict[tuple[str, ...], tuple[ToolSpec, ...]] = {}
        self._ends: dict[tuple[int, str, str], str] = {}

    def add(self, where: str, record: Record) -> Iterator[Trace]:
        """Take a call; yields runs that are closed by it."""
        name = record.run or self._goes_on(record.sent) or f"{self.source.path.name} {where}"
        trace = self._open.pop(name, None)
        if trace is None:
            trace = Trace(
                name, self.name, str(self.source.path), where, labels=dict(record.labels), reward=record.reward
            )
            self._known[name] = {}
        self._open[name] = trace  # last in the order of closing
        trace.reward = record.reward if record.reward is not None else trace.reward
        trace.steps.append(self._step(name, where, record))
        self._uses(trace, record)
        self._ends[_end(record.sent, record.answer)] = name
        while len(self._open) > OPEN_RUNS:
            yield self._close(next(iter(self._open)))

    def rest(self) -> Iterator[Trace]:
        """The runs that are still open."""
        while self._open:
            yield self._close(next(iter(self._open)))

    def _close(self, name: str) -> Trace:
        self._known.pop(name, None)
        self._ends = {end: run for end, run in self._ends.items() if run != name}
        return self._open.pop(name)

    def _goes_on(self, sent: Sequence[Message]) -> str:
        """The run whose last call's prompt and answer this prompt begins with; empty for none."""
        said = next((at for at in range(len(sent) - 1, -1, -1) if sent[at].role == "assistant"), None)
        return "" if said is None else self._ends.get(_end(sent[:said], sent[said]), "")

    def _step(self, name: str, where: str, record: Record) -> Step:
        known = self._known[name]
        sent = tuple(shared(known, message) for message in record.sent)
        key = tuple(spec.hash for spec in record.tools)
        request = Request(sent, self._specs.setdefault(key, record.tools), record.schema, effort=record.effort)
        return Step(
            request, shared(known, record.answer), record.model, record.usage, record.cost, record.started,
            record.seconds, record.finish, agent=record.agent, where=where, reasoning=record.reasoning,
        )  # fmt: skip

    def _uses(self, trace: Trace, record: Record) -> None:
        """Tool results that this call sent for the first time."""
        asked: dict[str, list[tuple[ToolCall, int]]] = {}
        for at, one in enumerate(trace.steps[:-1]):
            for call in one.answer.tool_calls:
                asked.setdefault(call.id, []).append((call, at))
        done = Counter(use.call.id for use in trace.tools)
        seen: Counter[str] = Counter()  # some servers, and all older records, use one id again and again
        last = trace.steps[-1]
        for message in last.request.messages:
            name = message.tool_call_id
            if message.role != "tool" or name not in asked:
                continue
            seen[name] += 1
            if done[name] < seen[name] <= len(asked[name]):
                call, step = asked[name][seen[name] - 1]
                done[name] = seen[name]
                failed, error = record.failures.get(name) or failure(message.text)
                trace.tools.append(ToolUse(call, step, message.text, message, failed, error, where=last.where))


def shared(known: dict[Any, Message], message: Message) -> Message:
    """The one object of equal messages."""
    return known.setdefault(identity(message), message)


def carriers(steps: Iterable[Step]) -> dict[str, Message]:
    """The messages that carried tools' results, by the ids of the calls that they answer."""
    found: dict[str, Message] = {}
    for step in steps:
        for message in step.request.messages:
            if message.role == "tool":
                found.setdefault(message.tool_call_id, message)
    return found


def failure(text: str) -> tuple[bool | None, str]:
    """Whether a tool's result plainly says that it failed, and of what kind; None where it does not say."""
    start = text.lstrip()[:200]
    lower = start.lower()
    if lower.startswith("traceback (most recent call last)"):
        return True, text.strip().splitlines()[-1].partition(":")[0][:80]
    if lower.startswith(("error", "exception", "failed:", "错误", "失败", '{"error"', "{'error'")):
        return True, start.splitlines()[0][:80]
    return None, ""


def _end(sent: Sequence[Message], answer: Message) -> tuple[int, str, str]:
    """By what a call is found again: how many messages it had, the last of them, and its answer."""
    return len(sent), sent[-1].hash if sent else "", answer.hash
