"""Plans as graphs: references are found, checked and filled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.tools.parts.dag import PlanError, fill, read, ready, references, waves


@st.composite
def plans(draw: Any) -> list[dict[str, Any]]:
    """Steps that refer to any earlier ones, on any depth."""
    steps = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        needs = draw(st.sets(st.integers(1, number - 1), max_size=3)) if number > 1 else set()
        values: dict[str, Any] = {}
        for need in needs:
            values[f"a{need}"] = draw(st.sampled_from([f"${need}", f"see ${{{need}}} 见", [{"x": f"${need}"}]]))
        steps.append({"tool": "t", "arguments": {**values, "n": 5, "说": "天气"}, "wanted": needs})
    return steps


@given(plans())
def test_every_step_runs_once_after_all_it_needs_and_as_early_as_it_can(steps: list[dict[str, Any]]) -> None:
    plan = read(steps)
    assert [set(step.needs) for step in plan] == [step["wanted"] for step in steps]
    when = {step.number: place for place, wave in enumerate(waves(plan)) for step in wave}
    assert sorted(when) == [step.number for step in plan]
    for step in plan:
        assert when[step.number] == max((when[need] + 1 for need in step.needs), default=0)


@given(plans())
def test_filled_arguments_hold_no_reference(steps: list[dict[str, Any]]) -> None:
    for step in read(steps):
        filled = fill(step.arguments, dict.fromkeys(step.needs, "result"))
        assert references(filled) == []
        assert filled["n"] == 5
        assert filled["说"] == "天气"


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("$1", 42), (" ${1} ", 42), ("it is $1.", "it is 42."), ("${1}2", "422"),
        (["$1", {"x": "$2"}], [42, {"x": "雨"}]),
        ("$3", [1, 2]), ("$2天", "雨天"), (7, 7), (None, None),
    ],
)  # fmt: skip
def test_what_is_put_in_the_place_of_a_reference(value: Any, result: Any) -> None:
    assert fill(value, {1: "42", 2: "雨", 3: "[1,2]"}) == result


@pytest.mark.parametrize("text", ["It costs $3.50", "$1,200 a month", "$20.00", "US$5.5"])
def test_an_amount_of_money_is_no_reference(text: str) -> None:
    assert references(text) == []
    assert fill(text, {1: "x", 2: "x", 3: "x", 5: "x", 20: "x"}) == text
    assert read([{"tool": "t", "arguments": {"text": text}}])[0].needs == frozenset()


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"tool": "t", "arguments": {"x": "$1"}}, "step 1 refers to $1"),
        ({"tool": "t", "arguments": {"x": "$9"}}, "$9"),
        ({"tool": "t", "arguments": {"x": "$0"}}, "refers to $0"), ({"tool": "t"}, "step 1 is no call"),
        ({"tool": 3, "arguments": {}}, "no call"), ({"tool": "t", "arguments": []}, "no call"), ({}, "no call"),
    ],
)  # fmt: skip
def test_what_is_no_plan(step: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError) as caught:
        read([step])
    assert says in str(caught.value)


def test_steps_can_be_numbered_from_anywhere_and_refer_back() -> None:
    """A later part of a plan refers to results of an earlier one."""
    plan = read([{"tool": "t", "arguments": {"x": "$2"}}, {"tool": "t", "arguments": {"x": "$4"}}], first=4)
    assert [step.number for step in plan] == [4, 5]
    assert ready(plan, {2: "x"}) == [plan[0]]
    assert ready(plan, {2: "x", 4: "x"}) == [plan[1]]
    assert ready(plan, {}) == []


def test_a_result_that_is_json_keeps_its_type() -> None:
    for value in (1, 1.5, True, None, [1], {"a": 1}, "plain"):
        text = value if isinstance(value, str) else json.dumps(value)
        assert fill({"x": "$1"}, {1: text}) == {"x": value}
