"""How a planner opens a conversation and adds what its tools gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scrimp.core.context import Context
from scrimp.core.messages import Message, Response, Text, ToolCall, observation, system, user
from scrimp.core.prompt import Prompt
from scrimp.core.task import Task
from scrimp.core.tool import Tool, ToolResult

TURNS = 12
"""Turns of one conversation where neither the task nor the method says how many."""


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


async def in_turns(
    ctx: Context,
    messages: list[Message],
    prompt: Prompt,
    conclude: Prompt,
    tools: Sequence[Tool],
    task: Task,
    turns: int | None = None,
    **options: Any,
) -> Response:
    """Turns of one model call and its tool calls, added to `messages`, until a turn calls nothing.

    Args:
        conclude: asks for an answer where the turns ran out.
        turns: most turns; as many as the task allows where None, else TURNS.
        options: as in `ctx.complete`.

    Returns:
        The turn that called nothing, or the first one where the task wants calls; else the conclusion.
    """
    for _ in range(turns or task.steps or TURNS):
        ctx.keep(messages)
        await ctx.step()
        response = await ctx.complete(messages, prompt=prompt, tools=tools, **options)
        if not response.tool_calls or task.answer_with == "calls":
            return response
        results = await ctx.call_tools(response.tool_calls)
        messages += [response.message, *observations(response.tool_calls, results)]
    return await concluded(ctx, messages, conclude, **options)


async def concluded(ctx: Context, messages: list[Message], conclude: Prompt, **options: Any) -> Response:
    """The answer of a conversation that may call nothing more; its component is `answer` where no other is given."""
    ctx.keep(messages)
    messages.append(user(conclude.text))
    return await ctx.complete(messages, prompt=conclude, **{"component": "answer", **options})
