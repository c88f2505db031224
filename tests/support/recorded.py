"""Recorded runs for the tests of the audit, built from plain turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scrimp.audit.measure import Book, Run, measure
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.core.messages import Image, Message, Request, ToolCall, ToolSpec, assistant, observation, system, user
from scrimp.models.prices import load

MODEL = "openai:gpt-4o"
FILLER = "The quick brown fox jumps over the lazy dog near the river bank on a sunny day in May. "


def words(tokens: int) -> str:
    """A text of about so many tokens."""
    return (FILLER * (tokens // 20 + 1))[: tokens * 5]


def call(_name: str, _id: str = "", **arguments: Any) -> ToolCall:
    return ToolCall(_id or f"call_{_name}_{abs(hash(str(arguments))) % 9999}", _name, arguments)


def spec(name: str, description: str = "", **properties: Any) -> ToolSpec:
    return ToolSpec(name, description, {"type": "object", "properties": properties})


def trace(
    *turns: Any,
    instructions: str = "You help.",
    tools: Sequence[ToolSpec] = (),
    model: str = MODEL,
    gap: float | None = None,
    seconds: float | None = None,
    **fields: Any,
) -> Trace:
    """A run from its turns, append-only.

    Each turn is what came next: a str or Image is said by the user; `[ToolCall, ...]` or `("text", [ToolCall, ...])`
    is a model call that asks for tools; a dict gives their results by call id; `("text",)` is an answer in words.

    Args:
        gap: seconds between the starts of model calls; None for a record without times.
    """
    messages: list[Message] = [system(instructions)] if instructions else []
    steps: list[Step] = []
    uses: list[ToolUse] = []
    for turn in turns:
        if isinstance(turn, str | Image):
            messages.append(user(turn))
        elif isinstance(turn, dict):
            asked = {item.id: item for item in steps[-1].answer.tool_calls}
            for key, result in turn.items():
                message = observation(asked[key], result)
                messages.append(message)
                uses.append(ToolUse(asked[key], len(steps) - 1, result, message, where=f"message {len(messages)}"))
        else:
            text, calls = ("", turn) if isinstance(turn, list) else (turn[0], turn[1] if len(turn) > 1 else [])
            answer = assistant(text, calls)
            started = None if gap is None else 1_000_000.0 + gap * len(steps)
            steps.append(
                Step(Request(tuple(messages), tuple(tools)), answer, model, started=started, seconds=seconds,
                     finish="tool_calls" if calls else "stop", where=f"message {len(messages) + 1}")
            )  # fmt: skip
            messages.append(answer)
    given = {"id": "run-1", "source": "test", "path": "runs.jsonl", **fields}
    return Trace(steps=steps, tools=uses, **given)


def run(*turns: Any, **fields: Any) -> Run:
    """The same, measured at the packaged prices."""
    return measure(trace(*turns, **fields), Book(load()))


def with_usage(recorded: Trace, *usages: Any) -> Trace:
    """The trace with recorded usage."""
    return replace(
        recorded, steps=[replace(step, usage=usage) for step, usage in zip(recorded.steps, usages, strict=True)]
    )
