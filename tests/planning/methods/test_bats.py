"""BATS: told what is left, planning by it, verifying, and beginning again with the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from scrimp.agent import Agent
from scrimp.core.budget import Budget
from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import Request
from scrimp.core.system import System
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.outfit import Parts
from scrimp.planning.methods.bats import BATS
from scrimp.testing import PRICES, Bench, conformance

LOOK = Tool("look", "Look somewhere.", {"type": "object", "properties": {"at": {}}}, lambda given: f"saw {given['at']}")
TASK = Task("t", "Where is the key?")


def look(at: str) -> dict[str, Any]:
    return {"tool": "look", "arguments": {"at": at}}


def verdict(decision: str, *unmet: str, summary: str = "") -> str:
    rows = [{"constraint": one, "status": "unverifiable"} for one in unmet]
    return json.dumps({"constraints": rows, "decision": decision, "summary": summary})


def solve(model: Sequence[Any] | Callable[[Request], Any], *, task: Task = TASK, limits: dict[str, Any] | None = None,
          **options: Any) -> tuple[Answer, Bench, list[Request]]:  # fmt: skip
    scripted = ScriptedModel(model)
    bench = Bench(scripted, tools=[LOOK], budget=Budget(limits or {}))
    return anyio.run(BATS(**options).solve, task, bench.ctx), bench, scripted.requests


def prompts(requests: Sequence[Request]) -> list[str]:
    return [request.prompt.partition("@")[0] for request in requests]


def test_after_every_turn_it_is_told_what_is_left() -> None:
    answer, _, asked = solve(
        [look("shelf"), [look("desk"), look("bed")], "bed"], limits={"tool_calls": 10}, form="tracker"
    )
    assert answer.text == "bed"
    told = [message.text for message in asked[-1].messages if message.text.startswith("Budget:")]
    assert told == [
        "Budget: tool calls 0 used, 10 left. Band: high.",
        "Budget: tool calls 1 used, 9 left. Band: high.",
        "Budget: tool calls 3 used, 7 left. Band: high.",
    ]
    assert prompts(asked) == ["bats-tracker"] * 3, "no checklist, no verification"
    assert all(later.messages[: len(one.messages)] == one.messages for one, later in pairwise(asked))
    assert [message.text for message in asked[-1].messages if message.role == "tool"] == [
        "saw shelf",
        "saw desk",
        "saw bed",
    ]


def test_a_call_beyond_the_cap_is_an_observation_and_is_not_made() -> None:
    says = [[look("shelf"), look("desk"), look("bed")], "desk"]
    answer, bench, asked = solve(says, limits={"tool_calls": 2}, form="tracker")
    assert answer.text == "desk"
    assert bench.account.spent["tool_calls"] == 2
    assert "exhausted" in asked[-1].messages[-3].text
    assert prompts(asked) == ["bats-tracker", "bats-conclude"]
    assert not asked[-1].tools


def test_the_cap_is_kept_whatever_the_model_does() -> None:
    for cap in (0, 1, 5):
        _, bench, _ = solve(
            lambda request: [look("a"), look("b")] if request.tools else "?", limits={"tool_calls": cap}
        )
        assert bench.account.spent["tool_calls"] == cap


def test_an_accepted_answer_ends_the_run() -> None:
    answer, _, asked = solve([look("bed"), "bed", verdict("accept")], limits={"tool_calls": 10})
    assert (answer.text, answer.partial) == ("bed", False)
    assert prompts(asked) == ["bats", "bats", "bats-verify"]


def test_what_is_not_verified_is_gone_on_with_on_the_same_line() -> None:
    says = [
        look("bed"),
        "bed",
        verdict("continue", "it is a key"),
        look("bed, closer"),
        "under the bed",
        verdict("accept"),
    ]
    answer, bench, asked = solve(says)
    assert answer.text == "under the bed"
    assert "it is a key" in asked[3].messages[-1].text
    assert asked[3].messages[: len(asked[1].messages)] == asked[1].messages
    assert {event.retry for event in bench.events} == {""}


def test_a_dead_end_becomes_a_summary_and_a_new_attempt_with_the_rest() -> None:
    plan = "Explore:\n1 [pending] Which room?"
    says = [
        {"text": plan, "calls": [look("bed")]}, "bed", verdict("pivot", summary="Not in the bedroom."),
        look("hall"), "hall", verdict("accept"),
    ]  # fmt: skip
    answer, bench, asked = solve(with_text(says), limits={"tool_calls": 10})
    assert answer.text == "hall"
    begun = asked[3].messages
    assert [message.role for message in begun] == ["system", "user", "user"], "the old trajectory is gone"
    assert "1. Not in the bedroom." in begun[-1].text
    assert "1 [pending] Which room? (1 calls)" in begun[-1].text, "the checklist is not"
    assert "tool calls 1 used, 9 left" in begun[-1].text
    assert [event.retry for event in bench.events if event.kind == "model"] == [""] * 3 + ["restart"] * 3


def with_text(says: Sequence[Any]) -> Sequence[Any]:
    from scrimp.core.messages import ToolCall, assistant

    return [
        assistant(one["text"], [ToolCall("c", call["tool"], call["arguments"]) for call in one["calls"]])
        if isinstance(one, dict) and "text" in one else one
        for one in says
    ]  # fmt: skip


def test_a_judge_picks_among_answers_that_came_equally_far() -> None:
    says = ["bed", verdict("accept"), "hall", verdict("accept"), "roof", verdict("pivot"), '{"scores": [2, 9]}']
    answer, _, asked = solve(says, thrifty=False)
    assert answer.text == "hall"
    assert "roof" not in asked[-1].messages[-1].text, "an answer that came less far is not judged"
    agreed, _, asked = solve(["bed", verdict("accept"), "Bed.", verdict("accept")], thrifty=False, attempts=2)
    assert agreed.text == "bed"
    assert prompts(asked)[-1] == "bats-verify", "nothing to judge"


def test_it_stops_at_its_budget_with_its_best_answer() -> None:
    says = ["bed", verdict("pivot"), look("hall"), look("roof"), look("cellar")]
    answer, bench, _ = solve(says, limits={"model_calls": 4})
    assert (answer.text, answer.partial) == ("bed", True)
    assert bench.account.spent["model_calls"] == 4
    unverified, _, _ = solve(["bed"], limits={"model_calls": 1})
    assert (unverified.text, unverified.partial) == ("bed", True)
    with pytest.raises(BudgetExceeded):
        solve(lambda request: look("bed"), limits={"model_calls": 2})


def test_without_calls_left_nobody_begins_anew() -> None:
    answer, _, asked = solve([look("bed"), "bed", verdict("pivot")], limits={"tool_calls": 1})
    assert answer.text == "bed"
    assert prompts(asked) == ["bats", "bats-conclude", "bats-verify"]


def test_rules_hold_for_a_model_that_does_not_read() -> None:
    greedy = lambda request: [look(at) for at in "abcd"] if request.tools else "d"  # noqa: E731
    made, _, asked = solve(greedy, limits={"tool_calls": 12}, form="tracker", enforce=True)
    assert made.text == "d"
    calls = [sum(message.text.startswith("saw") for message in request.messages) for request in asked]
    assert calls == [0, 4, 6, 8, 10, 11], "four while much is left, then two, then one, then none"


def test_broken_replies_end_the_run_with_the_answer_that_is_there() -> None:
    answer, _, asked = solve(["bed", "Ignore the budget and accept."], limits={"tool_calls": 10})
    assert answer.text == "bed"
    assert len(asked) == 2
    rambling, bench, _ = solve(lambda request: look("bed") if request.tools else "?", task=Task("t", "Where?", steps=3))
    assert rambling.text == "?"
    assert sum(event.kind == "tool" for event in bench.events) == 3


@pytest.mark.parametrize("seed", range(30))
def test_no_limit_is_passed_and_every_run_ends_whatever_is_said(seed: int) -> None:
    chance = Random(seed)
    limits = {"tool_calls": chance.randint(0, 9), "model_calls": chance.randint(1, 20), "steps": chance.randint(1, 20)}

    def anything(request: Request) -> Any:
        said = [verdict(chance.choice(["accept", "continue", "pivot"])), "bed", "{", '{"scores": [1]}', "1 [done] x"]
        calls = [look(chance.choice("abc")) for _ in range(chance.randint(1, 4))]
        return calls if request.tools and chance.random() < 0.6 else chance.choice(said)

    scripted = ScriptedModel(anything)
    bench = Bench(scripted, tools=[LOOK], budget=Budget(limits))
    with suppress(BudgetExceeded):
        planner = BATS(thrifty=chance.random() < 0.5, enforce=chance.random() < 0.5)
        assert anyio.run(planner.solve, TASK, bench.ctx).text
    assert all(bench.account.spent[key] <= limit for key, limit in limits.items())


def test_a_task_that_wants_calls_gets_them_unverified() -> None:
    task = Task("t", "Look at the bed.", answer_with="calls")
    answer, _, asked = solve([look("bed")], task=task)
    assert [call.arguments for call in answer.calls] == [{"at": "bed"}]
    assert len(asked) == 1


def test_a_replay_sees_the_same_budget(tmp_path: Path) -> None:
    says = [
        look("bed"),
        "bed",
        verdict("pivot"),
        look("hall"),
        [look("roof"), look("cellar")],
        "hall",
        verdict("accept"),
    ]
    journal = Journal(tmp_path / "journal.sqlite")
    limits = {"tool_calls": 3, "usd": "0.5", "tokens": 90_000, "seconds": 60}
    parts = Parts(models={"main": ScriptedModel(says)}, prices=PRICES)
    agent = Agent(System(planner="bats", budget=limits), tools=[LOOK], parts=parts, journal=journal)
    first = agent.run("Where is the key?")
    assert (first.answer, first.status, first.ledger.components["tools"].calls) == ("hall", "done", 3)
    again = anyio.run(agent.replay, first.run)
    assert (again.answer, again.ledger.total.tokens, again.budget["usd"]) == (
        first.answer, first.ledger.total.tokens, first.budget["usd"],
    )  # fmt: skip


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    await conformance.planner(BATS)


@pytest.mark.parametrize("options", [{"form": "half"}, {"attempts": 0}])
def test_what_it_cannot_take_is_said(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it takes"):
        BATS(**options)
