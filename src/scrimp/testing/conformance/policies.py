"""What every context policy promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scrimp.core.messages import Message, Request, ToolCall, assistant, observation, system, user
from scrimp.core.protocols import ContextPolicy
from scrimp.models.tokens import estimate_request
from scrimp.testing.conformance import promises
from scrimp.testing.conformance.promises import require
from scrimp.testing.conformance.scene import Scene, Stall, world
from scrimp.testing.harness import Bench

PLENTY = 1_000_000
TURNS = (0, 1, 2, 5, 9, 14)


async def context_policy(
    factory: Callable[[], ContextPolicy], scene: Scene | None = None, *, bounded: bool = True
) -> None:
    """Try every promise of a context policy.

    Args:
        factory: makes a fresh policy.
        scene: a scene whose script says what this policy's prompts ask for.
        bounded: whether it promises to keep to the limit where it can; not so the one that changes nothing.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    scene = scene or Scene()
    await promises.all_of_them(_growing(factory, 400), scene)
    for turns in TURNS:
        request = conversation(turns)
        before = request.hash
        for limit in (PLENTY, estimate_request(request) // 2, 1):
            fitted = await promises.perform(_once(factory, request, limit), scene.stage(), "fits a request")
            where = f"{turns} turns, limit {limit}"
            require(isinstance(fitted, Request), "gives back a Request", f"{where}: {fitted!r}")
            _keeps_last_turn(request, fitted, where)
            _keeps_pairs(fitted, where)
            require(fitted.schema == request.schema, "leaves the answer's schema as it is", where)
        require(request.hash == before, "leaves the given request as it is", f"{turns} turns")
        if bounded:
            await _keeps_limit(factory, request, scene)
    empty = await promises.perform(_once(factory, Request(()), 100), scene.stage(), "takes an empty request")
    require(empty.messages == (), "takes an empty request", f"it gave {empty.messages}")


def conversation(turns: int) -> Request:
    """A conversation as a planner has it: instructions, a question, and turns with one or two calls each."""
    messages: list[Message] = [system("You solve tasks with tools."), user("What is the weather? 天气怎么样？")]
    for turn in range(turns):
        calls = [ToolCall(f"c{turn}_{n}", "find", {"query": f"雨 {turn}.{n}"}) for n in range(1 + turn % 2)]
        messages.append(assistant(f"Thought {turn}", calls))
        messages += [observation(call, f"result {turn} " + "fact 事实 " * 20) for call in calls]
    tools = tuple(tool.spec for tool in world(Stall(), []))
    return Request(tuple(messages), tools, schema={"type": "string"}, max_output=64)


def _once(factory: Callable[[], ContextPolicy], request: Request, limit: int) -> promises.Act:
    return lambda bench: factory().fit(request, limit, bench.ctx.child("memory"))


def _growing(factory: Callable[[], ContextPolicy], limit: int) -> promises.Act:
    """One policy through a conversation that grows, as in a run."""

    async def act(bench: Bench) -> Any:
        policy, seen = factory(), []
        for turns in range(8):
            seen.append((await policy.fit(conversation(turns), limit, bench.ctx.child("memory"))).hash)
        return seen

    return act


def _last_turn(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The last assistant message and what follows; of a conversation without one, its last message."""
    starts = [place for place, message in enumerate(messages) if message.role == "assistant"]
    return tuple(messages[starts[-1] :]) if starts else tuple(messages[-1:])


def _keeps_last_turn(request: Request, fitted: Request, where: str) -> None:
    last = _last_turn(request.messages)
    require(fitted.messages[-len(last) :] == last, "never loses the last turn", where)


def _keeps_pairs(fitted: Request, where: str) -> None:
    """Results stand after their calls, and calls before their results."""
    promise = "never splits a tool call from its result"
    called: list[str] = []
    answered: list[str] = []
    for message in fitted.messages:
        called += [call.id for call in message.tool_calls]
        if message.role == "tool":
            require(
                message.tool_call_id in called, promise, f"{where}: a result without the call {message.tool_call_id}"
            )
            answered.append(message.tool_call_id)
    require(sorted(called) == sorted(answered), promise, f"{where}: called {called}, answered {answered}")


async def _keeps_limit(factory: Callable[[], ContextPolicy], request: Request, scene: Scene) -> None:
    """Where the opening and the last turn take at most half of the limit, the rest can be made to fit."""
    opening = tuple(message for message in request.messages if message.role in ("system", "user"))
    least = estimate_request(request.with_(messages=(*opening, *_last_turn(request.messages))))
    limit = 2 * least
    fitted = await promises.perform(_once(factory, request, limit), scene.stage(), "fits a request")
    size = estimate_request(fitted)
    require(size <= limit, "keeps to the limit where it can", f"{size} tokens, the limit is {limit}")
