"""Chain of thought: one call, no tool, and the answer out of its last line."""

from __future__ import annotations

import anyio
import pytest

from scrimp.core.errors import BudgetExceeded
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool
from scrimp.planning.methods.chain_of_thought import PROMPT, ChainOfThought
from scrimp.testing import Bench, ScriptedModel

TOOL = Tool("add", "Add.", {"type": "object", "properties": {}}, lambda given: 1, inline=True)


def test_it_thinks_and_answers_in_one_call_without_tools() -> None:
    model = ScriptedModel(["Two and two are four.\nAnswer: 4"])
    bench = Bench(model, tools=[TOOL])
    assert anyio.run(ChainOfThought().solve, Task("t", "2 + 2?", background="Sums."), bench.ctx) == Answer("4")
    (request,) = model.requests
    assert (request.prompt, request.tools) == (PROMPT.ref, ())
    assert [message.role for message in request.messages] == ["system", "user", "user"]
    assert [event.component for event in bench.events] == ["answer"]


def test_without_a_budget_for_the_call_the_question_is_kept() -> None:
    bench = Bench(ScriptedModel(["x"]), budget={"model_calls": 0})
    with pytest.raises(BudgetExceeded):
        anyio.run(ChainOfThought().solve, Task("t", "2 + 2?"), bench.ctx)
    assert bench.ctx.kept[1][-1].text == "2 + 2?"
