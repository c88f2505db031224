"""The doors to tools: what is offered, and what calling it gives."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from scrimp.core.budget import Amount, Claim
from scrimp.core.context.passage import Passage, Shared, What, raise_recorded
from scrimp.core.context.results import MOST_KEPT, MOST_TEXT, READER, bounded
from scrimp.core.errors import BudgetExceeded, ScrimpError, UnknownPrice
from scrimp.core.messages import ToolCall, digest
from scrimp.core.money import Money
from scrimp.core.protocols import Query, Question
from scrimp.core.tool import Tool, ToolResult
from scrimp.core.usage import NO_USAGE

if TYPE_CHECKING:
    from scrimp.core.context.doors import Context


async def offer(ctx: Context, query: str) -> Sequence[Tool]:
    """Ask the gate whether to call at all, then the selector what to offer."""
    means = ctx._means
    inner = ctx.child("tools")
    if means.gate is not None and not (await means.gate.decide(Question(query, means.tools), inner)).call:
        return ()
    candidates = [tool for tool in means.tools if tool.call_in is None]
    if means.selector is None or not candidates:
        return means.tools
    await means.selector.index(candidates, inner)
    chosen = [scored.item for scored in await means.selector.select(Query(query), inner)]
    return [*chosen, *(tool for tool in means.tools if tool.call_in is not None)]  # these serve whatever is chosen


async def call(ctx: Context, calls: Sequence[ToolCall]) -> list[ToolResult]:
    """Run calls at once. All are numbered and reserved before the first one starts.

    A pure call that another one like it already makes waits for that one's result: it is an event of its own, a
    decision, and costs no call and no price.
    """
    tools = {tool.name: tool for tool in ctx._means.tools}
    inner = ctx._as("tools")
    batch = _numbered(inner, calls, tools)
    try:
        await _reserve(ctx, [one.passage for one in batch])
        for one in batch:
            if one.tool is not None and one.tool.call_in is not None:
                one.inside = inner._within(one.passage, "tools")  # numbered now, on a replay as well
        results = await _all(inner, batch, tools)
    finally:
        for one in batch:
            one.over(ctx)
    kept, limit = ctx._run.results, ctx._means.settings.offload
    # A part that was read of a long result is not kept aside again.
    shown = [
        kept.shown(result, 0 if asked.name == READER else limit) for asked, result in zip(calls, results, strict=True)
    ]
    return kept.noted(ctx._place.span, calls, shown)


async def _all(ctx: Context, batch: Sequence[_Asked], tools: dict[str, Tool]) -> list[ToolResult]:
    """The results of all calls, in their order; the first error of ours once all have ended."""
    if len(batch) == 1:
        return [await _run(ctx, batch[0], tools)]
    results: list[ToolResult | None] = [None] * len(batch)
    errors: list[ScrimpError] = []

    async def run(place: int) -> None:
        try:
            results[place] = await _run(ctx, batch[place], tools)
        except ScrimpError as error:
            errors.append(error)  # its siblings go on: what they cost is spent, and a group of errors helps nobody

    async def one_by_one(places: Sequence[int]) -> None:
        for place in places:
            await run(place)

    acting = [place for place, one in enumerate(batch) if one.tool is not None and one.tool.acts]
    async with anyio.create_task_group() as group:  # every task begins, so every reservation is settled
        group.start_soon(one_by_one, acting)  # steps in an environment follow each other
        for place in sorted(set(range(len(batch))) - set(acting)):
            group.start_soon(run, place)
    if errors:
        raise errors[0]
    return [result for result in results if result is not None]


@dataclass
class _Asked:
    """A call on its way: `awaits` is one like it that is being made, `leads` what others like it wait for."""

    call: ToolCall
    tool: Tool | None
    passage: Passage
    awaits: Shared | None = None
    leads: Shared | None = None
    inside: Context | None = None

    def over(self, ctx: Context) -> None:
        """Nobody waits longer, whatever became of it."""
        if self.leads is not None:
            ctx._run.shared.pop(self.leads.key, None)
            self.leads.over.set()
            self.leads = None


def _numbered(ctx: Context, calls: Sequence[ToolCall], tools: dict[str, Tool]) -> list[_Asked]:
    """Each call with its passage; a pure one joins one like it that is in flight, or may be joined itself."""
    shared, batch = ctx._run.shared, []
    for asked in calls:
        tool = tools.get(asked.name)
        sharing = tool is not None and tool.pure and tool.call_in is None and asked.arguments is not None
        key = digest([asked.name, asked.arguments]) if sharing else ""
        awaits = shared.get(key)
        passage = _passage(ctx, tool, asked) if awaits is None else _waiting(ctx, asked)
        one = _Asked(asked, tool, passage, awaits)
        if key and awaits is None:
            one.leads = shared[key] = Shared(key)
        batch.append(one)
    return batch


async def _reserve(ctx: Context, passages: Sequence[Passage]) -> None:
    """Reserve all that was not recorded, together or not at all."""
    fresh = [passage for passage in passages if not passage.look_up()]
    if not fresh:
        return
    try:
        reserving = ctx._place.account.reserve([passage.what.claim for passage in fresh], under=ctx._place.inside)
        for passage, reservation in zip(fresh, await ctx._run.in_time(reserving), strict=True):
            passage.take(reservation)
    except BudgetExceeded as refusal:
        for passage in fresh:
            await passage.refused(refusal)
        raise


def _waiting(ctx: Context, asked: ToolCall) -> Passage:
    """The passage of a call that waits for another one's result."""
    request = {"name": asked.name, "arguments": asked.arguments, "raw": asked.raw}
    claim = Claim(f"shared call of tool {asked.name}", {})
    return ctx._pass(What("call_tool", "decision", asked.name, claim, lambda: request, digest(request)))


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


