"""The Anthropic Messages format: what is sent, what comes back however it is cut, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request as WireRequest
from werkzeug import Response as WireResponse

from scrimp.core.errors import InputError, ModelFailed
from scrimp.core.messages import (
    Audio,
    Delta,
    Image,
    Request,
    Response,
    Text,
    ToolCall,
    ToolSpec,
    assistant,
    fold,
    observation,
    system,
    user,
)
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import Usage
from scrimp.models.anthropic import Anthropic
from scrimp.models.anthropic_stream import normalise
from scrimp.models.anthropic_wire import plain_schema
from scrimp.models.connection import Connection

KEY = "sk-ant-very-secret-0123456789"
WEATHER = ToolSpec("weather", "Weather in a city", {"properties": {"city": {"type": "string"}}})
ASK = Request((user("Hello"),), max_output=100)
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 5, "output_tokens": 1}
Handler = Callable[[httpx2.Request], httpx2.Response]


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


def start() -> bytes:
    return event("message_start", message={"role": "assistant", "content": [], "usage": USAGE}) + event("ping")


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    pieces = [event("content_block_delta", index=index, delta=delta) for delta in deltas]
    begin = event("content_block_start", index=index, content_block=content)
    return begin + b"".join(pieces) + event("content_block_stop", index=index)


def words(index: int, *texts: str) -> bytes:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": text} for text in texts))


def call(index: int, call_id: str, *pieces: str) -> bytes:
    content = {"type": "tool_use", "id": call_id, "name": "weather", "input": {}}
    return block(index, content, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def thought(index: int) -> bytes:
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta",
                 "thinking": "想一想"}, {"type": "signature_delta", "signature": "c2ln"})  # fmt: skip


def end(reason: str = "end_turn", **usage: Any) -> bytes:
    told = {"usage": usage or {"output_tokens": 7}} if usage.get("output_tokens", 7) is not None else {}
    return event("message_delta", delta={"stop_reason": reason}, **told) + event("message_stop")


class Cut(httpx2.AsyncByteStream):
    """A body in given pieces, ended by an error."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces, self.error, self.closed = pieces, error, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed = True


