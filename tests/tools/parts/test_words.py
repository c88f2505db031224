import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.tools.parts.words import BM25, ranks, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is the weather in the cities?", ["weather", "city"]),
        ("查询天气", ["查询", "询天", "天气"]),
        ("雨", ["雨"]),
        ("Oslo今天weather好吗", ["oslo", "weather", "今天", "好吗"]),
        ("get_current_time2", ["get", "current", "time2"]),
        ("Straße ÉTÉ naïve", ["straße", "été", "naïve"]),
        ("かな 한국어", ["かな", "한국", "국어"]),
        ("", []),
        ("!?", []),
    ],
)
def test_words_of_a_text(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_plurals_and_verb_forms_meet() -> None:
    for one, other in [("city", "cities"), ("train", "trains"), ("book", "booking"), ("convert", "converted")]:
        assert words(one) == words(other)


def test_bm25_prefers_rare_words_and_short_documents() -> None:
    scores = BM25(["weather report", "weather report " + "of many other things " * 9, "train report", ""]).scores(
        "weather"
    )
    assert scores[0] > scores[1] > scores[2] == scores[3] == 0
    rare, common = BM25(["rain report", "sun report", "snow report"]).scores("rain report")[:2]
    assert rare > common > 0


def test_a_chinese_question_finds_a_chinese_document() -> None:
    scores = BM25(["查询城市的天气预报。", "查询列车时刻表。", "Convert currencies."]).scores("明天天气怎么样？")
    assert scores[0] > max(scores[1:])


@given(st.lists(st.text(alphabet="ab 雨天气 ", max_size=12), max_size=6), st.text(alphabet="ab 雨天气 ", max_size=6))
def test_scores_are_never_negative_and_zero_without_a_shared_word(documents: list[str], query: str) -> None:
    asked = set(words(query))
    for document, score in zip(documents, BM25(documents).scores(query), strict=True):
        assert score >= 0
        assert (score > 0) == bool(asked & set(words(document)))


@given(st.lists(st.floats(-5, 5), max_size=8))
def test_ranks_are_an_order(scores: list[float]) -> None:
    result = ranks(scores)
    assert sorted(result) == list(range(len(scores)))
    best = sorted(range(len(scores)), key=result.__getitem__)
    assert [scores[index] for index in best] == sorted(scores, reverse=True)
