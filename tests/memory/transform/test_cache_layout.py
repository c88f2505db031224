"""What changes stands behind what stays, and nothing is left out."""

from __future__ import annotations

from conversations import TOOLS, conversation

from scrimp.core.messages import Request, system, user
from scrimp.memory.transform.cache_layout import CacheLayout

PROMPT = "You help.\nThe current time is 2026-11-26 10:00.\nBe brief.\n当前时间：2026年11月\nNever guess."


def test_volatile_lines_move_to_the_end() -> None:
    laid = CacheLayout().apply(Request((system(PROMPT), user("hi")))).messages[0].text
    assert laid.split("\n") == [
        "You help.",
        "Be brief.",
        "Never guess.",
        "The current time is 2026-11-26 10:00.",
        "当前时间：2026年11月",
    ]
    assert sorted(laid.split("\n")) == sorted(PROMPT.split("\n"))


def test_tools_come_in_the_order_of_their_names() -> None:
    laid = CacheLayout().apply(conversation(1))
    assert [spec.name for spec in laid.tools] == sorted(spec.name for spec in TOOLS)
    again = CacheLayout().apply(laid)
    assert again is laid


def test_a_prompt_without_anything_volatile_stays() -> None:
    request = Request((system("You help.\nBe brief."), user("hi")))
    assert CacheLayout().apply(request) is request
