"""A recorded run, as every reader gives it: its model calls with the whole prompt of each, and what its tools did.

A Trace holds what the record holds and nothing else: what a record does not tell is None, never 0 and never a guess.
Filling the gaps (tokens, prices) is `measure.py`'s work, which marks what it estimated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scrimp.core.events import Component, Event, RetryKind
from scrimp.core.messages import Finish, Message, Request, ToolCall
from scrimp.core.money import Money
from scrimp.core.usage import Usage


@dataclass(slots=True)
class Step:
    """One model call of a recorded run.

    Attributes:
        request: everything the model was sent, as far as the record tells. A message that was sent again is the same
            object in both requests: what was re-sent, and what a cache could serve, is read off that.
        answer: what it wrote; also the very object that later requests send back.
        model: as scrimp names it (`openai:gpt-4o`); empty where the record does not say.
        usage: as recorded, normalised (`input` is fresh tokens only); None where the record does not say.
        cost: as recorded.
        started: seconds since the epoch; `seconds` is how long the call took.
        component: as recorded; empty where it has to be told from what the call did.
        agent: who asked, where the run has several.
        where: place in the file, for people: `line 14`, `events[12]`.
        reasoning: what the model thought aloud and was billed for, where the record has it and `answer` does not.
        event: the event itself, where the record is a journal of ours.
    """

    request: Request
    answer: Message
    model: str = ""
    usage: Usage | None = None
    cost: Money | None = None
    started: float | None = None
    seconds: float | None = None
    finish: Finish = "stop"
    attempt: int = 1
    retry: RetryKind = ""
    component: Component | None = None
    agent: str = ""
    prompt: str = ""
    where: str = ""
    reasoning: str = ""
    event: Event | None = None


@dataclass(slots=True)
class ToolUse:
    """One tool call that was carried out.

    Attributes:
        step: index of the Step that asked for it.
        result: the text the agent got; None where the record has none. `message` is the message that carried it.
        failed: whether it failed; None where the record does not say.
        error: what failed, in a form that stays the same when it fails the same way again (`TimeoutError`,
            `exit 1`, the first line of the error); empty where nothing did.
        cost: as recorded or as the record's own price list has it; None where nobody said.
    """

    call: ToolCall
    step: int
    result: str | None = None
    message: Message | None = None
    failed: bool | None = None
    error: str = ""
    started: float | None = None
    seconds: float | None = None
    cost: Money | None = None
    where: str = ""
    event: Event | None = None


@dataclass(slots=True)
class Totals:
    """What a record states of the run as a whole; None where it does not."""

    usage: Usage | None = None
    cost: Money | None = None
    calls: int | None = None


@dataclass(slots=True)
class Trace:
    """One recorded run.

    Attributes:
        id: as the record has it, else made of path and place; the same file gives the same ids.
        source: name of the reader (`openai-chat`, `inspect`...).
        path, where: the file, and the place in it.
        others: what else cost something: memory accesses, embeddings, messages between agents, a simulated user's or a
            judge's calls (component `harness`), as Events with their own money.
        task: name of the task, the same for repeated runs of one task; empty where the record does not say.
        reward: 0 to 1; None where the record does not say how the run ended.
        labels: the user's own (`team`, `epoch`, `trial`).
        parent: id of the run that started this one, for sub-agents that have records of their own.
        seconds: wall time of the run.
        tools_told: whether `request.tools` holds what was really sent; False where schemas have to be reconstructed.
        totals: what the record states of the whole.
        notes: what the reader had to assume, one sentence each.
    """

    id: str
    source: str
    path: str
    where: str = ""
    steps: list[Step] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    others: list[Event] = field(default_factory=list)
    task: str = ""
    reward: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    parent: str = ""
    started: float | None = None
    seconds: float | None = None
    tools_told: bool = True
    totals: Totals = field(default_factory=Totals)
    notes: list[str] = field(default_factory=list)
