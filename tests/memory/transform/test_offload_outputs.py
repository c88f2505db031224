"""A long tool result is cut to its ends, the same in every prompt."""

from __future__ import annotations

from itertools import pairwise

from conversations import conversation, prefixes

from scrimp.memory.transform.offload_outputs import OffloadOutputs


def test_the_ends_stay_and_the_middle_is_named() -> None:
    cut = OffloadOutputs(limit=200).apply(conversation(1, 1000)).messages[-1].text
    assert len(cut) < 300
    assert "800 characters left out" in cut
    assert cut.startswith("0 0 0")
    assert cut.rstrip().endswith("0 0")


def test_the_cut_breaks_no_prefix() -> None:
    offload = OffloadOutputs(limit=200)
    sent = [offload.apply(request) for request in prefixes(conversation(6, 1000))]
    for before, after in pairwise(sent):
        assert all(one is other for one, other in zip(before.messages, after.messages, strict=False))


def test_short_results_stay() -> None:
    assert OffloadOutputs(limit=1000).apply(request := conversation(3, 900)) is request
