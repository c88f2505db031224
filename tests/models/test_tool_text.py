"""Tools told in words: the prompt only grows, the reply's form is enforced, and whatever comes back is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.messages import (
    Delta,
    Image,
    Message,
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
from scrimp.core.protocols import Capabilities, Model
from scrimp.core.usage import Usage
from scrimp.models.tool_text import ToolText
from scrimp.models.tool_text_format import dumps, read, signature

WEATHER = ToolSpec(
    "get_weather",
    "Get the weather of a city",
    {"type": "dict", "properties": {"city": {"type": "string", "description": "The city"}}, "required": ["city"]},
)
CONVERT = ToolSpec(
    "convert",
    "Convert money",
    {
        "type": "object",
        "properties": {
            "amount": {"type": "float"},
            "to": {"type": "string", "description": "ISO code"},
            "how": {"type": "string", "enum": ["buy", "sell"]},
        },
        "required": ["amount", "to"],
    },
)
ASK = Request((system("You help."), user("奥斯陆天气如何？")), tools=(WEATHER, CONVERT))


class Told:
    """A model that says what it is told, in pieces, and keeps what it was sent."""

    name = "told"

    def __init__(self, *texts: str, schema: Any = "grammar", finish: Any = "stop") -> None:
        self.capabilities = Capabilities(tools=False, schema=schema)
        self.texts, self.finish, self.requests, self.closed = list(texts), finish, list[Request](), False

    def bound(self, request: Request) -> Usage:
        return Usage(input=sum(len(message.text.encode()) for message in request.messages), output=5)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.requests.append(request)
        text = self.texts.pop(0)
        try:
            for start in range(0, len(text), 5):
                yield Delta(text=text[start : start + 5])
            yield Delta(finish=self.finish, usage=Usage(3, 2, 0, 4))
        finally:
            self.closed = True


def reply(inner: Told, request: Request = ASK, **options: Any) -> Response:
    async def run() -> list[Delta]:
        return [delta async for delta in ToolText(inner, **options).stream(request)]

    return fold(asyncio.run(run()))


CALL = '{"thought": "look it up", "calls": [{"name": "get_weather", "arguments": {"city": "奥斯陆"}}]}'


def test_it_is_a_model_with_tools() -> None:
    wrapped = ToolText(Told())
    assert isinstance(wrapped, Model)
    assert wrapped.capabilities.tools
    assert wrapped.name == "told"


def test_a_call_is_read_and_its_thought_is_the_text() -> None:
    response = reply(Told(CALL))
    assert response.text == "look it up"
    assert response.tool_calls == (ToolCall("call_1", "get_weather", {"city": "奥斯陆"}),)
    assert (response.finish, response.usage) == ("tool_calls", Usage(3, 2, 0, 4))


def test_an_answer_is_words() -> None:
    response = reply(Told('{"thought": "easy", "answer": "十二度"}'))
    assert (response.text, response.tool_calls, response.finish) == ("十二度", (), "stop")


def test_the_prompt_tells_the_tools_in_the_first_system_message() -> None:
    inner = Told(CALL)
    reply(inner)
    sent = inner.requests[0]
    assert [message.role for message in sent.messages] == ["system", "user"]
    assert sent.messages[0].text.startswith("You help.\n\n")
    assert dumps(WEATHER.to_json()) in sent.messages[0].text.splitlines()
    assert sent.tools == ()
    made = ToolText(Told()).render(ASK.with_(messages=ASK.messages[1:]))
    assert [message.role for message in made.messages] == ["system", "user"]


def test_the_reply_is_held_to_a_schema() -> None:
    schema = ToolText(Told()).render(ASK).schema
    assert schema is not None
    calls, answer = schema["anyOf"]
    assert list(calls["properties"]) == ["thought", "calls"]
    assert list(answer["properties"]) == ["thought", "answer"]
    assert calls["required"] == ["thought", "calls"]
    assert calls["additionalProperties"] is False
    names = [item["properties"]["name"]["const"] for item in calls["properties"]["calls"]["items"]["anyOf"]]
    assert names == ["get_weather", "convert"]
    city = calls["properties"]["calls"]["items"]["anyOf"][0]["properties"]["arguments"]["properties"]["city"]
    assert city == {"type": "string", "maxLength": 400}
    assert calls["properties"]["calls"]["maxItems"] == 8


def test_one_call_no_thought_and_no_enforcement() -> None:
    one = ToolText(Told(), thought=False).render(ASK.with_(parallel_calls=False)).schema
    assert one is not None
    assert one["anyOf"][0]["properties"]["calls"]["maxItems"] == 1
    assert "thought" not in str(one)
    assert ToolText(Told(schema="none")).render(ASK).schema is None


def test_the_answer_may_have_a_schema_of_its_own() -> None:
    wanted = {"type": "object", "properties": {"degrees": {"type": "integer"}}, "required": ["degrees"]}
    request = ASK.with_(schema=wanted)
    inner = Told('{"thought": "", "answer": {"degrees": 12}}')
    assert json.loads(reply(inner, request).text) == {"degrees": 12}
    assert inner.requests[0].schema is not None
    assert inner.requests[0].schema["anyOf"][1]["properties"]["answer"]["properties"] == {
        "degrees": {"type": "integer"}
    }
    assert dumps(wanted) in inner.requests[0].messages[0].text


def test_without_tools_a_request_passes_untouched() -> None:
    request = Request((user("hi"), assistant("hello"), user("bye")), schema={"type": "string"})
    assert ToolText(Told()).render(request) is request
    inner = Told('{"answer": 1}')
    assert reply(inner, request).text == '{"answer": 1}'
    assert inner.requests[0] is request


def test_a_last_turn_without_tools_still_shows_what_was_done() -> None:
    call = ToolCall("a", "get_weather", {"city": "Oslo"})
    request = Request((*ASK.messages, assistant("", [call]), observation(call, "sunny"), user("Answer now.")))
    inner = Told('{"answer": "sunny"}')
    assert reply(inner, request).text == "sunny"
    assert [message.role for message in inner.requests[0].messages] == ["system", "user", "assistant", "user", "user"]
    assert inner.requests[0].messages[0].text == "You help."


def told(request: Request, **options: Any) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in ToolText(Told(), **options).render(request).messages]


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        '{"thought": "", "calls": [{"name": "convert", "arguments": {"to": "NOK", "amount": 1.50}}]}',
        '{"thought": "\\u4f60", "calls": [{"name": "convert", "arguments": {"amount": 1e3, "to": "a/b"}}]}',
        'Sure:\n```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```\n',
        '{"thought": "t", "calls": [{"name": "get_weather", "arguments": {"city": "Osl',
    ],
)
def test_what_the_model_wrote_is_shown_again_to_the_letter(text: str) -> None:
    first = told(ASK)
    response = reply(Told(text))
    result = observation(response.tool_calls[0], "12 度")
    second = told(ASK.with_(messages=(*ASK.messages, response.message, result)))
    assert second[: len(first)] == first
    assert second[len(first) :] == [("assistant", text), ("user", f"Result of {response.tool_calls[0].name}: 12 度")]


def test_a_call_read_back_from_a_journal_gives_the_same_prompt() -> None:
    text = '{"thought": "", "calls": [{"name": "convert", "arguments": {"to": "NOK", "amount": 2}}]}'
    message = reply(Told(text)).message
    back = Message.from_json(json.loads(json.dumps(message.to_json(), sort_keys=True)))
    request = ASK.with_(messages=(*ASK.messages, message))
    assert told(ASK.with_(messages=(*ASK.messages, back))) == told(request)


def test_the_prompt_only_grows() -> None:
    request, before = ASK, told(ASK)
    for turn in range(4):
        response = reply(Told(CALL), request)
        assert response.tool_calls[0].id == f"call_{turn + 1}"
        shown = [observation(call, f"turn {turn}") for call in response.tool_calls]
        request = request.with_(messages=(*request.messages, response.message, *shown))
        after = told(request)
        assert after[: len(before)] == before
        before = after


def test_results_say_which_call_they_answer() -> None:
    calls = [ToolCall("a", "get_weather", {"city": "Oslo"}), ToolCall("b", "get_weather", {"city": "Rome"}),
             ToolCall("c", "convert", {"amount": 1, "to": "NOK"})]  # fmt: skip
    picture = Message("tool", (*user("see", Image(data="x")).parts,), tool_call_id="c")
    request = ASK.with_(messages=(assistant("", calls), observation(calls[1], "warm"), observation(calls[0], "cold")))
    assert told(request)[-1] == ("user", "Result of get_weather (call 2): warm\nResult of get_weather (call 1): cold")
    rendered = ToolText(Told()).render(request.with_(messages=(*request.messages, picture)))
    assert "Result of convert: see" in rendered.messages[-1].text
    assert any(isinstance(part, Image) for part in rendered.messages[-1].parts)
    unknown = Message("tool", user("late").parts, tool_call_id="zzz")
    assert told(ASK.with_(messages=(unknown,)))[-1] == ("user", "Result: late")


def test_an_earlier_answer_is_shown_in_the_form_of_an_answer() -> None:
    request = ASK.with_(messages=(user("hi"), assistant("hello"), user("weather?")))
    assert ("assistant", '{"answer": "hello"}') in told(request)


NAMES = ["get_weather", "convert"]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('```json\n{"calls": [{"name": "convert", "arguments": {"to": "x"}}]}\n```', [("convert", {"to": "x"})]),
        ('{"name": "get_weather", "arguments": {"city": "Oslo"}} and so on', [("get_weather", {"city": "Oslo"})]),
        ('{"name": "get_weather", "parameters": "{\\"city\\": \\"Oslo\\"}"}', [("get_weather", {"city": "Oslo"})]),
        ('[1] see {"name": "convert", "arguments": {}}', [("convert", {})]),
        ('[{"name": "a", "arguments": {}}, {"function": {"name": "b", "arguments": {}}}]', [("a", {}), ("b", {})]),
        ('{"tool_calls": [{"function": {"name": "convert", "arguments": "{oops"}}]}', [("convert", None)]),
        ('{"calls": [{"name": "convert", "arguments": {"to": "N', [("convert", None)]),
        ("{not json} but {\"name\": \"convert\", \"args\": {\"to\": \"x\"}}", [("convert", {"to": "x"})]),
    ],
)  # fmt: skip
def test_calls_in_any_dress(text: str, calls: list[Any]) -> None:
    assert list(read(text, NAMES).calls) == calls


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Just words.", "Just words."),
        ('{"answer": "fine"}', "fine"),
        ('{"thought": "t", "answer": "it is 晴 and \\"war', 'it is 晴 and "war'),
        ('{"thought": "t", "answer": "cut at \\u4f', "cut at "),
        ('{"calls": []}', '{"calls": []}'),
        ('{"calls": [{"name": "other", "argum', '{"calls": [{"name": "other", "argum'),
        ("", ""),
    ],
)
def test_answers_in_any_dress(text: str, answer: str) -> None:
    reading = read(text, NAMES)
    assert reading.calls == ()
    assert reading.answer == answer


@given(st.text(alphabet='{}[]":,\\nae calsw0答', max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    read(text, NAMES)


def test_a_cut_reply_keeps_its_finish() -> None:
    response = reply(Told('{"thought": "t", "answer": "so fa', finish="length"))
    assert (response.text, response.finish) == ("so fa", "length")
    broken = reply(Told('{"calls": [{"name": "convert", "arguments": {"am', finish="length"))
    assert broken.tool_calls[0].arguments is None
    assert broken.tool_calls[0].raw.startswith('{"calls"')
    assert broken.finish == "length"


def test_progress_is_shown_and_a_cut_reaches_the_inner_model() -> None:
    inner = Told(CALL)

    async def run() -> None:
        deltas = ToolText(inner).stream(ASK)
        assert await anext(deltas) == Delta(unseen=5)  # bytes of the first piece, which is not shown yet
        await deltas.aclose()

    asyncio.run(run())
    assert inner.closed


def test_the_bound_counts_what_is_really_sent() -> None:
    wrapped = ToolText(Told())
    assert wrapped.bound(ASK).input >= len(dumps(WEATHER.to_json())) + len(dumps(CONVERT.to_json()))
    short = ToolText(Told(), "signature")
    assert short.bound(ASK).input < wrapped.bound(ASK).input


def test_a_signature_keeps_only_what_the_names_do_not_say() -> None:
    assert signature(WEATHER) == "get_weather(city: string) - Get the weather of a city"
    assert signature(CONVERT) == ('convert(amount: number, to: string (ISO code), how?: "buy"|"sell") - Convert money')
    properties = {
        "xs": {"type": "list", "items": {"type": "int"}},
        "o": {"type": "dict", "properties": {"a": {"type": "bool"}}},
        "q": {},
        "城": {"type": "string", "description": "城市名"},
    }
    nested = ToolSpec("f", "d", {"properties": properties})
    assert signature(nested) == "f(xs?: [integer], o?: {a: boolean}, q?: any, 城?: string (城市名)) - d"
    assert "get_weather(city: string)" in told(ASK, style="signature")[0][1]


@pytest.mark.model
def test_a_round_trip_with_the_small_model(scrimp_home: Any) -> None:
    """Through the adapter, with the grammar: valid calls, and the second turn is served from the prefix cache."""
    from scrimp.models.local import LocalSettings
    from scrimp.models.names import OpenOptions, open_model

    async def run() -> list[Response]:
        model = await open_model("small", home=scrimp_home, options=OpenOptions(LocalSettings(threads=1)))
        assert isinstance(model, ToolText)
        request, responses = ASK.with_(max_output=120, tools=(WEATHER,)), list[Response]()
        for _ in range(2):
            bound = model.bound(request)
            response = fold([delta async for delta in model.stream(request)])
            assert response.usage is not None
            assert response.usage.prompt <= bound.input
            assert response.usage.output <= bound.output
            responses.append(response)
            shown = [observation(call, "12 degrees, 晴") for call in response.tool_calls]
            request = request.with_(messages=(*request.messages, response.message, *shown, user("And in Rome?")))
        await model.aclose()
        return responses

    first, second = asyncio.run(run())
    for response in (first, second):
        assert response.text or response.tool_calls
        assert all(call.name == "get_weather" and set(call.arguments or {}) == {"city"} for call in response.tool_calls)
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.cached_input >= first.usage.prompt - 16
