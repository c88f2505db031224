"""Sliding window: old turns fall out of the prompt, the opening and the last turn never."""

from __future__ import annotations

import anyio
import pytest

from scrimp.core.messages import Message, Request, ToolCall, assistant, observation, system, user
from scrimp.memory.context.sliding_window import SlidingWindow
from scrimp.models.tokens import estimate_request
from scrimp.testing import Bench

OPENING = (system("s"), user("问题"))


def turn(number: int, size: int = 1) -> list[Message]:
    call = ToolCall(f"c{number}", "f", {"x": "事实 " * size})
    return [assistant(f"thought {number}", [call]), observation(call, f"result {number}")]


def request(turns: int, size: int = 1) -> Request:
    return Request((*OPENING, *(message for number in range(turns) for message in turn(number, size))))


def fit(policy: SlidingWindow, asked: Request, limit: int = 10**6) -> Request:
    return anyio.run(policy.fit, asked, limit, Bench().ctx)


def thoughts(fitted: Request) -> list[str]:
    return [message.text[8:] for message in fitted.messages if message.role == "assistant"]


def test_a_short_conversation_is_left_alone() -> None:
    asked = request(4)
    assert fit(SlidingWindow(4, 2), asked) is asked


def test_turns_beyond_the_window_fall_out_in_hops() -> None:
    kept = [thoughts(fit(SlidingWindow(4, 2), request(turns))) for turns in range(4, 9)]
    assert kept == [["0", "1", "2", "3"], ["2", "3", "4"], ["2", "3", "4", "5"], ["4", "5", "6"], ["4", "5", "6", "7"]]


def test_between_hops_each_request_begins_with_the_one_before() -> None:
    """What the hops are for: a prefix cache breaks at a hop only."""
    policy = SlidingWindow(6, 3)
    breaks = 0
    before: tuple[Message, ...] = ()
    for turns in range(1, 25):
        now = fit(policy, request(turns)).messages
        breaks += now[: len(before)] != before
        before = now
    assert breaks == 6  # at turns 7, 10, ... 22


def test_the_limit_takes_more_but_never_the_last_turn_or_the_opening() -> None:
    asked = request(5, size=50)
    one_turn = estimate_request(request(1, size=50))
    fitted = fit(SlidingWindow(6, 1), asked, 2 * one_turn)
    assert estimate_request(fitted) <= 2 * one_turn
    assert 1 <= len(thoughts(fitted)) < 5
    assert fit(SlidingWindow(6, 1), asked, 1).messages == (*OPENING, *turn(4, size=50))


@pytest.mark.parametrize(("turns", "hop"), [(0, 1), (1, 0)])
def test_a_window_holds_something(turns: int, hop: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SlidingWindow(turns, hop)
