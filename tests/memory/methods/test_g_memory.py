"""G-Memory: tasks, what was said in them, and what they taught; how they ended decides what is kept."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from scrimp.core.messages import Request, ToolCall, assistant, observation, user
from scrimp.core.protocols import Query
from scrimp.core.records import Filter, Record
from scrimp.core.task import Episode
from scrimp.memory.methods.g_memory import SCOPE, SIMILAR, TASK, GMemory
from scrimp.memory.parts.finch import finch
from scrimp.memory.parts.insights import INSIGHT, changed, joined
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import conformance
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio


def says(request: Request) -> str:
    """A model that adds one insight from whatever it is shown, and else says something short."""
    kind = request.prompt.partition("@")[0]
    if kind == "g-memory-insights":
        return json.dumps({"operations": [{"op": "ADD", "number": 0, "text": "Look before you leap."}]})
    if kind == "g-memory-relevance":
        return json.dumps({"score": 9 if "garden 7" in request.messages[-1].text.partition("Earlier")[2] else 1})
    if kind == "g-memory-merge":
        return json.dumps({"rules": [{"text": "Look first.", "from": [1, 2]}]})
    return "For you: look." if kind == "g-memory-role" else "looked, then went"


def bench(model: Any = says, **options: Any) -> Bench:
    return Bench(ScriptedModel(model), memory=GMemory(**options))


async def solve(one: Bench, number: int, outcome: str = "right", text: str = "") -> None:
    """A task comes to an end, and its outcome is told afterwards."""
    task = text or f"Find the key in garden {number}"
    call = ToolCall("c", "look", {"at": number})
    way = (user(task), assistant("I look.", [call]), observation(call, f"a key in garden {number}"))
    await one.ctx.recall(Query(task, "ann", 500))
    await one.ctx.remember(Episode(f"Task: {task}\nAnswer: key", "ann", f"r{number}", 100.0 + number, way))
    await one.ctx.manage()
    if outcome:
        await one.ctx.remember(Episode("It ended.", "ann", f"r{number}", labels={"outcome": outcome}))
        await one.ctx.manage()


def prompts(one: Bench) -> Counter[str]:
    return Counter(event.prompt.partition("@")[0] for event in one.events if event.prompt)


async def test_it_keeps_the_promises_of_a_memory() -> None:
    await conformance.memory(GMemory)


async def test_three_graphs_grow_with_the_tasks() -> None:
    one = bench()
    for number in range(4):
        await solve(one, number)
    records = one.ctx.store("ann", SCOPE)
    tasks = await records.scan(Filter(kinds=(TASK,)))
    assert [task.id for task in tasks] == [f"query r{number}" for number in range(4)]
    said = [record.text for record in await records.scan(Filter(kinds=("utterance",), where={"query": "query r2"}))]
    assert said == ['I look.\nlook({"at": 2})', "= a key in garden 2"]
    (link,) = [edge for edge in await records.scan(Filter(kinds=("inspired",))) if edge.head.startswith("query r2")]
    assert (link.head, link.tail) == ("query r2 0", "query r2 1")
    near = await records.scan(Filter(kinds=(SIMILAR,)))
    assert {edge.head for edge in near} <= {task.id for task in tasks}
    assert len(near) == 6, "each new task is joined with all that are near enough"


async def test_a_task_that_nobody_judged_teaches_nothing() -> None:
    one = bench()
    for number in range(6):
        await solve(one, number, outcome="")
    assert prompts(one) == {}
    assert (await one.ctx.recall(Query("Find the key in garden 3", "ann", 500))).text == ""


async def test_what_was_shown_gains_one_by_a_success_and_loses_two_by_a_failure() -> None:
    one = bench()
    for number in range(5):
        await solve(one, number)
    records = one.ctx.store("ann", SCOPE)

    async def scores() -> list[int]:
        return [record.data["score"] for record in await records.scan(Filter(kinds=(INSIGHT,)))]

    assert await scores() == [2], "five tasks were judged, and one call taught one insight"
    await solve(one, 5, "right")
    assert await scores() == [3]
    await solve(one, 6, "wrong")
    assert await scores() == [1]
    await solve(one, 7, "wrong")
    assert await scores() == [], "without score it is gone"


async def test_it_shows_insights_and_the_most_relevant_ways() -> None:
    one = bench()
    for number in range(9):
        await solve(one, number, "wrong" if number in (2, 4) else "right")
    recalled = await one.ctx.recall(Query("Find the key in garden 70", "ann", 500))
    assert recalled.text.startswith("What earlier tasks taught:\n- Look before you leap.")
    assert recalled.text.count("Solved by: looked, then went") == 2
    assert recalled.text.count("Failed, because: looked, then went") == 1
    shown = (await one.ctx.recall(Query("Find the key in garden 70", "ann", 500, role="scout"))).text
    assert "For you: look." in shown
    assert "leap" not in shown
    only = bench(down=False)
    for number in range(6):
        await solve(only, number)
    assert "Solved by" not in (await only.ctx.recall(Query("Find the key in garden 3", "ann", 500))).text
    assert "g-memory-relevance" not in prompts(only)


async def test_every_twentieth_task_joins_insights() -> None:
    one = bench()
    for number in range(20):
        await solve(one, number)
    assert prompts(one)["g-memory-merge"] >= 1
    texts = [record.text for record in await one.ctx.store("ann", SCOPE).scan(Filter(kinds=(INSIGHT,)))]
    assert "Look first." in texts
    assert len(texts) < prompts(one)["g-memory-insights"]


BROKEN = [
    1, {"op": "ADD"}, {"op": "EDIT", "number": 99, "text": "x"}, {"op": "DROP TABLE", "number": 1, "text": "x"},
]  # fmt: skip


@pytest.mark.parametrize("reply", ["no JSON", "{}", json.dumps({"operations": BROKEN, "score": "high"})])
async def test_broken_answers_change_nothing(reply: str) -> None:
    one = bench(lambda request: reply)
    for number in range(6):
        await solve(one, number)
    assert await one.ctx.store("ann", SCOPE).count(Filter(kinds=(INSIGHT,))) == 0
    assert "Solved by" in (await one.ctx.recall(Query("Find the key in garden 3", "ann", 900))).text


def test_operations_on_insights() -> None:
    known = [Record(f"i{n}", f"rule {n}", INSIGHT, {"score": 2, "good": ["a"], "bad": []}) for n in range(12)]
    made = changed(known, [
        {"op": "EDIT", "number": 1, "text": "better"}, {"op": "AGREE", "number": 2, "text": ""},
        {"op": "REMOVE", "number": 3, "text": ""}, {"op": "ADD", "number": 0, "text": "new"},
    ], ["g"], ["b"])  # fmt: skip
    assert [(one.text, one.data["score"]) for one in made] == [
        ("better", 3), ("rule 1", 3), ("rule 2", -1), ("new", 2)
    ], "of many insights one that is removed loses three"  # fmt: skip
    assert made[0].data["good"] == ["a", "g"]
    (few,) = changed(known[:3], [{"op": "REMOVE", "number": 3, "text": ""}], [], [])
    assert few.data["score"] == 1
    ((new, old),) = joined(
        known[:4],
        [
            {"text": "both", "from": [1, 2, 2, 77]},
            {"text": "again", "from": [1]},
            5,
            {"text": "odd", "from": 7},
            {"text": "odd", "from": [[3], "4"]},
        ],
    )
    assert (new.text, new.data["score"], old) == ("both", 2, ["i0", "i1"])


def test_finch_joins_first_neighbours() -> None:
    rows = np.array([[1, 0], [0.99, 0.1], [0, 1], [0.1, 0.99], [-1, 0], [-0.99, -0.1]], np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert finch(list(rows)) == [0, 0, 1, 1, 2, 2]
    assert finch([]) == []
    assert finch([rows[0]]) == [0]
