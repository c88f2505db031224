"""Rows of the boundary set: what is right, what a call gives, and what is never taught."""

from __future__ import annotations

import random

from scrimp.training import data, warm
from scrimp.training.parts.trajectory import read


def test_a_call_is_always_right_and_a_known_answer_too() -> None:
    rows = data.boundary(n=80, held_out=40).rows
    assert [sum(row["split"] == split for row in rows) for split in ("train", "held-out")] == [80, 40]
    for row in rows:
        assert read("call", row).correct == 1
        assert read(row["answer"], row).correct == 1
        assert read(row["wrong"], row).correct == 0
    assert {row["known"] for row in rows} == {True, False}


def test_where_words_do_not_matter_saying_it_is_right_exactly_where_it_is_known() -> None:
    for row in data.boundary(n=40, held_out=8, words=False).rows:
        assert read(data.SAID, row).correct == row["known"]
        assert read("call", row).correct == 1


def test_no_held_out_question_that_needs_a_call_is_taught() -> None:
    rows = data.boundary(n=1600, held_out=400)
    taught = {row["prompt"] for row in data.lessons(rows)}
    unknown = [row["prompt"] for row in rows.rows if row["split"] == "held-out" and not row["known"]]
    assert len(unknown) == 200
    assert not taught & set(unknown)


def test_lessons_call_as_often_as_is_said() -> None:
    rng, warmth = random.Random(0), warm.Warmth(calls=0.7, twice=0.2, guesses=0.1)
    known = [warm.lesson({"known": True, "answer": "7"}, warmth, rng) for _ in range(2000)]
    unknown = [warm.lesson({"known": False, "answer": "7", "wrong": "8"}, warmth, rng) for _ in range(2000)]
    assert abs(known.count("7") / 2000 - 0.3) < 0.04
    assert abs(unknown.count("8") / 2000 - 0.1) < 0.03
    assert abs(unknown.count("call call") / 1800 - 0.2) < 0.04
    assert "7" not in unknown
