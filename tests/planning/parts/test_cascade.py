"""A cascade stops at the first answer that is good enough, and every call of it is in the ledger."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scrimp.core.errors import BudgetExceeded, InputError
from scrimp.core.messages import Response, TokenLogprob, ToolCall, assistant, user
from scrimp.core.prompt import Prompt
from scrimp.core.tool import Tool
from scrimp.planning.parts.cascade import callable_calls, cascade, confident, every, is_json, whole
from scrimp.testing.harness import Bench, ScriptedModel

ASK = Prompt("ask", 1, "say it")


def bench(cheap: str, strong: str, **options: Any) -> Bench:
    models = {"main": ScriptedModel([cheap]), "strong": ScriptedModel([strong], name="dear")}
    return Bench(models, **options)


def run(scene: Bench, **options: Any) -> Response:
    return asyncio.run(cascade(scene.ctx, [user("?")], prompt=ASK, **options))


def test_a_good_answer_ends_it() -> None:
    scene = bench('{"a": 1}', "never")
    assert run(scene, accept=is_json()).text == '{"a": 1}'
    assert [(event.name, event.attempt) for event in scene.events] == [("scripted", 1)]


def test_a_bad_answer_goes_to_the_stronger_model_and_both_are_metered() -> None:
    scene = bench("hm", "好")
    assert run(scene, accept=is_json()).text == "好"  # the last answer is taken as it is
    assert [(event.name, event.attempt, event.retry) for event in scene.events] == [
        ("scripted", 1, ""), ("dear", 2, "repair")
    ]  # fmt: skip
    ledger = scene.ledger
    assert ledger.retries["repair"].calls == 1
    assert ledger.terms["generation"].cost + ledger.terms["retries"].cost == ledger.total.cost


def test_the_budget_holds_between_the_calls() -> None:
    scene = bench("hm", "好", budget={"model_calls": 1})
    with pytest.raises(BudgetExceeded):
        run(scene, accept=is_json())
    assert scene.ledger.total.calls == 1


def test_a_cascade_needs_a_model() -> None:
    with pytest.raises(InputError, match="needs a model"):
        run(bench("a", "b"), accept=whole, roles=())


def test_rules() -> None:
    sure, unsure = TokenLogprob("a", -0.1), TokenLogprob("b", -3.0)
    assert confident(-0.2)(Response(assistant("a"), logprobs=(sure,)))
    assert not confident(-0.2)(Response(assistant("ab"), logprobs=(sure, unsure)))
    assert not confident(-9.0)(Response(assistant("a")))
    assert whole(Response(assistant("a")))
    assert not whole(Response(assistant("a"), "length"))
    assert not whole(Response(assistant(" ")))
    assert is_json(lambda value: "a" in value)(Response(assistant('{"a": 1}')))
    assert not is_json(lambda value: "b" in value)(Response(assistant('{"a": 1}')))
    assert is_json()(Response(assistant("", [ToolCall("1", "f", {})])))
    tool = Tool("f", "", {"type": "object", "properties": {"x": {}}, "required": ["x"]})
    rule = callable_calls([tool])
    assert rule(Response(assistant("", [ToolCall("1", "f", {"x": 1})])))
    for call in (ToolCall("1", "f", {}), ToolCall("1", "g", {"x": 1}), ToolCall("1", "f", None, "{")):
        assert not rule(Response(assistant("", [call])))
    assert every(whole, rule)(Response(assistant("fine")))
    assert not every(whole, is_json())(Response(assistant("fine")))
