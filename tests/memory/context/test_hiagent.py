"""HiAgent: the model's own sub-goals are the borders, finished ones leave a summary, and can be seen again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scrimp.core.messages import Request, Response, ToolCall, assistant
from scrimp.core.task import Task
from scrimp.core.tool import Tool
from scrimp.memory.context.hiagent import HiAgent
from scrimp.models.scripted import ScriptedModel
from scrimp.models.tokens import estimate
from scrimp.planning.methods.react import ReAct
from scrimp.testing import conformance
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio
STEPS, LENGTH = 30, 5
LOOK = Tool("look", "Look.", {"type": "object", "properties": {"at": {"type": "integer"}}},
            lambda given: f"room {given['at']} " + "has a chair, a table and a lamp; " * 6, inline=True)  # fmt: skip


def agent(expands: int = 0) -> tuple[ScriptedModel, list[Request]]:
    """A model that looks thirty times, five times under each sub-goal; `expands` asks for that one before the end."""
    seen: list[Request] = []

    def answer(request: Request) -> Any:
        if request.prompt.startswith("hiagent-summary"):
            rooms = re.findall(r"Observation: (room \d+)", request.messages[-1].text)
            return f"Seen: {', '.join(rooms)}."
        seen.append(request)
        done = len([one for one in seen if one.prompt == request.prompt]) - 1
        if done == STEPS and expands:
            return [ToolCall("x", "expand_subgoal", {"number": expands})]
        if done >= STEPS:
            return "done"
        head = f"Subgoal: rooms {done} to {done + LENGTH - 1}\n" if done % LENGTH == 0 else ""
        return Response(assistant(f"{head}Next room.", [ToolCall(f"c{done}", "look", {"at": done})]))

    return ScriptedModel(answer), seen


async def test_it_keeps_the_promises_of_a_policy() -> None:
    await conformance.context_policy(HiAgent)


def size(request: Request) -> int:
    return sum(estimate(message.text) for message in request.messages)


async def walk(policy: Any, expands: int = 0) -> tuple[Bench, list[Request]]:
    model, seen = agent(expands)
    tools = (LOOK, *getattr(policy, "tools", ()))
    bench = Bench(model, tools=tools, policy=policy)
    answer = await ReAct(max_steps=STEPS + 5).solve(Task("t", "Look at every room."), bench.ctx)
    assert answer.text == "done"
    return bench, seen


async def test_at_step_thirty_the_prompt_is_less_than_half() -> None:
    plain, kept = (await walk(None))[1], await walk(HiAgent())
    bench, short = kept
    assert size(short[STEPS]) <= 0.5 * size(plain[STEPS])
    summaries = [event for event in bench.events if event.prompt == "hiagent-summary@1"]
    assert len(summaries) == STEPS // LENGTH - 1, "one for each finished sub-goal, written once"
    assert {event.component for event in summaries} == {"memory"}
    last = short[STEPS].messages
    told = [message.text for message in last if message.text.startswith("[finished sub-goal")]
    assert told[1] == "[finished sub-goal 2] rooms 5 to 9\nSeen: room 5, room 6, room 7, room 8, room 9."
    assert sum(message.role == "tool" for message in last) == LENGTH, "the steps of the current sub-goal stay"


async def test_a_finished_sub_goal_can_be_seen_again_word_for_word() -> None:
    _, seen = await walk(HiAgent(), expands=2)
    result = next(message.text for message in seen[-1].messages if message.role == "tool" and "room 5 " in message.text)
    for room in range(5, 10):
        assert LOOK.call({"at": room}).strip() in result  # type: ignore[misc]
        assert f'look({{"at":{room}}})' in result
    assert "room 4 " not in result
    policy = HiAgent()
    assert policy.tools[0].call({"number": 1}).status == "error"  # type: ignore[misc, union-attr]


async def test_borders_by_rule_are_an_ablation() -> None:
    _, seen = await walk(HiAgent(every=3))
    told = [message.text for message in seen[STEPS].messages if message.text.startswith("[finished")]
    assert len(told) == STEPS // 3 - 1
