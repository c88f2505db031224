"""How a planner opens a conversation and adds what its tools gave."""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.messages import Message, Part, Text, ToolCall, observation, system, user
from scrimp.core.task import Task
from scrimp.core.tool import ToolResult


def opening(instructions: str, task: Task) -> list[Message]:
    """Instructions first, then what was recalled, then the question: what changes least stands first."""
    return [system(instructions), question(task)]


def question(task: Task) -> Message:
    """The task as a user message, after what a memory recalled for it."""
    parts: list[Part] = []
    if task.background:
        parts.append(Text(f"What is known from before:\n{task.background}"))
    return user(*parts, Text(task.text), *task.attachments)


def observations(calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> list[Message]:
    """One tool message per call, in their order."""
    return [observation(call, result.text) for call, result in zip(calls, results, strict=True)]
