"""Who holds which view, and who is told what."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scrimp.core.task import Answer
from scrimp.team.parts.debate import final
from scrimp.team.parts.topology import complete, groups
from scrimp.team.parts.views import agreed, by_answer, new_across, new_within

NAMES = tuple(f"a{number}" for number in range(12))


def test_alike_answers_are_one_view() -> None:
    views = by_answer({"a": Answer("Oslo."), "b": Answer(" oslo"), "c": Answer("Rome")})
    assert views == {"a": 0, "b": 0, "c": 1}
    assert not agreed(views)
    assert agreed({"a": 0, "b": 0})
    assert agreed({})


def test_each_hears_one_speaker_for_each_view_that_is_not_its_own() -> None:
    views = {"a": 0, "b": 0, "c": 1, "d": 2}
    assert new_within(("a", "b", "c", "d"), views) == [
        ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("a", "c"), ("d", "c"), ("a", "d"), ("c", "d"),
    ]  # fmt: skip
    assert new_within(("a", "silent"), views) == [("a", "silent")], "who has no view hears every one"
    assert new_across([("a", "b"), ("c", "d")], views) == [
        ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("a", "c"), ("a", "d"),
    ]  # fmt: skip


def test_messages_grow_with_agents_and_in_complete_debate_with_their_square() -> None:
    """Exponents of growth where two views are held everywhere: 1 within groups of any size, 2 without groups."""
    sizes = (4, 8, 16, 32, 64)
    sparse, dense = [], []
    for size in sizes:
        names = [f"a{number}" for number in range(size)]
        views = {name: number % 2 for number, name in enumerate(names)}
        sparse.append(sum(len(new_within(group, views)) for group in groups(names)))
        dense.append(len(complete(names)))
    assert np.polyfit(np.log(sizes), np.log(sparse), 1)[0] == pytest.approx(1.0, abs=0.02)
    assert np.polyfit(np.log(sizes), np.log(dense), 1)[0] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("count", range(1, 13))
def test_groups_are_even_and_hold_everybody(count: int) -> None:
    made = groups(NAMES[:count])
    assert tuple(name for group in made for name in group) == NAMES[:count]
    assert max(map(len, made)) - min(map(len, made)) <= 1
    assert max(map(len, made)) <= math.isqrt(count) + 1


def test_the_answer_stands_after_the_last_mark() -> None:
    assert final("Hm.\n**Answer: 42**") == "42"
    assert final("Answer: 1\nno, wait\nAnswer: 2\n") == "2"
    assert final("想一想。\n答案：北京") == "北京"
    assert final("just words\n\nOslo") == "Oslo"
    assert final("") == ""
