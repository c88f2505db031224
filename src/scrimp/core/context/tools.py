"""The doors to tools: what is offered, and what calling it gives."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from scrimp.core.budget import Amount, Claim
from scrimp.core.context.passage import Passage, What, raise_recorded
from scrimp.core.errors import BudgetExceeded, ScrimpError, UnknownPrice
from scrimp.core.messages import ToolCall, digest
from scrimp.core.money import Money
from scrimp.core.protocols import Query, Question
from scrimp.core.tool import Tool, ToolResult
from scrimp.core.usage import NO_USAGE

if TYPE_CHECKING:
    from scrimp.core.context.doors import Context


MOST_TEXT = 200_000
"""Characters of a tool's result that an agent is shown; the rest is left out, and said to be."""


async def offer(ctx: Context, query: str) -> Sequence[Tool]:
    """Ask the gate whether to call at all, then the selector what to offer."""
    means = ctx._means
    inner = ctx.child("tools")
    if means.gate is not None and not (await means.gate.decide(Question(query, means.tools), inner)).call:
        return ()
    if means.selector is None or not means.tools:
        return means.tools
    await means.selector.index(means.tools, inner)
    return [scored.item for scored in await means.selector.select(Query(query), inner)]


async def call(ctx: Context, calls: Sequence[ToolCall]) -> list[ToolResult]:
    """Run calls at once. All are numbered and reserved before the first one starts."""
    tools = {tool.name: tool for tool in ctx._means.tools}
    inner = ctx._as("tools")
    passages = [_passage(inner, tools.get(asked.name), asked) for asked in calls]
    fresh = [passage for passage in passages if not passage.look_up()]
    if fresh:
        claims = [passage.what.claim for passage in fresh]
        try:
            reserving = ctx._place.account.reserve(claims, under=ctx._place.inside)
            for passage, reservation in zip(fresh, await ctx._run.in_time(reserving), strict=True):
                passage.take(reservation)
        except BudgetExceeded as refusal:
            for passage in fresh:
                await passage.refused(refusal)
            raise
    if len(calls) == 1:
        return [await _run(inner, passages[0], tools, calls[0])]
    results: list[ToolResult | None] = [None] * len(calls)
    errors: list[ScrimpError] = []

    async def one(index: int) -> None:
        try:
            results[index] = await _run(inner, passages[index], tools, calls[index])
        except ScrimpError as error:
            errors.append(error)  # its siblings go on: what they cost is spent, and a group of errors helps nobody

    async def one_by_one(indices: Sequence[int]) -> None:
        for index in indices:
            await one(index)

    acting = [place for place, asked in enumerate(calls) if asked.name in tools and tools[asked.name].acts]
    async with anyio.create_task_group() as group:  # every task begins, so every reservation is settled
        group.start_soon(one_by_one, acting)  # steps in an environment follow each other
        for index in sorted(set(range(len(calls))) - set(acting)):
            group.start_soon(one, index)
    if errors:
        raise errors[0]
    return [result for result in results if result is not None]


def _passage(ctx: Context, tool: Tool | None, asked: ToolCall) -> Passage:
    amounts: dict[str, Amount] = {"tool_calls": 1, f"tool_calls.{asked.name}": 1}
    if tool is not None:
        if tool.price is None and ctx._limits_money():
            raise UnknownPrice(
                f"the budget limits money, but nobody stated a price for tool {tool.name!r}",
                remedy="give one with --prices FILE, or declare it on the tool",
            )
        amounts["usd"] = tool.price or Decimal(0)
    request = {"name": asked.name, "arguments": asked.arguments, "raw": asked.raw}
    claim = Claim(f"call of tool {asked.name}", amounts)
    passage = ctx._pass(What("call_tool", "tool", asked.name, claim, lambda: request, digest(request)))
    passage.worst = lambda output: (NO_USAGE, _price(tool))
    return passage


def _price(tool: Tool | None) -> Money:
    if tool is None or tool.price == 0:
        return Money()
    return Money.unknown() if tool.price is None else Money.priced(tool.price, "declared")