def answering(content: bytes | Cut, status: int = 200, **headers: str) -> Handler:
    kind = {"content-type": "text/event-stream", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if isinstance(content, Cut):
        return lambda _request: httpx2.Response(status, headers=kind, stream=content)
    return lambda _request: httpx2.Response(status, headers=kind, content=content)


def model(handler: Handler, name: str = "claude-sonnet-4-5", lifetime: str = "", **capabilities: Any) -> Anthropic:
    connection = Connection("http://model.test", name, KEY, "ANTHROPIC_API_KEY", image_bound=5000)
    able = Capabilities(images=True, **capabilities)
    return Anthropic(f"anthropic:{name}", connection, able, lifetime=lifetime, transport=httpx2.MockTransport(handler))


async def collect(served: Anthropic, request: Request = ASK) -> list[Delta]:
    async with served:
        return [delta async for delta in served.stream(request)]


def answer(content: bytes, request: Request = ASK) -> Response:
    return fold(asyncio.run(collect(model(answering(content)), request)))


def failure(handler: Handler) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        asyncio.run(collect(model(handler)))
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def sent(request: Request, name: str = "claude-sonnet-4-5", lifetime: str = "", **capabilities: Any) -> dict[str, Any]:
    bodies: list[httpx2.Request] = []

    def handler(wire: httpx2.Request) -> httpx2.Response:
        bodies.append(wire)
        return answering(start() + words(0, "ok") + end())(wire)

    asyncio.run(collect(model(handler, name, lifetime, **capabilities), request))
    assert bodies[0].headers["x-api-key"] == KEY
    assert bodies[0].headers["anthropic-version"] == "2023-06-01"
    assert bodies[0].url == "http://model.test/v1/messages"
    body: dict[str, Any] = json.loads(bodies[0].content)
    return body


# -- what comes back --------------------------------------------------------------------------------


def test_words_come_at_once_and_the_last_counts_are_billed() -> None:
    content = start() + words(0, "你好", ", world") + end(output_tokens=9, input_tokens=11)
    deltas = asyncio.run(collect(model(answering(content))))
    assert [delta.text for delta in deltas] == ["你好", ", world", ""]
    assert (deltas[-1].finish, deltas[-1].usage) == ("stop", Usage(11, 20, 5, 9))


@given(st.integers(1, 60))
def test_a_stream_may_be_cut_anywhere(size: int) -> None:
    content = (
        start() + words(0, "今天的天气", "\u2028很好😀") + call(1, "toolu_1", '{"city": "北', '京"}') + end("tool_use")
    )
    pieces = Cut([content[at : at + size] for at in range(0, len(content), size)])
    response = fold(asyncio.run(collect(model(answering(pieces)))))
    assert response.text == "今天的天气\u2028很好😀"
    assert response.tool_calls == (ToolCall("toolu_1", "weather", {"city": "北京"}),)
    assert (response.finish, response.usage) == ("tool_calls", Usage(10, 20, 5, 7))


def test_thinking_is_counted_while_it_comes_and_shown_nowhere() -> None:
    usage = {"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 22}}
    deltas = asyncio.run(collect(model(answering(start() + thought(0) + words(1, "ja") + end(**usage)))))
    assert fold(deltas).text == "ja"
    assert deltas[0] == Delta(unseen=len("想一想".encode()))
    assert deltas[-1].usage == Usage(10, 20, 5, 30, reasoning=22)


def test_calls_that_are_no_object_and_calls_without_arguments() -> None:
    calls = answer(start() + call(0, "a", '{"city": ') + call(1, "b") + end("tool_use")).tool_calls
    assert calls == (ToolCall("a", "weather", None, '{"city": '), ToolCall("b", "weather", {}))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"),
     ("refusal", "error"), ("model_context_window_exceeded", "length"), ("news", "stop")],
)  # fmt: skip
def test_why_it_ended(reason: str, finish: str) -> None:
    assert answer(start() + words(0, "x") + end(reason)).finish == finish


def test_counts_that_are_not_those_of_the_whole_answer_are_no_usage() -> None:
    early = event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 2})
    silent = event("message_delta", delta={"stop_reason": "end_turn"}) + event("message_stop")
    assert answer(start() + words(0, "x") + silent).usage is None
    assert answer(start() + early + words(0, "x") + silent).usage is None


