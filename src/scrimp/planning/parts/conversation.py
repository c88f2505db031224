"""How a planner opens a conversation and adds what its tools gave."""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.messages import Message, Text, ToolCall, observation, system, user
from scrimp.core.task import Task
from scrimp.core.tool import ToolResult


def opening(instructions: str, task: Task) -> list[Message]:
    """Instructions first, then what was recalled, then the question: what changes least stands first."""
    return [system(instructions), *question(task)]


def question(task: Task) -> list[Message]:
    """What is known from before, in a message of its own that tasks with the same history share, and the task."""
    known = [user(f"What is known from before:\n{task.background}")] if task.background else []
    return [*known, user(Text(task.text), *task.attachments)]


def observations(calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> list[Message]:
    """One tool message per call, in their order."""
    return [observation(call, result.text) for call, result in zip(calls, results, strict=True)]
