"""Counting many texts at once gives exactly what counting each of them gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scrimp.models.token_counts import count_many
from scrimp.models.tokens import estimate, estimate_many

ALPHABET = (
    "abcdefghijKLMNOP éàßŁ×÷ 0123456789  \n\r\t\u2028\u3000 _-.,;:!?()[]{}\"'`~@#$%^&*+=/\\|<> 天气卑尔根𠀀𪚥 "
    "かなカナ 한국어 “”…—、。，！？：；Ａ１ Яблоко "
    "αβγ עברית العربية हिन्दी 😀👍🏽 \x00\x07\x7f\x85\xa0\u200b 𝐀𝟘 ٣٤ ǅ \ud800 ﬀ ºª²"
)
texts = st.text(alphabet=st.sampled_from(ALPHABET), max_size=60) | st.text(max_size=30)


@settings(max_examples=400, deadline=None)
@given(st.lists(texts, max_size=12))
def test_together_as_one_by_one(said: list[str]) -> None:
    assert count_many(said) == [estimate.__wrapped__(text) for text in said]


@given(st.lists(st.text(alphabet=st.characters(max_codepoint=127), max_size=80), min_size=1, max_size=12))
def test_ascii_has_its_own_way(said: list[str]) -> None:
    assert count_many(said) == [estimate.__wrapped__(text) for text in said]


def test_long_texts_take_the_fast_way_and_short_ones_the_other() -> None:
    said = ["The quick brown fox 12 jumps. " * 300, "", "hi", "天气" * 2000, "The quick brown fox 12 jumps. " * 300]
    assert estimate_many(said) == [estimate.__wrapped__(text) for text in said]
    assert estimate_many(["hi", ""]) == [1, 0]
