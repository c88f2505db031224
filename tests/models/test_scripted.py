"""Models from a script and from a record: every form of answer, with usage, and every way to run out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from scrimp.core.errors import InputError, ModelFailed, ReplayMismatch
from scrimp.core.messages import (
    Delta,
    Image,
    Request,
    Response,
    ToolCall,
    ToolSpec,
    assistant,
    fold,
    observation,
    system,
    user,
)
from scrimp.core.protocols import Model
from scrimp.core.usage import Usage
from scrimp.models.scripted import ReplayedModel, ScriptedModel, from_file
from scrimp.models.tokens import estimate, estimate_request

TOOL = ToolSpec("search", "Search the web", {"type": "object", "properties": {"q": {"type": "string"}}})


def ask(text: str = "Hello", **more: Any) -> Request:
    return Request((user(text),), **more)


def deltas_of(model: Model, request: Request) -> list[Delta]:
    async def run() -> list[Delta]:
        return [delta async for delta in model.stream(request)]

    return asyncio.run(run())


def say(model: Model, request: Request | None = None) -> Response:
    return fold(deltas_of(model, request or ask()))


def test_a_list_is_used_in_order_and_runs_out() -> None:
    model = ScriptedModel(["one", "二"])
    assert isinstance(model, Model)
    assert [say(model).text, say(model).text] == ["one", "二"]
    with pytest.raises(ModelFailed, match="2 answers and was asked for one more") as caught:
        say(model)
    assert not caught.value.sent
    assert not caught.value.retryable
    assert len(model.requests) == 3


def test_a_list_may_repeat() -> None:
    model = ScriptedModel(["a", "b"], repeat=True)
    assert [say(model).text for _ in range(5)] == ["a", "b", "a", "b", "a"]


def test_a_table_answers_by_what_the_last_words_hold() -> None:
    model = ScriptedModel(
        {"天气": {"tool": "search", "arguments": {"q": "天气"}}, "sunny": "Take no umbrella.", "": "What?"}
    )
    first = say(model, ask("今天天气如何"))
    call = first.tool_calls[0]
    assert (call.name, call.arguments, first.finish) == ("search", {"q": "天气"}, "tool_calls")
    follow = Request((user("今天天气如何"), first.message, observation(call, "It is sunny."), system("be brief")))
    assert say(model, follow).text == "Take no umbrella."
    assert say(model, ask("else")).text == "What?"
    with pytest.raises(ModelFailed, match="no key"):
        say(ScriptedModel({"x": "y"}), ask("hello"))


def test_a_function_sees_the_request() -> None:
    async def slow(request: Request) -> str:
        return request.messages[-1].text.upper()

    assert say(ScriptedModel(slow), ask("abc")).text == "ABC"
    assert say(ScriptedModel(lambda request: assistant(request.prompt)), ask(prompt="p@1")).text == "p@1"


@pytest.mark.parametrize(
    "answer",
    [
        ToolCall("call_1", "f", {"a": 1}),
        [ToolCall("call_1", "f", {"a": 1})],
        {"tool": "f", "arguments": {"a": 1}},
        [{"tool": "f", "arguments": {"a": 1}}],
        assistant("", [ToolCall("call_1", "f", {"a": 1})]),
        {"calls": [{"tool": "f", "arguments": {"a": 1}}]},
    ],
)
def test_every_form_of_a_call(answer: Any) -> None:
    response = say(ScriptedModel([answer]))
    assert response.tool_calls == (ToolCall("call_1", "f", {"a": 1}),)
    assert response.finish == "tool_calls"
    assert response.usage is not None
    assert response.usage.output > 4


def test_words_beside_calls_and_arguments_that_are_none() -> None:
    response = say(ScriptedModel([{"text": "hm", "calls": [{"tool": "f", "arguments": "{oops"}, {"tool": "g"}]}]))
    assert response.text == "hm"
    assert response.tool_calls == (ToolCall("call_1", "f", None, "{oops"), ToolCall("call_2", "g", {}))


def test_words_as_an_object() -> None:
    response = say(ScriptedModel([{"text": "hm"}]))
    assert (response.text, response.tool_calls, response.finish) == ("hm", (), "stop")


def test_ids_of_calls_go_on_through_a_run() -> None:
    model = ScriptedModel([{"tool": "f"}], repeat=True)
    first = say(model)
    second = say(model, Request((user("Hello"), first.message, observation(first.tool_calls[0], "x"))))
    assert [first.tool_calls[0].id, second.tool_calls[0].id] == ["call_1", "call_2"]


def test_failures_and_streams_and_whole_responses() -> None:
    broken = ModelFailed("down", status=503, retryable=True)
    given = Response(assistant("x"), "length", Usage(1, 2, 3, 4), reported_cost="0.1")
    model = ScriptedModel([broken, [Delta("a"), Delta("b")], given])
    with pytest.raises(ModelFailed) as caught:
        say(model)
    assert caught.value is broken
    streamed = deltas_of(model, ask())
    assert [delta.text for delta in streamed] == ["a", "b"]
    assert fold(streamed).usage == Usage(estimate_request(ask()), output=1)
    assert say(model) == given


def test_usage_counts_the_whole_request() -> None:
    request = ask("今天天气如何", tools=(TOOL,), schema={"type": "string"})
    response = say(ScriptedModel(["晴 and warm"]), request)
    assert response.usage == Usage(input=estimate_request(request), output=estimate("晴 and warm"))
    assert response.usage == say(ScriptedModel(["晴 and warm"]), request).usage
    seen = say(ScriptedModel(["x"]), Request((user("look", Image(data="x")),))).usage
    assert seen is not None
    assert seen.images == 1


def test_no_answer_passes_its_cap_and_no_usage_its_bound() -> None:
    long = "words and more words " * 200
    for cap in (1, 7, 50):
        model = ScriptedModel([long, assistant(long, [ToolCall("1", "f", {})]), ToolCall("1", "f", {"q": long})])
        for _ in range(3):
            request = ask(max_output=cap)
            response = say(model, request)
            assert response.usage is not None
            assert response.usage.output <= cap
            assert response.finish == "length"
            bound = model.bound(request)
            assert (bound.input, bound.output) == (response.usage.input, cap)


def test_words_are_streamed_in_pieces_and_time_is_the_tests_own() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    model = ScriptedModel(["abcdefgh"], chunks=4, latency=2.0, sleep=sleep)
    assert [delta.text for delta in deltas_of(model, ask())] == ["ab", "cd", "ef", "gh"]
    assert sum(waited) == 2.0
    assert deltas_of(model_with_empty := ScriptedModel([""], chunks=3), ask())[-1].finish == "stop"
    assert len(model_with_empty.requests) == 1


def test_a_prefix_cache_serves_what_was_sent_before() -> None:
    model = ScriptedModel(["ok"], repeat=True, cache=True)
    one = Request((system("You are careful. " * 20), user("first question")), tools=(TOOL,))
    two = one.with_(messages=(*one.messages, assistant("ok"), user("second question")))
    cold, warm = say(model, one).usage, say(model, two).usage
    assert cold is not None
    assert warm is not None
    assert cold.cached_input == 0
    assert warm.cached_input == pytest.approx(cold.input, abs=4)
    assert warm.prompt == estimate_request(two)
    other = say(model, two.with_(tools=())).usage
    assert other is not None
    assert other.cached_input == 0
    again = say(model, two).usage
    assert again is not None
    assert 0 < again.input < 8


def test_a_short_beginning_is_not_cached() -> None:
    model = ScriptedModel(["ok"], repeat=True, cache=True, cache_minimum=1024)
    for _ in range(2):
        usage = say(model).usage
        assert usage is not None
        assert usage.cached_input == 0


def test_scripts_from_files(tmp_path: Path) -> None:
    listed = tmp_path / "a.json"
    listed.write_text(json.dumps(["你好", {"tool": "f", "arguments": {}}]), encoding="utf-8")
    model = from_file(listed)
    assert [say(model).text, say(model).tool_calls[0].name] == ["你好", "f"]
    table = tmp_path / "b.json"
    table.write_text('{"hello": "world"}', encoding="utf-8")
    assert say(from_file(table), ask("hello there")).text == "world"
    toml = tmp_path / "c.toml"
    toml.write_text('repeat = true\nanswers = ["x", {tool = "f", arguments = {a = 1}}]\n', encoding="utf-8")
    model = from_file(toml, name="scripted:c")
    assert model.name == "scripted:c"
    assert [say(model).text for _ in range(3)] == ["x", "", "x"]
    assert model.requests == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("3", "neither a list"),
        ("[3]", "an answer that is none"),
        ('{"a": {"tol": "f"}}', "an answer that is none"),
        ("[[]]", "an answer that is none"),
        ('{"answers": ["x"], "repet": true}', "repet"),
        ('{"answers": ["x"], "repeat": "yes"}', "repeat"),
    ],
)
def test_wrong_files_are_one_clear_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        from_file(path)
    with pytest.raises(InputError, match="cannot be read"):
        from_file(tmp_path / "none.json")


# -- replay -----------------------------------------------------------------------------------------


def test_a_record_answers_by_request() -> None:
    one, two = ask("one"), ask("two")
    kept = Response(assistant("1"), "stop", Usage(3, 2, 0, 1), reported_cost="0.01")
    model = ReplayedModel({one.hash: kept, two.hash: [kept, Response(assistant("2"))]})
    assert say(model, one) == kept
    assert say(model, one) == kept
    assert [say(model, two).text, say(model, two).text] == ["1", "2"]
    with pytest.raises(ReplayMismatch, match="2 answers"):
        say(model, two)
    assert model.bound(one) == Usage(input=5, output=1)
    assert model.bound(ask("unknown")).input > 0


def test_a_mismatch_says_what_differs() -> None:
    asked = Request((system("s"), user("天气?")), temperature=0.0)
    model = ReplayedModel({asked.hash: Response(assistant("x"))}, asked=[asked])
    with pytest.raises(ReplayMismatch, match=r"message 2 was '天气\?', now 'news\?'"):
        say(model, asked.with_(messages=(system("s"), user("news?"))))
    with pytest.raises(ReplayMismatch, match="message 3 was None, now 'more'"):
        say(model, asked.with_(messages=(*asked.messages, user("more"))))
    with pytest.raises(ReplayMismatch, match="temperature, seed differs"):
        say(model, asked.with_(temperature=1.0, seed=3))
    assert say(model, asked.with_(max_output=5)).text == "x"
    with pytest.raises(ReplayMismatch, match="begins 'news"):
        say(ReplayedModel({}), ask("news?"))
