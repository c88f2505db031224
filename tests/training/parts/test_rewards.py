"""Rewards of OTC-PO by the table of its paper's formulas, and what can never happen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.training.parts import rewards
from scrimp.training.parts.trajectory import Trajectory


@pytest.mark.parametrize(("calls", "wanted"), [(0, 1.0), (1, 0.5), (2, 0.309), (3, 0.223), (4, 0.174)])
def test_falling(calls: int, wanted: float) -> None:
    assert rewards.falling(calls) == pytest.approx(wanted, abs=5e-4)


@pytest.mark.parametrize(
    ("calls", "fewest", "wanted"),
    [(0, 0, 1.0), (1, 0, 0.5), (1, 1, 1.0), (2, 1, 0.866), (4, 1, 0.588), (3, 2, 0.951), (4, 2, 0.866), (0, 2, 0.0),
     (1, 2, 0.866)],
)  # fmt: skip
def test_tool_productivity(calls: int, fewest: int, wanted: float) -> None:
    assert rewards.productivity(calls, fewest) == pytest.approx(wanted, abs=5e-4)


def test_a_smoother_c_forgives_more() -> None:
    assert rewards.falling(1, c=4) > rewards.falling(1, c=1)


ROLLOUTS = st.builds(
    Trajectory, st.sampled_from(["a", "b"]), st.integers(0, 12), st.sampled_from([0.0, 1.0]), st.just(0.0)
)


@given(st.lists(ROLLOUTS, min_size=1, max_size=16))
def test_a_wrong_answer_earns_nothing_and_a_right_one_at_most_one(group: list[Trajectory]) -> None:
    fewest = rewards.fewest_calls(group)
    for one in group:
        earned = rewards.multiplied(one, fewest.get(one.question))
        assert 0 <= earned <= one.correct + 1e-12
        if one.correct and one.calls == fewest[one.question]:
            assert earned == pytest.approx(1.0)
        if not one.correct:
            assert earned == 0
            assert rewards.added(one, fewest.get(one.question)) >= 0


def test_the_fewest_calls_are_remembered_over_epochs() -> None:
    first = rewards.fewest_calls([Trajectory("a", 3, 1.0), Trajectory("a", 1, 0.0), Trajectory("b", 2, 0.0)])
    assert first == {"a": 3}, "a wrong rollout sets no minimum"
    later = rewards.fewest_calls([Trajectory("a", 2, 1.0), Trajectory("a", 5, 1.0), Trajectory("b", 4, 1.0)], first)
    assert later == {"a": 2, "b": 4}
    assert rewards.fewest_calls([Trajectory("a", 9, 1.0)], later)["a"] == 2
    assert first == {"a": 3}, "what was handed in is left as it was"


def test_right_answers_per_call() -> None:
    assert rewards.per_call([Trajectory("a", 2, 1.0), Trajectory("b", 2, 1.0), Trajectory("c", 0, 0.0)]) == 0.5
    assert rewards.per_call([Trajectory("a", 0, 1.0)]) == math.inf
    assert rewards.per_call([Trajectory("a", 0, 0.0)]) == 0.0
