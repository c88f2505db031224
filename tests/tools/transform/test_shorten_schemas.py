"""Descriptions are cut; names, types, choices and what is required stay."""

from __future__ import annotations

from conversations import TOOLS, conversation

from scrimp.core.messages import Request, ToolSpec, user
from scrimp.tools.transform.shorten_schemas import ShortenSchemas


def test_descriptions_are_cut_to_a_sentence_and_so_many_words() -> None:
    spec = ShortenSchemas(words=12, parameter_words=3).apply(conversation(1)).tools[0]
    assert spec.description == "Get the weather of a city"
    assert spec.parameters["properties"]["city"] == {"type": "string", "description": "The name of"}
    assert spec.parameters["required"] == ["city"]
    assert "title" not in spec.parameters
    # A parameter may be called `description`; its choices are no description.
    assert spec.parameters["properties"]["description"] == {"type": "string", "enum": ["short form", "long form"]}


def test_chinese_descriptions_are_cut_by_characters() -> None:
    spec = ToolSpec("查", "查询一个城市的天气情况并返回温度和湿度。数据每天更新。", {"type": "object"})
    short = ShortenSchemas(words=5).apply(Request((user("hi"),), (spec,))).tools[0]
    assert short.description == "查询一个城市的天气情"[:10]


def test_the_list_is_the_same_object_in_every_request() -> None:
    shorten = ShortenSchemas()
    one, two = shorten.apply(conversation(1)), shorten.apply(conversation(2))
    assert one.tools is two.tools
    short = Request((user("hi"),), (ToolSpec("a", "Short", {"type": "object"}),))
    assert shorten.apply(short) is short
    assert TOOLS[0].description.startswith("Get the weather of a city.")
