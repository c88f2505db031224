"""A made-up tool world for planners that search: three doors, one of which leads on, and a model that proposes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from scrimp.core.context.means import Settings
from scrimp.core.messages import Request
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import Bench

DOOR = {"type": "object", "properties": {"door": {"type": "string"}}, "required": ["door"]}
WAY = ("left", "middle", "right")
"""The doors that lead to the treasure, in order."""
ROOM = Settings(max_output=4096)
TASK = Task("t", "Find the treasure.")


def open_door(given: Mapping[str, Any]) -> str:
    return f"behind {given['door']}: a room"


TOOL = Tool("open", "Open a door.", DOOR, open_door)


def step(door: str, then: Sequence[str] = ()) -> dict[str, Any]:
    return {"tool": "open", "arguments": {"door": door}, "then": list(then)}


def finish(answer: str) -> dict[str, Any]:
    return {"tool": "final_answer", "arguments": {"answer": answer}, "then": []}


def walked(request: Request) -> list[str]:
    """The doors opened so far, as the conversation shows them."""
    steps = [json.loads(m.text) for m in request.messages if m.role == "assistant" and m.text.startswith('{"tool"')]
    return [one["arguments"]["door"] for one in steps if one["tool"] == "open"]


def guide(request: Request) -> str:
    """Proposes the way in nine of ten samples, else another door; the end once it is walked. It rates the way 9."""
    here = walked(request)
    on_it = tuple(here) == WAY[: len(here)]
    if request.prompt.startswith("score"):
        shown = request.messages[-1].text
        lines = [line for line in shown.splitlines() if line[:1].isdigit()]
        wanted = '"treasure"' if len(here) == len(WAY) else f'"{WAY[len(here)]}"' if on_it else "nothing"
        return json.dumps({"scores": [9 if on_it and wanted in line else 1 for line in lines]})
    if len(here) >= len(WAY):
        return json.dumps({"steps": [finish("treasure" if on_it else "nothing")] * 10})
    then = ["open"] * (len(WAY) - len(here) - 1) + ["final_answer"]
    if not on_it:
        return json.dumps({"steps": [step("attic", then)] * 5 + [step("cellar", then)] * 5})
    return json.dumps({"steps": [step(WAY[len(here)], then)] * 9 + [step("cellar", then)]})


def search(planner: Any, model: Any = guide, task: Task = TASK, tools: Sequence[Tool] = (TOOL,),
           **options: Any) -> tuple[Answer, Bench]:  # fmt: skip
    """What a search answers, and the bench with what it did."""
    bench = Bench(ScriptedModel(model), tools=tools, settings=ROOM, **options)
    return anyio.run(planner.solve, task, bench.ctx), bench


def expansions(bench: Bench) -> int:
    """Requests for next steps."""
    return sum(event.prompt.startswith("next-steps") for event in bench.events)


def counting(calls: list[str]) -> Tool:
    """The door tool, telling what it was called with."""

    def run(given: Mapping[str, Any]) -> str:
        calls.append(str(given["door"]))
        return open_door(given)

    return Tool("open", "Open a door.", DOOR, run)
