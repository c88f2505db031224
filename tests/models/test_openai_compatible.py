"""The OpenAI chat format: what is sent, what comes back however it is cut, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import formatdate
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
from scrimp.models.connection import Connection
from scrimp.models.failures import retry_after
from scrimp.models.openai_compatible import OpenAICompatible
from scrimp.models.openai_stream import EventParser, normalise
from scrimp.models.openai_wire import Dialect, body

KEY = "sk-very-secret-0123456789"
WEATHER = ToolSpec("weather", "Weather in a city", {"type": "object", "properties": {"city": {"type": "string"}}})
ASK = Request((user("Hello"),))
Handler = Callable[[httpx2.Request], httpx2.Response]


def chunk(content: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {**({"content": content} if content is not None else {}), **more.pop("delta", {})}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more.pop("choice", {})}], **more}


def events(*data: dict[str, Any] | str, done: bool = True) -> bytes:
    lines = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in data]
    return "".join(f"data: {line}\n\n" for line in [*lines, *(["[DONE]"] if done else [])]).encode()


class Cut(httpx2.AsyncByteStream):
    """A body in given pieces; counts what was taken and notes that it was closed."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces, self.error, self.taken, self.closed = pieces, error, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
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


def model(handler: Handler, url: str = "http://model.test", **capabilities: Any) -> OpenAICompatible:
    connection = Connection(url, "m", KEY)
    return OpenAICompatible("url#m", connection, Capabilities(**capabilities), transport=httpx2.MockTransport(handler))


async def collect(served: OpenAICompatible, request: Request = ASK) -> list[Delta]:
    async with served:
        return [delta async for delta in served.stream(request)]


def answer(handler: Handler, request: Request = ASK) -> Response:
    return fold(asyncio.run(collect(model(handler), request)))


def failure(handler: Handler) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        answer(handler)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 7,
    "total_tokens": 37,
    "prompt_tokens_details": {"cached_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


# -- what comes back --------------------------------------------------------------------------------


def test_words_come_at_once_and_usage_last() -> None:
    content = events(chunk("", role="assistant"), chunk("你好"), chunk(", world"), chunk(finish="stop"),
                     {"choices": [], "usage": {**USAGE, "cost": 0.000123}})  # fmt: skip
    deltas = asyncio.run(collect(model(answering(content))))
    assert [delta.text for delta in deltas] == ["你好", ", world", ""]
    last = deltas[-1]
    assert (last.finish, last.usage) == ("stop", Usage(10, 20, 0, 7, 3))
    assert last.reported_cost == "0.000123"
    assert all(delta.finish is None and delta.usage is None for delta in deltas[:-1])


@given(st.integers(1, 40), st.sampled_from(["\n", "\r\n"]))
def test_a_stream_may_be_cut_anywhere(size: int, end: str) -> None:
    content = events(chunk("今天的天气"), ": a comment", chunk("\u2028很好😀\u0085"), chunk(finish="stop"))
    content = content.decode().replace("\n", end).replace("data: : a", ": a").encode()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    parser = EventParser()
    data = [item for piece in pieces for item in parser.feed(piece)] + parser.end()
    assert [json.loads(item)["choices"][0]["delta"].get("content") for item in data[:-1]] == [
        "今天的天气", "\u2028很好😀\u0085", None
    ]  # fmt: skip
    assert data[-1] == "[DONE]"


def test_pieces_of_tool_calls_become_whole_calls() -> None:
    def part(index: int, arguments: str, **function: str) -> dict[str, Any]:
        call: dict[str, Any] = {"index": index, "function": {"arguments": arguments}}
        if function:
            call["id"], call["function"]["name"] = function["id"], function["name"]
        return chunk(delta={"tool_calls": [call]})

    content = events(
        part(0, "", id="a", name="weather"), part(0, '{"city": "北'), part(0, '京"}'),
        part(1, '{"city": ', id="b", name="weather"), part(1, '"Oslo"'),
        part(2, "", id="c", name="now"), chunk(finish="tool_calls"), {"choices": [], "usage": USAGE},
    )  # fmt: skip
    deltas = asyncio.run(collect(model(answering(content))))
    response = fold(deltas)
    assert response.tool_calls == (
        ToolCall("a", "weather", {"city": "北京"}),
        ToolCall("b", "weather", None, '{"city": "Oslo"'),
        ToolCall("c", "now", {}),
    )
    assert response.finish == "tool_calls"


def test_servers_that_number_every_call_zero_or_forget_the_id() -> None:
    def whole(**more: Any) -> dict[str, Any]:
        return chunk(delta={"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}, **more}]})

    response = answer(answering(events(whole(id="x"), whole(id="y"), chunk(finish="stop"))))
    assert [call.id for call in response.tool_calls] == ["x", "y"]
    assert response.finish == "tool_calls"
    assert answer(answering(events(whole(), chunk(finish="stop")))).tool_calls[0].id == "call_1"


def test_logprobs_come_with_their_token() -> None:
    item = {
        "token": "a",
        "logprob": -0.5,
        "top_logprobs": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1}],
    }
    content = events(chunk("a", choice={"logprobs": {"content": [item]}}), chunk(finish="length"))
    response = answer(answering(content))
    assert response.logprobs[0].top == (("a", -0.5), ("b", -1.0))
    assert response.finish == "length"


def test_an_answer_that_came_whole_is_taken_too() -> None:
    data = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": USAGE}
    response = answer(answering(json.dumps(data).encode(), content_type="application/json"))
    assert (response.text, response.finish, response.usage) == ("hi", "stop", Usage(10, 20, 0, 7, 3))


@pytest.mark.parametrize(
    ("usage", "timings", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2}, {}, Usage(9, 0, 0, 2)),
        (
            {"prompt_tokens": 9, "completion_tokens": 2},
            {"cache_n": 6, "prompt_n": 3, "predicted_n": 2},
            Usage(3, 6, 0, 2),
        ),
        ({}, {"cache_n": 6, "prompt_n": 3, "predicted_n": 2}, Usage(3, 6, 0, 2)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}, {}, Usage(5, 4, 0, 2)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 20}, {}, Usage(9, 0, 0, 11)),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 4}},
            {},
            Usage(2, 3, 4),
        ),
        ({"prompt_tokens": 2, "prompt_tokens_details": {"cached_tokens": 30}}, {}, Usage(0, 2)),
        ({"prompt_tokens": None, "prompt_tokens_details": None}, {}, Usage()),
    ],
)
def test_counts_are_normalised(usage: dict[str, Any], timings: dict[str, Any], expected: Usage) -> None:
    assert normalise(usage, timings) == expected


