"""A tool result that is there already becomes a pointer."""

from __future__ import annotations

from conversations import conversation

from scrimp.memory.transform.deduplicate_results import DeduplicateResults


def test_the_first_copy_stays() -> None:
    texts = [m.text for m in DeduplicateResults().apply(conversation(3, same=True)).messages if m.role == "tool"]
    assert len(texts[0]) == 600
    assert [text.startswith("[the same result") for text in texts] == [False, True, True]


def test_different_and_short_results_stay() -> None:
    assert DeduplicateResults().apply(request := conversation(4)) is request
    assert DeduplicateResults(at_least=700).apply(same := conversation(3, same=True)) is same
