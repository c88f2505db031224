"""What every model promises."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import anyio

from scrimp.core.messages import Delta, Request, Response, fold, system, user
from scrimp.core.protocols import Capabilities, Model
from scrimp.core.usage import Usage
from scrimp.testing.conformance.promises import PATIENCE, require
from scrimp.testing.conformance.scene import Stall, world

REQUESTS = (
    Request((user("Say hello."),), max_output=64),
    Request((system("Answer in one word."), user("法国的首都是哪里？")), max_output=64),
    Request((user("What is the weather in Oslo?"),), tuple(tool.spec for tool in world(Stall(), [])), max_output=128),
    Request((user(""),), max_output=16),
    Request((user("Count from one to a thousand."),), max_output=4, min_output=1),
)


async def model(factory: Callable[[], Model], *, deterministic: bool = True, patience: float = PATIENCE) -> None:
    """Try every promise of a model; it is asked about a dozen short questions.

    Args:
        factory: gives the model; it may give the same one each time.
        deterministic: whether equal requests at temperature 0 get equal answers.
        patience: seconds an answer may take.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    asked = factory()
    require(isinstance(asked.name, str) and asked.name, "has a name")
    require(isinstance(asked.capabilities, Capabilities), "states its capabilities")
    require(asked.capabilities.window > 0, "states its context window")
    for request in REQUESTS:
        deltas = await _deltas(asked, request, patience)
        _ends_well(deltas)
        _is_bounded(asked.bound(request), fold(deltas), request)
    if deterministic:
        first, second = [fold(await _deltas(factory(), REQUESTS[0], patience)) for _ in range(2)]
        require(_said(first) == _said(second), "equal requests get equal answers", f"{first.text!r}, {second.text!r}")
    _larger_is_dearer(asked)
    await _can_be_left(asked, patience)


async def _deltas(asked: Model, request: Request, patience: float) -> list[Delta]:
    try:
        with anyio.fail_after(patience):
            return [delta async for delta in asked.stream(request)]
    except TimeoutError as error:
        raise AssertionError("answers in time: it hangs") from error


def _said(response: Response) -> Any:
    return response.text, [(call.name, call.arguments) for call in response.tool_calls]


def _ends_well(deltas: list[Delta]) -> None:
    require(deltas, "streams at least one piece")
    require(deltas[-1].finish is not None, "the last piece says why it ended")
    require(deltas[-1].usage is not None, "the last piece carries the usage")
    require(all(delta.finish is None for delta in deltas[:-1]), "only the last piece says why it ended")


def _is_bounded(bound: Usage, response: Response, request: Request) -> None:
    usage = response.usage or Usage()
    require(usage.prompt <= bound.prompt, "its bound holds for the input", f"{usage.prompt} of {bound.prompt}")
    require(usage.output <= bound.output, "its bound holds for the output", f"{usage.output} of {bound.output}")
    cap = request.max_output or bound.output
    require(usage.output <= cap, "keeps to the output cap", f"{usage.output} of {cap}")
    require(usage.reasoning <= usage.output, "counts reasoning as output", f"{usage.reasoning} of {usage.output}")
    require(min(usage.to_json().values()) >= 0, "counts from zero up", str(usage))
    require(usage.prompt > 0, "counts the input")
    if response.text or response.tool_calls:
        require(usage.output > 0, "counts the output")


def _larger_is_dearer(asked: Model) -> None:
    small, large = (asked.bound(Request((user("word 词 " * count),), max_output=count)) for count in (10, 100))
    require(small.prompt < large.prompt, "its bound grows with the input")
    require(small.output < large.output, "its bound grows with the output cap")


async def _can_be_left(asked: Model, patience: float) -> None:
    """A stream that is left early can be closed, and the model goes on answering."""

    async def leave() -> None:
        stream = asked.stream(REQUESTS[0])

        async def pieces() -> Any:
            async for delta in stream:
                yield delta

        async with aclosing(pieces()) as left:
            await anext(left)

    with anyio.move_on_after(patience) as scope:
        await leave()
    require(not scope.cancelled_caught, "a stream can be left early", "it hangs")
    _ends_well(await _deltas(asked, REQUESTS[0], patience))
