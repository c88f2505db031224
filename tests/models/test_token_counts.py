"""Counting many texts at once gives exactly what counting each of them gives."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scrimp.models import token_counts
from scrimp.models.token_counts import count_many, counted_together
from scrimp.models.tokens import estimate, estimate_many

alone = estimate.__wrapped__
ALPHABET = (
    "abcdefghijKLMNOP éàßŁ×÷ÿ 0123456789  \n\r\t\u2028\u3000 _-.,;:!?()[]{}\"'`~@#$%^&*+=/\\|<> 天气卑尔根𠀀𪚥 "
    "かなカナ 한국어 “”…—、。，！？：；Ａ１ Яблоко "
    "αβγ עברית العربية हिन्दी 😀👍🏽 \x00\x07\x1c\x7f\x85\xa0\u200b 𝐀𝟘 ٣٤ ǅ \ud800 ﬀ ºª²"
)
characters = st.sampled_from(ALPHABET)
runs = st.builds(lambda character, count: character * count, characters, st.integers(1, 40))
texts = (
    st.text(alphabet=characters, max_size=60)
    | st.lists(runs, max_size=8).map("".join)
    | st.text(max_size=30)
    | st.from_regex(r"(?a:[a-z]{1,20}[ \n]{0,2}[0-9]{0,9}[.,-]{0,20}){0,6}", fullmatch=True)
)


@settings(max_examples=500, deadline=None)
@given(st.lists(texts, max_size=12))
@example(["word", "12", " ", "12", "\n", "é", "a", "한", "국", "", "-" * 99, "7" * 99])
def test_together_as_one_by_one(said: list[str]) -> None:
    expected = [alone(text) for text in said]
    assert counted_together(said) == expected if said else True
    assert count_many(said) == expected


@given(st.lists(st.text(alphabet=st.characters(max_codepoint=127), max_size=80), min_size=1, max_size=12))
def test_ascii_has_its_own_way(said: list[str]) -> None:
    assert counted_together(said) == [alone(text) for text in said]


@pytest.mark.parametrize("alphabet", [ALPHABET, "ab é 12", "天气好 a", "Я7 .", "a", "天", "-"])
def test_long_texts_are_cut_where_nothing_is_lost(alphabet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_counts, "CHUNK", 50)
    chance = random.Random(len(alphabet))
    said = ["".join(chance.choices(alphabet, k=chance.randrange(1, 700))) for _ in range(40)]
    expected = [alone(text) for text in said]
    assert [counted_together([text])[0] for text in said] == expected
    assert count_many(said) == expected


def test_what_was_counted_is_known_until_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = token_counts._Memory()
    monkeypatch.setattr(token_counts, "_MEMORY", memory)
    monkeypatch.setattr(token_counts, "HELD", 10_000)
    said = ["The quick brown fox 12 jumps. " * 30 + str(number) for number in range(8)]
    for text in said * 3:
        assert count_many([text, text, "short"]) == [alone(text), alone(text), 1]
        assert memory.known[text] == alone(text)
    count_many(["another text " * 100])
    assert sum(map(len, memory.known)) <= 10_000
    assert count_many(said) == [alone(text) for text in said]


def test_long_texts_take_the_fast_way_and_short_ones_the_other() -> None:
    said = ["The quick brown fox 12 jumps. " * 300, "", "hi", "天气" * 2000, "The quick brown fox 12 jumps. " * 300]
    assert estimate_many(said) == [alone(text) for text in said]
    assert estimate_many(["hi", ""]) == [1, 0]
    assert estimate_many([]) == []
