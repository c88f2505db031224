"""Advantages: of a group, and of the steps of a rollout."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.training.parts.advantages import generalised, group_relative


@given(st.lists(st.floats(0, 1), min_size=1, max_size=16))
def test_a_group_is_centred_and_in_order(rewards: list[float]) -> None:
    found = group_relative(rewards)
    assert sum(found) == pytest.approx(0, abs=1e-6)
    assert all(
        (a >= b) == (x >= y) or abs(x - y) < 1e-9
        for a, x in zip(found, rewards, strict=True) for b, y in zip(found, rewards, strict=True)
    )  # fmt: skip


def test_a_group_of_equals_teaches_nothing() -> None:
    assert group_relative([1.0, 1.0, 1.0]) == [0, 0, 0]
    assert group_relative([0.5]) == [0]
    assert group_relative([0.0, 1.0], scaled=False) == [-0.5, 0.5]
    assert group_relative([0.0, 1.0], epsilon=0.0) == pytest.approx([-(0.5**0.5), 0.5**0.5])


def test_generalised_advantages() -> None:
    assert generalised([0, 0, 1], [0, 0, 0], lam=1.0) == pytest.approx([1, 1, 1])
    assert generalised([0, 0, 1], [0.2, 0.5, 0.9], lam=0.0) == pytest.approx([0.3, 0.4, 0.1])
    assert generalised([0, 1], [0.5, 0.5], gamma=0.5, lam=0.5) == pytest.approx([-0.25 + 0.25 * 0.5, 0.5])