async def _run(ctx: Context, passage: Passage, tools: dict[str, Tool], asked: ToolCall) -> ToolResult:
    async with passage:
        if passage.recorded is not None:
            raise_recorded(passage.recorded.response)
            seen = ToolResult(passage.recorded.response["text"], passage.recorded.response["status"])
            if asked.name in tools and tools[asked.name].acts and ctx._means.environment is not None:
                await ctx._means.environment.redo(_action(asked), seen)
            return seen
        tool = tools.get(asked.name)
        result = _refuse(ctx, tool, tools, asked)
        spent = dict(passage.what.claim.fixed)
        money = _price(tool)
        if result is None and tool is not None:
            result = await ctx._run.in_time(_step(ctx, passage, asked) if tool.acts else _execute(tool, asked))
        else:
            spent["usd"], money = Decimal(0), Money()  # never reached the tool
        assert result is not None
        passage.done(result.to_json(), money=money, spent=spent, status=result.status)
        return result


def _action(asked: ToolCall) -> dict[str, Any]:
    """A call of a tool that acts, as its environment takes it."""
    return {"name": asked.name, "arguments": dict(asked.arguments or {})}


async def _step(ctx: Context, passage: Passage, asked: ToolCall) -> ToolResult:
    """One step in the environment of this place in the run; steps of calls made at once follow each other."""
    environment = ctx._means.environment
    assert environment is not None
    return as_result(await environment.step(_action(asked), ctx._outside(passage)))


def _refuse(ctx: Context, tool: Tool | None, tools: dict[str, Tool], asked: ToolCall) -> ToolResult | None:
    """What is told of a call that cannot be made; None where it can."""
    if tool is None:
        known = ", ".join(sorted(tools)[:20]) or "none"
        return ToolResult(f"error: no tool is called {asked.name!r}; there are: {known}", "error")
    if asked.arguments is None:
        return ToolResult(f"error: the arguments of {asked.name} are not a JSON object: {asked.raw[:200]}", "error")
    if tool.call is None and (not tool.acts or ctx._means.environment is None):
        return ToolResult(f"error: tool {asked.name} is only a description and cannot be run", "error")
    return None


async def _execute(tool: Tool, asked: ToolCall) -> ToolResult:
    """Run the function within its timeout; what it raises is an observation, not an error of ours."""
    assert tool.call is not None
    assert asked.arguments is not None
    try:
        if tool.inline:
            value = tool.call(asked.arguments)
            return as_result(await value if inspect.isawaitable(value) else value)
        with anyio.move_on_after(tool.timeout):
            if inspect.iscoroutinefunction(tool.call):
                value = await tool.call(asked.arguments)
            else:
                # A thread cannot be killed: past its time it is abandoned, and reported as unknown.
                value = await anyio.to_thread.run_sync(partial(tool.call, asked.arguments), abandon_on_cancel=True)
                if inspect.isawaitable(value):
                    value = await value
            return as_result(value)
    except ScrimpError:
        raise
    except Exception as error:  # noqa: BLE001 - a tool is a stranger's code and may raise anything
        return ToolResult(f"error: {type(error).__name__}: {error}"[:2000], "error")
    return ToolResult(f"no answer within {tool.timeout:g} s; nobody knows whether the call took effect", "unknown")


def as_result(value: Any) -> ToolResult:
    """A return value as text for the agent, within `MOST_TEXT`: strings as they are, the rest as compact JSON."""
    if isinstance(value, ToolResult):
        return replace(value, text=bounded(value.text)) if len(value.text) > MOST_TEXT else value
    if isinstance(value, str):
        return ToolResult(bounded(value), value=value)
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except ValueError as error:
        return ToolResult(f"error: the result cannot be written as JSON: {error}", "error")
    return ToolResult(bounded(text), value=value)


def bounded(text: str) -> str:
    """Beginning and end of a text that no prompt could hold, with what is missing said in between."""
    if len(text) <= MOST_TEXT:
        return text
    head, tail = text[: MOST_TEXT * 3 // 4], text[-(MOST_TEXT // 4) :]
    return f"{head}\n[... {len(text) - len(head) - len(tail):,} characters left out ...]\n{tail}"
