"""Token estimates against counts taken from real vocabularies, and bounds that hold for any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.messages import Audio, Image, Request, ToolCall, ToolSpec, assistant, observation, user
from scrimp.models.tokens import by_script, estimate, estimate_message, estimate_request, upper_bound

PROSE = (
    "The quick development of large language models has led to a wide variety of agents. When the weather is bad, "
    "people usually stay at home and read a book, or they call a friend."
)
CHINESE = (
    "大语言模型的快速发展催生了各种各样的智能体。天气不好的时候，人们通常待在家里看书，或者给朋友打电话。"
    "我的祖母常说，永远不要相信一个瘦厨师；当然，她自己就是一位出色的面包师，一直活到九十七岁。"
    "请帮我查询明天北京到上海的高铁票，并且在上午九点之前提醒我出发，谢谢。"
)
NUMBERS = "3.14159, 2026-11-23 03:45:12, 1,234,567.89 USD; +86 138 0013 8000; 0x7ffe; 12% of 345 = 41.4 " * 3


@pytest.mark.parametrize(
    ("text", "counted"),
    [(CHINESE, 99), (NUMBERS, 174), ("Все люди рождаются свободными и равными в своем достоинстве и правах.", 20)],
)
def test_estimates_are_near_a_modern_vocabulary(text: str, counted: int) -> None:
    """`counted` is o200k's own count (the Russian sentence: of a longer text, in proportion)."""
    assert estimate(text) == pytest.approx(counted, rel=0.15)


@given(st.text())
def test_a_piece_by_itself_is_of_the_kind_it_is_in_its_text(text: str) -> None:
    """`by_script` goes by kinds, `estimate` by pieces."""
    assert sum(by_script(text)) == pytest.approx(estimate(text), abs=1)


def test_english_words_are_about_one_token_each() -> None:
    assert estimate(PROSE) == pytest.approx(len(PROSE.split()) + PROSE.count(".") + PROSE.count(","), rel=0.1)


def test_nothing_is_nothing_and_something_is_something() -> None:
    assert estimate("") == 0
    assert estimate(" ") == 1
    assert estimate("a") == estimate("的") == 1


@given(st.text(max_size=200))
def test_any_text_is_counted_and_bounded(text: str) -> None:
    assert estimate(text) >= bool(text)
    assert upper_bound(text) >= len(text)


def test_lone_surrogates_are_counted() -> None:
    assert estimate("\ud83d") >= 1
    assert upper_bound("\ud83d") == 3


def test_everything_in_a_request_counts() -> None:
    call = ToolCall("1", "search", {"query": "cheap flights to Oslo"})
    bare = Request((user("find flights"),))
    more = [
        bare.with_(tools=(ToolSpec("search", "Search the web", {"type": "object", "properties": {}}),)),
        bare.with_(schema={"type": "object", "properties": {"answer": {"type": "string"}}}),
        bare.with_(messages=(*bare.messages, assistant("", [call]), observation(call, "three flights"))),
        bare.with_(messages=(*bare.messages, user("and one more"))),
    ]
    assert all(estimate_request(request) > estimate_request(bare) + 4 for request in more)


def test_pictures_and_sound_count_by_size() -> None:
    small, large = Image(data="x", width=512, height=512), Image(data="x", width=1024, height=1024)
    assert estimate_message(user(small)) == 4 + 85 + 170
    assert estimate_message(user(large)) == 4 + 85 + 4 * 170
    assert estimate_message(user(Image(url="http://x/y.png"))) == 4 + 765
    assert estimate_message(user(Audio("x", seconds=6.0))) == 4 + 60
