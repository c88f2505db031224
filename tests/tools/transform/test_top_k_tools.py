"""The tools that fit, those that were called, and the same choice for a whole run."""

from __future__ import annotations

from conversations import conversation, prefixes

from scrimp.core.messages import Request, ToolCall, ToolSpec, assistant, user
from scrimp.tools.transform.top_k_tools import TopKTools


def names(request: Request) -> list[str]:
    return [spec.name for spec in request.tools]


def test_the_best_by_words_are_offered() -> None:
    assert names(TopKTools(k=1).apply(conversation(1))) == ["get_weather"]


def test_the_choice_is_the_same_object_over_a_run() -> None:
    top = TopKTools(k=2)
    lists = [top.apply(request).tools for request in prefixes(conversation(4))]
    assert all(one is lists[0] for one in lists)


def test_what_was_called_stays() -> None:
    request = conversation(1)
    called = assistant("", [ToolCall("x", "get_history", {})])
    assert "get_history" in names(TopKTools(k=1).apply(request.with_(messages=(*request.messages, called))))


def test_few_tools_are_left_as_they_are() -> None:
    request = conversation(1)
    assert TopKTools(k=5).apply(request) is request


def test_chinese() -> None:
    tools = tuple(
        ToolSpec(f"t{at}", text, {"type": "object"}) for at, text in enumerate(("查询天气", "订购机票", "翻译"))
    )
    assert names(TopKTools(k=1).apply(Request((user("帮我订购一张机票"),), tools))) == ["t1"]