# -- what is sent -----------------------------------------------------------------------------------


def test_the_body_of_a_full_request() -> None:
    call = ToolCall("a", "weather", {"city": "北京"})
    request = Request(
        (system("be brief"), user("look", Image(data="QUJD"), Audio("QUJD", "audio/mpeg")),
         assistant("hm", [call, ToolCall("b", "weather", None, "{oops")]), observation(call, "晴")),
        tools=(WEATHER,), max_output=50, temperature=0.5, seed=7, stop=("END",), logprobs=3, effort="low",
        parallel_calls=False,
    )  # fmt: skip
    sent = body(request, Dialect("m"), Capabilities())
    assert sent["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        ]},
        {"role": "assistant", "content": "hm", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "北京"}'}},
            {"id": "b", "type": "function", "function": {"name": "weather", "arguments": "{oops"}},
        ]},
        {"role": "tool", "content": "晴", "tool_call_id": "a"},
    ]  # fmt: skip
    assert sent["tools"] == [{"type": "function", "function": WEATHER.to_json()}]
    rest = {key: value for key, value in sent.items() if key not in ("messages", "tools")}
    assert rest == {
        "model": "m", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 50, "temperature": 0.5,
        "seed": 7, "stop": ["END"], "logprobs": True, "top_logprobs": 3, "reasoning_effort": "low",
        "parallel_tool_calls": False,
    }  # fmt: skip


def test_openai_itself_wants_other_names() -> None:
    hosted = Connection("https://api.openai.com/v1", "gpt-5-mini").dialect
    sent = body(ASK, hosted, Capabilities())
    assert sent["max_completion_tokens"] == 1024
    assert "max_tokens" not in sent
    assert "temperature" not in sent
    assert "temperature" in body(ASK, Connection("https://api.openai.com/v1", "gpt-4o").dialect, Capabilities())
    assert body(ASK, Connection("https://openrouter.ai/api/v1", "m").dialect, Capabilities())["usage"] == {
        "include": True
    }


