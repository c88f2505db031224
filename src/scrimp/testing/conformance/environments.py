"""What every world promises."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scrimp.core.protocols import Environment
from scrimp.core.task import Task
from scrimp.core.tool import ToolResult
from scrimp.testing.conformance.promises import require

Action = Mapping[str, Any]

HOSTILE: Sequence[Any] = (
    None, {}, {"x": None}, {"command": 7}, {"command": ""}, {"command": "x" * 100_000}, {"text": ["a"]}, {"block": {}},
    {"plan": "x"}, {"way": True}, {"input": "'; DROP TABLE users; --"}, {"user_id": "\x00"}, {"order_id": 10**40},
)  # fmt: skip
"""Arguments that a model might send to any tool."""


async def environment(factory: Callable[[], Environment], task: Task, way: Sequence[Action], ctx: Any = None) -> None:
    """Try every promise of a world.

    Args:
        factory: makes a fresh world.
        task: a task of it, with the tools that act.
        way: some actions that can be taken one after another from its start, at least one.
        ctx: what `step` is handed, where the way speaks to a user that is a model.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    require(way, "has a way", "the suite needs one action or more")
    await _same_way_same_world(factory, task, way, ctx)
    await _redo(factory, task, way, ctx)
    await _clones(factory, task, way, ctx)
    await _hostile(factory, task, ctx)


async def _begun(factory: Callable[[], Environment], task: Task) -> tuple[Environment, str]:
    world = factory()
    first = await world.reset(task)
    require(isinstance(first, str), "tells what is seen first", f"it gave {first!r}, no text")
    return world, first


async def _taken(world: Environment, way: Sequence[Action], ctx: Any) -> list[ToolResult]:
    seen = []
    for action in way:
        result = await world.step(action, ctx)
        require(isinstance(result, ToolResult), "a step gives a ToolResult", f"it gave {result!r}")
        seen.append(ToolResult(result.text, result.status))
    return seen


def _state(world: Environment) -> str:
    """The state as JSON, in a form that can be compared."""
    try:
        return json.dumps(world.state(), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"its state is JSON: {error}") from error


async def _same_way_same_world(factory: Callable[[], Environment], task: Task, way: Sequence[Action], ctx: Any) -> None:
    (one, first), (other, again) = await _begun(factory, task), await _begun(factory, task)
    require(first == again, "begins the same for the same task", f"{first!r}, then {again!r}")
    require(_state(one) == _state(other), "begins the same for the same task")
    mine, theirs = await _taken(one, way, ctx), await _taken(other, way, ctx)
    require(mine == theirs, "the same way shows the same", f"{mine}, then {theirs}")
    require(_state(one) == _state(other), "the same way leads to the same state")
    await one.reset(task)
    fresh, _ = await _begun(factory, task)
    require(_state(one) == _state(fresh), "a reset leaves nothing of what was")
    await _close(one, other, fresh)


async def _redo(factory: Callable[[], Environment], task: Task, way: Sequence[Action], ctx: Any) -> None:
    (one, _), (other, _) = await _begun(factory, task), await _begun(factory, task)
    for action, seen in zip(way, await _taken(one, way, ctx), strict=True):
        await other.redo(action, seen)
    require(_state(one) == _state(other), "redo leads to where the steps led")
    await _close(one, other)


async def _clones(factory: Callable[[], Environment], task: Task, way: Sequence[Action], ctx: Any) -> None:
    one, _ = await _begun(factory, task)
    before = _state(one)
    twin = await one.clone()
    require(_state(twin) == before, "a clone stands where it was made")
    seen = await _taken(twin, way, ctx)
    require(_state(one) == before, "what a clone does leaves the world alone")
    require(await _taken(one, way, ctx) == seen, "a world shows what its clone was shown")
    require(_state(one) == _state(twin), "the same way leads to the same state in a clone")
    await _close(one, twin)


async def _hostile(factory: Callable[[], Environment], task: Task, ctx: Any) -> None:
    """Whatever is asked is told to be wrong, or done; it never raises."""
    world, _ = await _begun(factory, task)
    for tool in [*(tool.name for tool in task.tools if tool.acts), "no_such_tool", 7, None]:
        for arguments in HOSTILE:
            action = {"name": tool, "arguments": arguments}
            try:
                result = await world.step(action, ctx)
            except Exception as error:  # any exception breaks the promise, whatever it is
                raise AssertionError(f"no call raises: {action} raised {error!r}") from error
            require(isinstance(result, ToolResult), "a step gives a ToolResult", f"{action} gave {result!r}")
            if tool in ("no_such_tool", 7, None):
                require(result.status == "error", "a tool that is not there is told to be", f"{action} gave {result!r}")
    _state(world)
    await _close(world)


async def _close(*worlds: Environment) -> None:
    for world in worlds:
        close = getattr(world, "aclose", None)
        if close is not None:
            await close()
