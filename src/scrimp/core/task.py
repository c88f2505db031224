"""What an agent is asked, what it answers, and what the answer was worth.

A Task carries no gold: gold answers stay in the Benchmark, keyed by task id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from scrimp.core.messages import Message, Part, ToolCall
from scrimp.core.tool import Tool


@dataclass(frozen=True)
class Episode:
    """Something that happened and may be worth remembering."""

    text: str
    owner: str = ""
    source: str = ""
    at: float = 0.0
    messages: tuple[Message, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """An input.

    Attributes:
        answer_with: `text` asks for an answer in words; `calls` asks for the tool calls themselves,
            which are then not run (function-calling benchmarks).
        background: what a memory recalled for this task; planners show it before the question.
        history: what was said or read before, oldest first. A System with a memory has it written there, once for
            all tasks of one `owner`; one without is shown it whole, as background.
        owner: whose memory is asked.
        at: the moment of asking, in seconds since the epoch; 0 for now.
        remembered: whether the run is written into the memory when it is over. A question about a history is not.
        steps: how many turns the benchmark allows; 0 where it does not say.
        environment: name of the Environment the task needs, empty for none.
        labels: facts about the task that may be shown anywhere (category, split); never gold.
        query: what is asked, without instructions on the form of the answer: a memory is searched by it. The text where
            empty.
    """

    id: str
    text: str
    tools: tuple[Tool, ...] = ()
    attachments: tuple[Part, ...] = ()
    answer_with: Literal["text", "calls"] = "text"
    background: str = ""
    history: tuple[Episode, ...] = ()
    owner: str = ""
    at: float = 0.0
    remembered: bool = True
    environment: str = ""
    steps: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


@dataclass(frozen=True)
class Answer:
    """What a planner returns: words, or the calls where the task asked for calls.

    `partial` marks the best that was had when the budget ended; `state` is how the run left its environment, which
    the scorer alone sees.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    partial: bool = False
    state: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"text": self.text, "partial": self.partial}
        if self.calls:
            out["calls"] = [call.to_json() for call in self.calls]
        return out


@dataclass(frozen=True)
class Score:
    """What an answer was worth: `value` from 0 to 1, `success` by the benchmark's own rule."""

    value: float
    success: bool
    detail: str = ""


def task_to_json(task: Task) -> dict[str, Any]:
    """A task as the journal keeps it: its tools as descriptions, without their functions."""
    return {
        "id": task.id,
        "text": task.text,
        "tools": [
            {
                **tool.spec.to_json(),
                "price": None if tool.price is None else str(tool.price),
                "pure": tool.pure,
                "acts": tool.acts,
            }
            for tool in task.tools
        ],
        "attachments": [part.to_json() for part in task.attachments],
        "answer_with": task.answer_with,
        "background": task.background,
        "history": [
            {"text": one.text, "owner": one.owner, "source": one.source, "at": one.at, "labels": dict(one.labels)}
            for one in task.history
        ],
        "owner": task.owner,
        "at": task.at,
        "remembered": task.remembered,
        "environment": task.environment,
        "steps": task.steps,
        "labels": dict(task.labels),
        "query": task.query,
    }


def task_from_json(data: Mapping[str, Any]) -> Task:
    """The inverse of `task_to_json`; the tools can be offered but not run."""
    tools = tuple(
        Tool(
            item["name"],
            item["description"],
            item["parameters"],
            price=None if item["price"] is None else Decimal(item["price"]),
            pure=item["pure"],
            acts=item.get("acts", False),
        )
        for item in data["tools"]
    )
    attachments = Message.from_json({"role": "user", "parts": data["attachments"]}).parts
    history = tuple(Episode(**one) for one in data.get("history", ()))
    return Task(
        data["id"], data["text"], tools, attachments, data["answer_with"], data["background"], history,
        data.get("owner", ""), data.get("at", 0.0), data.get("remembered", True), data["environment"],
        data.get("steps", 0), data["labels"], data.get("query", ""),
    )  # fmt: skip
