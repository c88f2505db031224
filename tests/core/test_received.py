from __future__ import annotations

from scrimp.core.context.received import ALLOWANCE, LONGEST, Received
from scrimp.core.messages import Delta, ToolCall


def counted(cap: int, *deltas: Delta) -> Received:
    received = Received(cap)
    for delta in deltas:
        received.add(delta)
    return received


def test_words_within_what_a_cap_can_hold_are_not_past_it() -> None:
    most = LONGEST * 10 + ALLOWANCE
    assert not counted(10, Delta("a" * most)).passed
    assert counted(10, Delta("a" * most), Delta("a")).passed
    assert not counted(10, Delta("字" * most)).passed  # characters, whatever their bytes


def test_what_is_not_shown_counts() -> None:
    assert counted(1, Delta(unseen=2000)).passed
    assert counted(1, Delta(tool_calls=(ToolCall("1", "f", {"q": "x" * 2000}),))).passed


def test_a_call_that_was_watched_while_it_was_written_counts_once() -> None:
    call = ToolCall("1", "f", None, "x" * 600)
    assert not counted(1, Delta(unseen=601), Delta(tool_calls=(call,))).passed


def test_the_most_and_the_least_that_can_have_been_written() -> None:
    received = counted(10, Delta("天" * 100))
    assert (received.least, received.most) == (3, 600)  # 300 bytes
    assert counted(1000, Delta("a")).most == 1000
    assert counted(1000).least == 0