def test_each_way_to_enforce_a_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    request = ASK.with_(schema=schema)
    wire = body(request, Dialect("m"), Capabilities(schema="response_format"))
    assert wire["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": True}
    grammar = body(request, Dialect("m"), Capabilities(schema="grammar"))["grammar"]
    head, _, written = grammar.partition("start: %json ")
    assert head == "%llguidance {}\n"
    assert json.loads(written) == {
        **schema, "x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    }  # fmt: skip
    stated = body(request, Dialect("m"), Capabilities(schema="none"))
    assert '"required": ["n"]' in stated["messages"][-1]["content"]
    assert stated["messages"][-1]["content"].startswith("Hello")


def test_addresses() -> None:
    assert Connection("http://h:1", "m").base == "http://h:1/v1"
    assert Connection("http://h:1/", "m").base == "http://h:1/v1"
    assert Connection("http://h:1/v1/", "m").base == "http://h:1/v1"
    assert Connection("https://h/api/v1/chat/completions", "m").base == "https://h/api/v1"
    for wrong in ("h:1", "ftp://h", "http://", "http://h:99999", "http://[::1"):
        with pytest.raises(InputError):
            _ = Connection(wrong, "m").base
    with pytest.raises(InputError) as caught:
        _ = Connection("http://me:hunter2@h", "m").base
    assert "hunter2" not in str(caught.value)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_the_bound_counts_every_byte(texts: list[str]) -> None:
    request = Request(tuple(user(text) for text in texts), tools=(WEATHER,), max_output=9)
    bound = model(answering(b"")).bound(request)
    sent = sum(len(text.encode()) for text in texts) + len(json.dumps(WEATHER.to_json()))
    assert bound.input >= sent + 8 * len(texts)
    assert (bound.output, bound.cached_input) == (9, 0)


def test_the_bound_of_pictures_and_schemas() -> None:
    served = model(answering(b""), schema="response_format")
    plain = served.bound(ASK).input
    assert served.bound(ASK.with_(schema={"type": "string"})).input > plain + len('{"type": "string"}')
    assert model(answering(b""), schema="grammar").bound(ASK.with_(schema={"type": "string"})).input == plain
    seen = served.bound(Request((user("Hello", Image(url="http://x/y.png")),)))
    assert (seen.images, seen.input) == (1, plain + 50_000)
    assert served.bound(ASK).output == 1024


# -- what goes wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False), (404, False), (408, True), (409, True),
                                                   (429, True), (500, True), (503, True), (529, True)])  # fmt: skip
def test_refusals(status: int, retryable: bool) -> None:
    said = {"error": {"message": f"no, {KEY} is\nwrong " + "x" * 500}}
    error = failure(answering(json.dumps(said).encode(), status, retry_after="3"))
    assert (error.status, error.retryable, error.sent, error.retry_after) == (status, retryable, True, 3.0)
    assert "[key]" in str(error)
    assert len(str(error)) < 450


def test_an_empty_account_is_not_asked_again() -> None:
    said = {"error": {"message": "no money", "code": "insufficient_quota"}}
    assert not failure(answering(json.dumps(said).encode(), 429)).retryable


def test_how_long_to_wait() -> None:
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after-ms": "250"}) == 0.25
    assert retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)}) == pytest.approx(30, abs=2)
    assert retry_after({"retry-after": formatdate(time.time() - 30, usegmt=True)}) == 0.0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (events("{no json", done=False), "no JSON"),
        (events("[1]", done=False), "no object"),
        (events({"choices": {"a": 1}}), "choices"),
        (events({"choices": [{"delta": "x"}]}), "delta"),
        (events({"choices": [{"delta": {"tool_calls": ["x"]}}]}), "tool call"),
        (events(chunk("half"), done=False), "without a finish"),
        (events(chunk("half")), "without a finish"),
        (b"", "without a finish"),
        (b"data: \xff\xfe\n\n", "UTF-8"),
        (events({"error": {"message": f"overloaded {KEY}", "code": 503}}), "overloaded [key]"),
    ],
)
def test_streams_that_are_none(content: bytes, words: str) -> None:
    assert words in str(failure(answering(content)))


def test_an_error_inside_a_stream_says_whether_to_try_again() -> None:
    busy = failure(answering(events(chunk("a"), {"error": {"message": "busy", "code": 503}})))
    assert (busy.retryable, busy.status) == (True, 503)
    wrong = failure(answering(events({"error": "bad request"})))
    assert not wrong.retryable


def test_a_page_instead_of_an_answer() -> None:
    error = failure(answering(b"<html>welcome</html>", content_type="text/html; charset=utf-8"))
    assert "text/html" in str(error)
    assert "check the address" in str(error)
    assert "without choices" in str(failure(answering(b"{}", content_type="application/json")))


