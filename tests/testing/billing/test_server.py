"""The billing server over its socket: what it sends is what it bills."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from scrimp.core.errors import OutsideError
from scrimp.testing.billing.client import BillingServer

ANTHROPIC = {"anthropic-version": "2023-06-01", "x-api-key": "k"}
ASK = {"messages": [{"role": "user", "content": "你好"}], "max_tokens": 30}
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


@pytest.fixture(scope="module")
def running() -> Iterator[BillingServer]:
    with BillingServer() as server:
        yield server


@pytest.fixture
def server(running: BillingServer) -> BillingServer:
    running.control(reset=True, size=4)
    return running


def post(server: BillingServer, format_: str, body: dict[str, Any]) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("POST", PATHS[format_], json.dumps(body), ANTHROPIC if format_ == "anthropic" else {})
    response = connection.getresponse()
    try:
        return response.status, response.read().decode(), dict(response.getheaders())
    finally:
        connection.close()


def events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_openai_states_what_it_bills_in_a_last_chunk_without_choices(server: BillingServer) -> None:
    ask = {**ASK, "model": "words-20", "stream": True, "stream_options": {"include_usage": True}}
    _, text, _ = post(server, "openai", ask)
    chunks = events(text)
    assert text.endswith("data: [DONE]\n\n")
    assert chunks[-1]["choices"] == []
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    bill = server.bill()
    assert chunks[-1]["usage"]["completion_tokens"] == bill.tokens["output"] == 20
    assert chunks[-1]["usage"]["prompt_tokens"] == bill.tokens["fresh"] == 4 + 2 + 3


def test_openai_states_nothing_where_it_is_not_asked(server: BillingServer) -> None:
    _, text, _ = post(server, "openai", {**ASK, "model": "words-20", "stream": True})
    assert not any(chunk.get("usage") for chunk in events(text))


def test_anthropic_states_input_first_and_output_last(server: BillingServer) -> None:
    _, text, _ = post(server, "anthropic", {**ASK, "model": "zh-20", "stream": True})
    told = events(text)
    kinds = [event["type"] for event in told]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert told[0]["message"]["usage"]["output_tokens"] == 1
    assert told[-2]["usage"]["output_tokens"] == server.bill().tokens["output"] == 20
    assert told[-2]["delta"]["stop_reason"] == "end_turn"


@pytest.mark.parametrize("format_", ["openai", "anthropic"])
def test_whole_answers_hold_thought_words_and_calls(server: BillingServer, format_: str) -> None:
    server.control(answers=[{"text": "ok", "reasoning": 2, "tool": {"name": "f", "arguments": {"a": 1}}}])
    _, text, headers = post(server, format_, {**ASK, "model": "m"})
    answer = json.loads(text)
    assert headers["x-request-id"] == "bill-1"
    if format_ == "anthropic":
        assert [block["type"] for block in answer["content"]] == ["thinking", "text", "tool_use"]
        assert answer["stop_reason"] == "tool_use"
    else:
        assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"a":1}'
        assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert server.bill().tokens["output"] == 2 + 1 + (3 + 1) + 2


@pytest.mark.parametrize("format_", ["openai", "anthropic"])
def test_what_is_cut_is_billed_as_far_as_it_was_sent(server: BillingServer, format_: str) -> None:
    with pytest.raises(http.client.IncompleteRead) as cut:
        post(server, format_, {**ASK, "model": "words-20!cut:7", "stream": True})
    got = events(cut.value.partial.decode())
    words = [event for event in got if event.get("type") == "content_block_delta"
             or (event.get("choices") and event["choices"][0]["delta"].get("content"))]  # fmt: skip
    bill = server.bill()
    assert bill.tokens["output"] == len(words) == 7
    assert bill.requests[0]["state"] == "struck"


def test_a_client_that_leaves_stops_the_bill(server: BillingServer) -> None:
    server.control(faults=[{"kind": "slow_tokens", "seconds": 0.01}])
    raw = socket.create_connection(("127.0.0.1", server.port))
    body = json.dumps({**ASK, "model": "words-20", "stream": True}).encode()
    raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    received = b""
    while received.count(b"data: ") < 4:
        received += raw.recv(4096)
    raw.close()
    bill = server.bill()
    assert bill.requests[0]["state"] == "left"
    assert 3 <= bill.tokens["output"] < 20


def test_faults_are_used_up_in_order(server: BillingServer) -> None:
    server.control(faults=[{"kind": "status", "status": 429, "retry": "7"}, "none"])
    assert post(server, "openai", {**ASK, "model": "words-20"})[2]["Retry-After"] == "7"
    assert post(server, "openai", {**ASK, "model": "words-20"})[0] == 200
    bill = server.bill()
    assert [row["output"] for row in bill.requests] == [0, 20]
    assert bill.requests[0]["fresh"] == 0


def test_time_passes_when_it_is_told_to(server: BillingServer) -> None:
    long = [{"type": "text", "text": "x" * 8000, "cache_control": {"type": "ephemeral"}}]
    ask = {**ASK, "model": "words-1", "system": long}
    seen = []
    for seconds in (0, 299, 301):
        server.control(advance=seconds)
        usage = json.loads(post(server, "anthropic", ask)[1])["usage"]
        seen.append((usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]))
    assert seen == [(2004, 0), (0, 2004), (2004, 0)]


def test_a_byte_is_a_token_in_the_worst_case(server: BillingServer) -> None:
    server.control(size=1)
    post(server, "openai", {**ASK, "model": "zh-30"})
    assert server.bill().tokens["fresh"] == 4 + 6 + 3
    assert server.bill().tokens["output"] == 30


def test_wrong_orders_are_refused(server: BillingServer) -> None:
    with pytest.raises(OutsideError, match="nonsense"):
        server.control(faults=["nonsense"])
    assert post(server, "openai", {"messages": "no"})[0] == 400
    assert server.bill().requests == []


def test_a_wrong_key_is_refused_and_costs_nothing() -> None:
    with BillingServer(key="right") as server:
        assert post(server, "anthropic", {**ASK, "model": "words-20"})[0] == 401
        assert server.bill().dollars == 0


def test_the_server_ends_with_its_parent() -> None:
    server = BillingServer()
    server.start()
    process = server._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=5) == 0
    assert process.stdout is not None
    process.stdout.close()