async def _run(ctx: Context, one: _Asked, tools: dict[str, Tool]) -> ToolResult:
    async with one.passage as passage:
        if passage.recorded is not None:
            result = await _recorded(ctx, one, passage.recorded.response)
        elif one.awaits is not None:
            await ctx._run.in_time(one.awaits.over.wait())
            result = one.awaits.result or ToolResult("the call that this one waited for gave no result", "unknown")
            passage.done(result.to_json(), status=result.status)
        else:
            spent, money = dict(passage.what.claim.fixed), _price(one.tool)
            refused = _refuse(ctx, one.tool, tools, one.call)
            if refused is None:
                result = await ctx._run.in_time(_made(ctx, one))
            else:
                result, spent["usd"], money = refused, Decimal(0), Money()  # never reached the tool
            passage.done(result.to_json(), money=money, spent=spent, status=result.status)
        if one.leads is not None:
            one.leads.result = result
            one.over(ctx)
        return result


async def _recorded(ctx: Context, one: _Asked, response: Mapping[str, Any]) -> ToolResult:
    """The recorded result; an environment is led to where the call left it."""
    raise_recorded(response)
    seen = ToolResult(response["text"], response["status"])
    if one.tool is not None and one.tool.acts and ctx._means.environment is not None:
        await ctx._means.environment.redo(_action(one.call), seen)
    return seen


async def _made(ctx: Context, one: _Asked) -> ToolResult:
    """Make the call; what is kept of its result is bounded."""
    assert one.tool is not None
    most = MOST_KEPT if ctx._means.settings.offload else MOST_TEXT
    if one.tool.acts:
        return await _step(ctx, one.passage, one.call, most)
    return await _execute(one.tool, one.call, one.inside, most)


def _action(asked: ToolCall) -> dict[str, Any]:
    """A call of a tool that acts, as its environment takes it."""
    return {"name": asked.name, "arguments": dict(asked.arguments or {})}


async def _step(ctx: Context, passage: Passage, asked: ToolCall, most: int) -> ToolResult:
    """One step in the environment of this place in the run; steps of calls made at once follow each other."""
    environment = ctx._means.environment
    assert environment is not None
    return as_result(await environment.step(_action(asked), ctx._outside(passage)), most)


def _refuse(ctx: Context, tool: Tool | None, tools: dict[str, Tool], asked: ToolCall) -> ToolResult | None:
    """What is told of a call that cannot be made; None where it can."""
    if tool is None:
        known = ", ".join(sorted(tools)[:20]) or "none"
        return ToolResult(f"error: no tool is called {asked.name!r}; there are: {known}", "error")
    if asked.arguments is None:
        return ToolResult(f"error: the arguments of {asked.name} are not a JSON object: {asked.raw[:200]}", "error")
    if tool.call is None and tool.call_in is None and (not tool.acts or ctx._means.environment is None):
        return ToolResult(f"error: tool {asked.name} is only a description and cannot be run", "error")
    return None


async def _execute(tool: Tool, asked: ToolCall, inside: Context | None, most: int) -> ToolResult:
    """Run the function within its timeout; what it raises is an observation, not an error of ours."""
    assert asked.arguments is not None
    try:
        if tool.call is not None and tool.inline:
            value = tool.call(asked.arguments)
            return as_result(await value if inspect.isawaitable(value) else value, most)
        with anyio.move_on_after(tool.timeout):
            return as_result(await _value(tool, asked.arguments, inside), most)
    except ScrimpError:
        raise
    except Exception as error:  # noqa: BLE001 - a tool is a stranger's code and may raise anything
        return ToolResult(f"error: {type(error).__name__}: {error}"[:2000], "error")
    return ToolResult(f"no answer within {tool.timeout:g} s; nobody knows whether the call took effect", "unknown")


async def _value(tool: Tool, arguments: Mapping[str, Any], inside: Context | None) -> Any:
    """What the tool's function gives."""
    if tool.call_in is not None and inside is not None:
        return await tool.call_in(arguments, inside)
    assert tool.call is not None
    if inspect.iscoroutinefunction(tool.call):
        return await tool.call(arguments)
    # A thread cannot be killed: past its time it is abandoned, and reported as unknown.
    value = await anyio.to_thread.run_sync(partial(tool.call, arguments), abandon_on_cancel=True)
    return await value if inspect.isawaitable(value) else value


def as_result(value: Any, most: int = MOST_TEXT) -> ToolResult:
    """A return value as text, within `most` characters: strings as they are, the rest as compact JSON."""
    if isinstance(value, ToolResult):
        return replace(value, text=bounded(value.text, most)) if len(value.text) > most else value
    if isinstance(value, str):
        return ToolResult(bounded(value, most), value=value)
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except ValueError as error:
        return ToolResult(f"error: the result cannot be written as JSON: {error}", "error")
    return ToolResult(bounded(text, most), value=value)