def test_an_answer_that_came_whole_is_taken_too() -> None:
    content = [{"type": "text", "text": "hi"}, {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]
    data = {"type": "message", "content": content, "stop_reason": "tool_use", "usage": {**USAGE, "output_tokens": 4}}
    handler = answering(json.dumps(data).encode(), content_type="application/json")
    response = fold(asyncio.run(collect(model(handler))))
    assert (response.text, response.finish, response.usage) == ("hi", "tool_calls", Usage(10, 20, 5, 4))
    assert response.tool_calls == (ToolCall("a", "f", {"x": 1}),)


def test_counts_are_normalised() -> None:
    assert normalise({"input_tokens": 3, "output_tokens": None}) == Usage(3)
    assert normalise({"output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 9}}) == Usage(
        0, output=3, reasoning=3
    )
    assert normalise({"cache_read_input_tokens": -4, "input_tokens": True}, images=2) == Usage(images=2)


# -- what is sent -----------------------------------------------------------------------------------


def test_the_body_of_a_full_request() -> None:
    one, two = ToolCall("a", "weather", {"city": "北京"}), ToolCall("b:1", "weather", None, "{oops")
    request = Request(
        (system("be brief"), user("look", Image(data="QUJD"), Image(url="http://x/y.png")),
         assistant("hm", [one, two]), observation(one, "晴"), observation(two, ""), user("well?")),
        tools=(WEATHER,), max_output=50, temperature=1.5, stop=("END",), parallel_calls=False,
    )  # fmt: skip
    body = sent(request)
    assert body == {
        "model": "claude-sonnet-4-5", "max_tokens": 50, "stream": True, "temperature": 1.0, "stop_sequences": ["END"],
        "system": [{"type": "text", "text": "be brief"}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
                {"type": "image", "source": {"type": "url", "url": "http://x/y.png"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "hm"},
                {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "北京"}},
                {"type": "tool_use", "id": "b_1", "name": "weather", "input": {"raw": "{oops"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "晴"},
                {"type": "tool_result", "tool_use_id": "b_1", "content": "(empty)"},
                {"type": "text", "text": "well?"},
            ]},
        ],
        "tools": [{"name": "weather", "description": "Weather in a city",
                   "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    }  # fmt: skip


def test_nothing_empty_is_sent_and_late_instructions_are_the_users() -> None:
    body = sent(Request((user(""), assistant(""), system("later"), user("x", Text(" ")))))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][0]["content"] == [{"type": "text", "text": "(empty)"}]
    assert [block["text"] for block in body["messages"][2]["content"]] == ["later", "x"]
    assert "system" not in body


def test_later_models_take_no_temperature() -> None:
    for name in ("claude-opus-4-7", "claude-opus-5", "claude-sonnet-5-5", "claude-fable-5"):
        assert "temperature" not in sent(ASK, name)
    for name in ("claude-haiku-4-5-20251001", "claude-opus-4-1", "claude-sonnet-4-6", "claude-opus-4-20250514"):
        assert sent(ASK, name)["temperature"] == 0.0


@pytest.mark.parametrize(
    ("name", "effort", "cap", "fields"),
    [
        ("claude-opus-5", "low", 100, {"output_config": {"effort": "low"}}),
        ("claude-opus-5", "none", 100, {"thinking": {"type": "disabled"}}),
        ("claude-fable-5", "none", 100, {"output_config": {"effort": "low"}}),
        ("claude-opus-4-8", "max", 100, {"output_config": {"effort": "max"}, "thinking": {"type": "adaptive"}}),
        ("claude-opus-4-6", "xhigh", 100, {"output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}}),
        ("claude-opus-4-5", "max", 100, {"output_config": {"effort": "high"}}),
        ("claude-haiku-4-5", "medium", 8192, {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        ("claude-haiku-4-5", "high", 4000, {"thinking": {"type": "enabled", "budget_tokens": 3000}}),
        ("claude-haiku-4-5", "high", 1000, {}),
    ],
)
def test_effort_as_each_model_takes_it(name: str, effort: str, cap: int, fields: dict[str, Any]) -> None:
    body = sent(ASK.with_(effort=effort, max_output=cap), name)
    assert {key: body[key] for key in ("output_config", "thinking") if key in body} == fields
    if "budget_tokens" in str(fields):
        assert "temperature" not in body


def test_thinking_goes_back_with_the_calls_it_led_to() -> None:
    bodies: list[dict[str, Any]] = []

    def handler(wire: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(wire.content))
        return answering(start() + thought(0) + call(1, "toolu_9", '{"city":"Oslo"}') + end("tool_use"))(wire)

    async def run() -> tuple[int, int]:
        async with model(handler, "claude-haiku-4-5") as served:
            first = ASK.with_(max_output=4000, effort="low", tools=(WEATHER,))
            response = fold([delta async for delta in served.stream(first)])
            again = (*first.messages, response.message, observation(response.tool_calls[0], "sun"))
            bound = served.bound(first.with_(messages=again)).input
            _ = [delta async for delta in served.stream(first.with_(messages=again))]
            forgotten = assistant("", [ToolCall("other", "weather", {})])
            changed = (*first.messages, forgotten, observation(forgotten.tool_calls[0], "sun"))
            _ = [delta async for delta in served.stream(first.with_(messages=changed))]
            return bound, served.bound(first.with_(messages=changed)).input

    known, unknown = asyncio.run(run())
    said = bodies[1]["messages"][1]["content"]
    assert [block["type"] for block in said] == ["thinking", "tool_use"]
    assert (said[0]["thinking"], said[0]["signature"], said[1]["input"]) == ("想一想", "c2ln", {"city": "Oslo"})
    assert bodies[1]["thinking"]["type"] == "enabled"
    assert "thinking" not in bodies[2]  # the API would refuse a turn that began without its thinking
    assert known > unknown


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 3}, "t": {"type": "string", "maxLength": 9}},
    "required": ["n"],
}


def test_a_schema_is_held_to_or_told() -> None:
    held = sent(ASK.with_(schema=SCHEMA, effort="low"), "claude-opus-4-5")["output_config"]
    assert held["effort"] == "low"
    assert held["format"] == {"type": "json_schema", "schema": {
        "type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "string"}}, "required": ["n"],
        "additionalProperties": False,
    }}  # fmt: skip
    told = sent(ASK.with_(schema=SCHEMA), "claude-opus-4", schema="none")
    assert "output_config" not in told
    assert '"minimum": 3' in told["messages"][-1]["content"][-1]["text"]
    free = {"type": "object", "additionalProperties": {"type": "string"}}
    assert plain_schema(free) is None
    assert plain_schema({"$ref": "#/$defs/node"}) is None
    assert '"additionalProperties"' in sent(ASK.with_(schema=free))["messages"][-1]["content"][-1]["text"]


def test_cache_marks_stand_where_the_next_call_will_look() -> None:
    first = ToolCall("a", "weather", {})
    request = Request((system("s1"), user("q"), assistant("", [first]), observation(first, "x")), tools=(WEATHER,))
    body = sent(request, lifetime="5m")
    mark = {"type": "ephemeral"}
    assert body["tools"][-1]["cache_control"] == body["system"][-1]["cache_control"] == mark
    marked = [at for at, turn in enumerate(body["messages"]) if "cache_control" in turn["content"][-1]]
    assert marked == [0, 2]  # where the call before this one ended, and the end
    assert json.dumps(body).count("cache_control") == 4
    hour = sent(request, lifetime="1h")
    assert hour["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "cache_control" not in json.dumps(sent(request, lifetime=""))


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_the_bound_counts_every_byte(texts: list[str]) -> None:
    request = Request(tuple(user(text) for text in texts), tools=(WEATHER,), max_output=9)
    bound = model(answering(b"")).bound(request)
    assert bound.input >= sum(len(text.encode()) for text in texts) + len(json.dumps(WEATHER.to_json()))
    assert (bound.output, bound.cached_input) == (9, 0)


def test_the_bound_of_pictures_and_schemas() -> None:
    served = model(answering(b""))
    plain = served.bound(ASK).input
    assert served.bound(ASK.with_(schema=SCHEMA)).input > plain + 100
    seen = served.bound(Request((user("Hello", Image(data="QUJD" * 1000)),)))
    assert (seen.images, seen.output) == (1, 1024)
    assert 5000 < seen.input < 5500
    call_ = ToolCall("a", "weather", {})
    with_picture = Request((assistant("", [call_]), observation(call_, "x")))
    assert served.bound(with_picture).input > 64


def test_what_cannot_be_sent_is_told_before_anything_is_reserved() -> None:
    with pytest.raises(InputError, match="no sound"):
        model(answering(b"")).bound(Request((user(Audio("QUJD")),)))
    with pytest.raises(InputError, match="is no level"):
        model(answering(b"")).bound(ASK.with_(effort="extreme"))
    with pytest.raises(InputError, match="no effort setting"):
        model(answering(b""), "claude-3-haiku").bound(ASK.with_(effort="low"))


# -- what goes wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False), (404, False), (413, False), (429, True),
                                                   (500, True), (529, True)])  # fmt: skip
def test_refusals(status: int, retryable: bool) -> None:
    said = {"type": "error", "error": {"type": "overloaded_error", "message": f"no, {KEY} is\nwrong"}}
    error = failure(answering(json.dumps(said).encode(), status, retry_after="3"))
    assert (error.status, error.retryable, error.sent, error.retry_after) == (status, retryable, True, 3.0)
    assert "[key]" in str(error)
    if status == 401:
        assert "ANTHROPIC_API_KEY" in str(error)


def test_an_error_inside_a_stream_may_be_billed_and_says_whether_to_try_again() -> None:
    busy = failure(answering(start() + event("error", error={"type": "overloaded_error", "message": f"busy {KEY}"})))
    assert (busy.retryable, busy.status, busy.sent, busy.begun) == (True, None, True, True)
    assert "overloaded_error: busy [key]" in str(busy)
    wrong = failure(answering(start() + event("error", error={"type": "invalid_request_error", "message": "no"})))
    assert not wrong.retryable
    assert failure(answering(event("error"))).begun


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"data: {no json\n\n", "no JSON"),
        (b"data: [1]\n\n", "no object"),
        (start() + event("content_block_delta", index=3, delta={"type": "text_delta"}), "never began"),
        (event("content_block_start", content_block={}), "without its number"),
        (start() + words(0, "half"), "without a finish"),
        (b"", "without a finish"),
        (b"data: \xff\xfe\n\n", "UTF-8"),
    ],
)
def test_streams_that_are_none(content: bytes, said: str) -> None:
    assert said in str(failure(answering(content)))


