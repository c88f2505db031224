"""The answer below a thought."""

from __future__ import annotations

import pytest

from scrimp.planning.parts.thought import conclusion


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So it is.\nAnswer: 4", "4"), ("Answer: 3\nNo, wait.\nanswer: 4\n", "4"), ("**Answer:** 4", "4"),
        ("答案在下面。\nAnswer：四", "四"), ("Answer: a\nb", "a\nb"), ("My answer: 4 is odd", "My answer: 4 is odd"),
        ("only words", "only words"), ("Answer:", "Answer:"), ("", ""),
    ],
)  # fmt: skip
def test_what_follows_the_last_answer(text: str, answer: str) -> None:
    assert conclusion(text) == answer
