"""How far answers agree, and what a confidence was worth."""

from __future__ import annotations

import random

import pytest

from scrimp.tools.parts.agreement import agreement, monotone, said


@pytest.mark.parametrize(
    ("one", "other"),
    [("1,234.0", "1234"), ("Paris.", "**paris**"), ("Let me think.\n42", "42.0"), ("−5", "-5"), ("北京。", "北京")],
)
def test_what_reads_alike_is_alike(one: str, other: str) -> None:
    assert said(one) == said(other) != ""


def test_the_share_of_what_most_say() -> None:
    assert agreement(["a", "b", "b", "c"]) == (1, 0.5)
    assert agreement(["a", "", "", ""]) == (0, 0.25), "not to know is no vote"
    assert agreement(["", ""]) == (0, 0.0)
    assert agreement(["b", "a"]) == (0, 0.5), "the earliest of those that come equally often"


def test_a_confidence_is_worth_how_often_it_was_right() -> None:
    levels, shares = monotone([0.2, 0.2, 0.6, 1.0, 1.0], [0.0, 1.0, 0.2, 1.0, 0.8])
    assert levels.tolist() == [0.2, 0.6, 1.0]
    assert shares.tolist() == pytest.approx([0.4, 0.4, 0.9]), "0.5 and 0.2 violate the order and are pooled by weight"


def test_the_curve_never_falls() -> None:
    draw = random.Random(0)
    sure = [draw.randrange(11) / 10 for _ in range(300)]
    _, shares = monotone(sure, [float(draw.random() < one * one) for one in sure])
    assert list(shares) == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.8
