"""Self-consistency: the answer that most samples gave, at the price of all of them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from scrimp.core.budget import Budget
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.planning.methods.self_consistency import SelfConsistency
from scrimp.testing import Bench, ScriptedModel

ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {}, "b": {}}}, lambda given: given["a"] + given["b"])


def solve(answers: Any, **options: Any) -> tuple[Answer, Bench]:
    bench = Bench(ScriptedModel(answers), tools=[ADD])
    answer = anyio.run(SelfConsistency(**options).solve, Task("t", "What is 1 + 2?"), bench.ctx)
    return answer, bench


def test_most_votes_win_however_they_are_written() -> None:
    answer, bench = solve(["Four", "three", "Three.", " three "], samples=4)
    assert answer.text == "three"
    assert len(bench.events) == 4


def test_of_a_tie_the_earliest_answer_wins() -> None:
    assert solve(["4", "3", "3", "4", "5"])[0].text == "4"


def test_every_sample_is_a_whole_solution_of_its_own() -> None:
    call = {"tool": "add", "arguments": {"a": 1, "b": 2}}
    answer, bench = solve([call, "3", call, "3"], samples=2)
    assert answer.text == "3"
    assert [event.key.span for event in bench.events] == ["/0", "/0", "/0", "/1", "/1", "/1"]
    assert {event.agent for event in bench.events} == {"sample 1", "sample 2"}


def test_calls_are_voted_on_where_the_task_wants_calls() -> None:
    right, wrong = ({"tool": "add", "arguments": {"a": 1, "b": b}} for b in (2, 3))
    bench = Bench(ScriptedModel([wrong, right, right]), tools=[ADD])
    task = Task("t", "What is 1 + 2?", answer_with="calls")
    answer = anyio.run(SelfConsistency(samples=3).solve, task, bench.ctx)
    assert [call.arguments for call in answer.calls] == [{"a": 1, "b": 2}]


def test_a_budget_that_ends_leaves_the_vote_to_those_that_are_there() -> None:
    bench = Bench(ScriptedModel(lambda request: "3"), budget=Budget(model_calls=3))
    answer = anyio.run(SelfConsistency(samples=9).solve, Task("t", "What is 1 + 2?"), bench.ctx)
    assert answer.text == "3"


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        SelfConsistency(samples=0)