def test_a_page_instead_of_an_answer() -> None:
    assert "check the address" in str(failure(answering(b"<html>", content_type="text/html")))
    whole = answering(b'{"type": "message"}', content_type="application/json")
    assert "without content" in str(failure(whole))


def test_kinds_of_event_that_are_not_known_are_passed_over() -> None:
    news = event("news", x=1) + event("content_block_start", index=0, content_block={"type": "hologram"})
    odd = event("content_block_delta", index=0, delta={"type": "beam"}) + event("content_block_stop", index=0)
    assert answer(start() + news + odd + words(1, "ok") + end()).text == "ok"


def test_lost_connections_say_whether_anything_was_sent() -> None:
    def refuse(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("All connection attempts failed")

    assert failure(refuse).sent is False
    broken = failure(answering(Cut([start() + words(0, "half")], httpx2.ReadError("reset"))))
    assert (broken.sent, broken.retryable) == (True, True)


def test_closing_early_closes_the_connection() -> None:
    content = Cut([start(), *(words(number, str(number)) for number in range(100))])

    async def run() -> None:
        async with model(answering(content)) as served:
            deltas = served.stream(ASK)
            async for delta in deltas:
                if delta.text == "2":
                    break
            await deltas.aclose()

    asyncio.run(run())
    assert content.closed


def test_the_key_is_shown_nowhere() -> None:
    served = model(answering(b""))
    assert KEY not in repr(served) + repr(vars(served))


def test_over_a_socket_in_odd_pieces(httpserver: HTTPServer) -> None:
    content = start() + words(0, "今天", "天气很好") + end(output_tokens=6)

    def respond(request: WireRequest) -> WireResponse:
        assert json.loads(request.data)["messages"][0]["content"][0]["text"] == "Hello"

        def pieces() -> Iterator[bytes]:
            for at in range(0, len(content), 7):
                yield content[at : at + 7]

        return WireResponse(pieces(), content_type="text/event-stream")

    httpserver.expect_request("/v1/messages", method="POST").respond_with_handler(respond)
    served = Anthropic("anthropic:m", Connection(httpserver.url_for(""), "m"))
    response = fold(asyncio.run(collect(served)))
    assert (response.text, response.usage) == ("今天天气很好", Usage(10, 20, 5, 6))