def test_lost_connections_say_whether_anything_was_sent() -> None:
    def refuse(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("All connection attempts failed")

    unmade = failure(refuse)
    assert (unmade.sent, unmade.retryable, unmade.status) == (False, True, None)
    broken = failure(answering(Cut([events(chunk("half"), done=False)], httpx2.ReadError("reset"))))
    assert (broken.sent, broken.retryable) == (True, True)
    slow = failure(answering(Cut([], httpx2.ReadTimeout("too slow"))))
    assert (slow.sent, slow.retryable) == (True, True)


def test_closing_early_closes_the_connection() -> None:
    content = Cut([events(chunk(str(number)), done=False) for number in range(100)])

    async def run() -> None:
        async with model(answering(content)) as served:
            deltas = served.stream(ASK)
            async for delta in deltas:
                if delta.text == "2":
                    break
            await deltas.aclose()

    asyncio.run(run())
    assert content.closed
    assert content.taken == 3


def test_the_key_is_sent_and_shown_nowhere() -> None:
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return answering(events(chunk("hi", "stop")))(request)

    served = model(handler)
    asyncio.run(collect(served))
    assert seen == [f"Bearer {KEY}"]
    assert KEY not in repr(served) + repr(served.connection) + repr(served._failures)


# -- a real server ----------------------------------------------------------------------------------


def test_over_a_socket_in_odd_pieces(httpserver: HTTPServer) -> None:
    content = events(chunk("今天"), chunk("天气很好"), chunk(finish="stop"), {"choices": [], "usage": USAGE})

    def respond(request: WireRequest) -> WireResponse:
        assert json.loads(request.data)["messages"] == [{"role": "user", "content": "Hello"}]

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(content), 7):
                yield content[start : start + 7]

        return WireResponse(pieces(), content_type="text/event-stream")

    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_handler(respond)
    served = OpenAICompatible("m", Connection(httpserver.url_for("/v1"), "m"))
    response = fold(asyncio.run(collect(served)))
    assert response.text == "今天天气很好"
    assert response.usage == Usage(10, 20, 0, 7, 3)


def test_a_busy_server_over_a_socket(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data("slow down", 429, headers={"Retry-After": "2"})
    with pytest.raises(ModelFailed) as caught:
        asyncio.run(collect(OpenAICompatible("m", Connection(httpserver.url_for(""), "m"))))
    assert (caught.value.status, caught.value.retry_after, caught.value.retryable) == (429, 2.0, True)


def test_nobody_listens() -> None:
    with pytest.raises(ModelFailed) as caught:
        asyncio.run(collect(OpenAICompatible("m", Connection("http://127.0.0.1:9", "m"))))
    assert caught.value.sent is False


LLAMA = {"data": [{"id": "x.gguf", "owned_by": "llamacpp", "meta": {"n_ctx": 4096, "n_ctx_train": 8192}}]}


@pytest.mark.parametrize(("said", "schema"), [('{"ok": true}', "grammar"), ("Sure! Here", "response_format")])
def test_a_llama_server_is_asked_for_its_window_and_grammar(httpserver: HTTPServer, said: str, schema: str) -> None:
    httpserver.expect_request("/v1/models").respond_with_json(LLAMA)
    httpserver.expect_request("/props").respond_with_json({"default_generation_settings": {"n_ctx": 2048}})
    reply = {"choices": [{"message": {"content": said}}]}
    httpserver.expect_request("/v1/chat/completions").respond_with_json(reply)

    async def run() -> Capabilities:
        async with await OpenAICompatible.connect("m", Connection(httpserver.url_for("/v1"), "small")) as served:
            return served.capabilities

    found = asyncio.run(run())
    assert (found.schema, found.tools, found.logprobs, found.window, found.local) == (schema, False, True, 2048, True)
    posted = next(request for request, _ in httpserver.log if request.path == "/v1/chat/completions")
    assert json.loads(posted.data)["grammar"].startswith("%llguidance")


def test_other_servers_have_native_tools(httpserver: HTTPServer) -> None:
    listing = {"data": [{"id": "big", "owned_by": "vllm", "max_model_len": 32000}, {"id": "other"}]}
    httpserver.expect_request("/v1/models").respond_with_json(listing)

    async def run(name: str) -> Capabilities:
        async with await OpenAICompatible.connect("m", Connection(httpserver.url_for("/v1"), name)) as served:
            return served.capabilities

    assert asyncio.run(run("big")) == Capabilities(window=32000, logprobs=True)
    assert asyncio.run(run("other")) == Capabilities(window=131072)


def test_a_server_that_is_still_loading_is_not_guessed_about(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/models").respond_with_data("loading", status=503)

    async def run() -> None:
        async with OpenAICompatible("m", Connection(httpserver.url_for("/v1"), "m")) as served:
            await served.probe()

    with pytest.raises(ModelFailed) as caught:
        asyncio.run(run())
    assert caught.value.retryable


def test_a_refused_key_is_told_while_connecting(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/models").respond_with_json({"error": {"message": "who are you?"}}, status=401)

    async def run() -> None:
        served = OpenAICompatible("m", Connection(httpserver.url_for("/v1"), "m", KEY))
        async with served:
            await served.probe()

    with pytest.raises(ModelFailed, match="set SCRIMP_API_KEY"):
        asyncio.run(run())
