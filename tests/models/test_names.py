"""Model names: every form opens what it says, and what cannot be opened says how to mend it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as WireRequest
from werkzeug import Response as WireResponse

from scrimp.core.errors import InputError, MissingExtra, ModelFailed, UnknownName
from scrimp.core.messages import Request, Response, ToolSpec, fold, user
from scrimp.core.protocols import Model
from scrimp.models import embedded, weights
from scrimp.models.anthropic import Anthropic
from scrimp.models.cache import CachedModel
from scrimp.models.calibration import Calibrator
from scrimp.models.names import OpenOptions, facts, open_model
from scrimp.models.openai_compatible import OpenAICompatible
from scrimp.models.tool_text import ToolText

TOOL = ToolSpec("add", "Add", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
LISTING = {"data": [{"id": "small", "owned_by": "llamacpp", "meta": {"n_ctx": 2048, "n_ctx_train": 8192}}]}
CALL = '{"thought": "", "calls": [{"name": "add", "arguments": {"a": 1}}]}'


def opened(name: str, home: Path, **options: Any) -> Model:
    return asyncio.run(open_model(name, home=home, options=OpenOptions(**options)))


def stream_of(text: str) -> str:
    first = {"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}
    return f"data: {json.dumps(first)}\n\ndata: [DONE]\n\n"


async def call(model: Model, request: Request) -> Response:
    response = fold([delta async for delta in model.stream(request)])
    assert isinstance(model, ToolText)
    await model.aclose()
    return response


@pytest.mark.parametrize("name", ["locl", "gpt-4o", "open-ai:x", "", "oracle", "C:/model.gguf"])
def test_unknown_names_are_told_the_forms(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        opened(name, tmp_path)
    assert caught.value.remedy
    with pytest.raises(UnknownName):
        facts(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("anthropic:claude-haiku-4-5", "ANTHROPIC_API_KEY"),
        ("anthropic:", "nothing after the colon"),
        ("anthropic:m?cache=2h", "cache=2h"),
        ("anthropic:m?service=batch", "service=batch"),
        ("openai:m?service=batch", "service=batch"),
        ("openai:m?cache=1h", "unknown option 'cache'"),
        ("openai:", "nothing after the colon"),
        ("scripted:", "scripted:FILE"),
        ("http://127.0.0.1:1", "URL#NAME"),
        ("http://127.0.0.1:1#", "URL#NAME"),
        ("http://me:secret@127.0.0.1:1/v1#m", "no password"),
        ("scripted:none.json", "cannot be read"),
        ("gguf:none.gguf", "no GGUF file"),
    ],
)
def test_names_that_cannot_be_opened(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        opened(name, tmp_path)
    assert "secret" not in str(caught.value)


def test_a_hosted_model_needs_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        opened("openai:gpt-4o", tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    model = opened("openai:gpt-4o", tmp_path, window=5000)
    assert isinstance(model, OpenAICompatible)
    assert model.name == "openai:gpt-4o"
    assert (model.capabilities.tools, model.capabilities.window, model.capabilities.local) == (True, 5000, False)
    assert "sk-secret" not in repr(model) + repr(vars(model))
    assert not opened("openai:o3", tmp_path).capabilities.logprobs


def test_an_anthropic_model_is_opened_as_its_name_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    model = opened("anthropic:claude-opus-5?cache=1h&service=standard_only", tmp_path, window=1_000_000)
    assert isinstance(model, Anthropic)
    assert model.name == "anthropic:claude-opus-5?cache=1h&service=standard_only"
    assert (model.capabilities.window, model.capabilities.schema) == (1_000_000, "response_format")
    assert (model.connection.model, model.connection.base) == ("claude-opus-5", "https://api.anthropic.com/v1")
    assert model.connection.extra == {"service_tier": "standard_only"}
    assert "sk-secret" not in repr(model) + repr(vars(model))
    for old in ("claude-opus-4", "claude-opus-4-1-20250805", "claude-sonnet-4-20250514", "claude-3-haiku"):
        assert opened(f"anthropic:{old}", tmp_path).capabilities.schema == "none"
    for new in ("claude-opus-4-5-20251101", "claude-sonnet-4-5", "claude-haiku-5-5"):
        assert opened(f"anthropic:{new}", tmp_path).capabilities.schema == "response_format"


@pytest.mark.parametrize(
    ("name", "variable", "key"),
    [
        ("openai:m", "OPENAI_BASE_URL", "OPENAI_API_KEY"),
        ("anthropic:m", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
    ],
)
def test_another_address_of_a_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, variable: str, key: str
) -> None:
    monkeypatch.setenv(key, "k")
    monkeypatch.setenv(variable, "http://127.0.0.1:7/gateway")
    model = opened(name, tmp_path)
    assert isinstance(model, OpenAICompatible | Anthropic)
    assert model.connection.base == "http://127.0.0.1:7/gateway"
    told = opened(name, tmp_path, base_url="http://127.0.0.1:8")
    assert isinstance(told, OpenAICompatible | Anthropic)
    assert told.connection.base == "http://127.0.0.1:8/v1"


def test_a_service_is_asked_for_and_stays_in_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    model = opened("openai:gpt-5?service=flex", tmp_path)
    assert isinstance(model, OpenAICompatible)
    assert (model.name, model.connection.model) == ("openai:gpt-5?service=flex", "gpt-5")
    assert model.connection.dialect.extra == {"service_tier": "flex"}
    assert model.bound(Request((user("x"),), effort="max")).output > 0
    with pytest.raises(InputError, match="no effort setting"):
        opened("openai:gpt-4o", tmp_path).bound(Request((user("x"),), effort="low"))


def test_answers_are_kept_and_estimates_learned_where_asked(tmp_path: Path) -> None:
    script, calibrator = tmp_path / "s.json", Calibrator()
    script.write_text('["你好", "再见"]', encoding="utf-8")
    model = opened(f"scripted:{script}", tmp_path, answers=tmp_path / "a.sqlite", calibrator=calibrator)
    assert isinstance(model, CachedModel)
    request = Request((user("hello"),), max_output=10)

    async def run() -> list[Response]:
        first, second = [fold([delta async for delta in model.stream(request)]) for _ in range(2)]
        await model.aclose()
        return [first, second]

    first, second = asyncio.run(run())
    assert (first.text, second.text) == ("你好", "你好")
    assert second.replayed == first.usage
    assert calibrator.factors(model.name) != [1.0] * 5


def test_a_script_is_opened_and_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('["你好"]', encoding="utf-8")
    model = opened(f"scripted:{path}", tmp_path)
    assert model.name == f"scripted:{path}"
    assert model.capabilities.local
    assert facts(f"scripted:{path}", tmp_path) == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_facts_of_hosted_models_are_their_names(tmp_path: Path) -> None:
    for name in ("openai:gpt-4o", "http://127.0.0.1:1/v1#m"):
        assert facts(name, tmp_path) == {"name": name}


def test_a_packaged_model_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "installed_member", lambda _wheel: None)
    with pytest.raises(MissingExtra, match="scrimp models get small"):
        opened("small", tmp_path)
    with pytest.raises(MissingExtra):
        facts("local", tmp_path)


def test_the_same_file_under_every_name_has_the_same_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF and more")
    monkeypatch.setattr(weights, "find", lambda _name, _home: path)
    expected = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert facts("local", tmp_path) == facts("gguf:m", tmp_path) == expected


def test_local_and_the_url_of_its_server_send_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    """Equal prompts and equal grammar, so equal answers; and equal names of what was asked for."""
    httpserver.expect_request("/v1/models").respond_with_json(LISTING)

    def complete(wire: WireRequest) -> WireResponse:
        if json.loads(wire.data)["stream"]:
            return WireResponse(stream_of(CALL), content_type="text/event-stream")
        probed = {"choices": [{"message": {"content": '{"ok": true}'}}]}
        return WireResponse(json.dumps(probed), content_type="application/json")

    httpserver.expect_request("/v1/chat/completions").respond_with_handler(complete)
    endpoint = embedded.Endpoint(httpserver.url_for("/v1"), "small", 1, context=2048)
    monkeypatch.setattr(weights, "find", lambda _name, _home: tmp_path / "m.gguf")
    monkeypatch.setattr(embedded, "launch", lambda _file, _home, **_settings: endpoint)
    request = Request((user("一加一"),), tools=(TOOL,))

    async def run() -> list[Response]:
        url = await open_model(httpserver.url_for("/v1") + "#small", home=tmp_path)
        local = await open_model("local", home=tmp_path)
        assert local.name == "local"
        assert url.bound(request) == local.bound(request)
        assert url.capabilities == local.capabilities
        return [await call(model, request) for model in (url, local)]

    responses = asyncio.run(run())
    assert responses[0].tool_calls == responses[1].tool_calls
    assert responses[0].tool_calls[0].arguments == {"a": 1}
    bodies = [wire.data for wire, _ in httpserver.log if wire.path == "/v1/chat/completions"]
    assert len(bodies) == 3  # the first is the probe of the grammar, which only the URL needs
    assert bodies[1] == bodies[2]
    assert json.loads(bodies[1])["grammar"].startswith("%llguidance")


def test_a_server_that_ended_for_being_idle_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data(
        stream_of(CALL), content_type="text/event-stream"
    )
    gone = embedded.Endpoint("http://127.0.0.1:9/v1", "small", 1, context=2048)
    there = embedded.Endpoint(httpserver.url_for("/v1"), "small", 2, context=2048)
    endpoints = [gone, there]
    monkeypatch.setattr(weights, "find", lambda _name, _home: tmp_path / "m.gguf")
    monkeypatch.setattr(embedded, "launch", lambda _file, _home, **_settings: endpoints.pop(0))

    async def run() -> Response:
        return await call(await open_model("small", home=tmp_path), Request((user("1+1"),), tools=(TOOL,)))

    assert asyncio.run(run()).tool_calls[0].name == "add"
    assert endpoints == []


def test_a_server_that_does_not_come_back_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = embedded.Endpoint("http://127.0.0.1:9/v1", "small", 1, context=2048)
    monkeypatch.setattr(weights, "find", lambda _name, _home: tmp_path / "m.gguf")
    monkeypatch.setattr(embedded, "launch", lambda _file, _home, **_settings: gone)

    async def run() -> None:
        await call(await open_model("small", home=tmp_path), Request((user("1+1"),)))

    with pytest.raises(ModelFailed, match="cannot be reached"):
        asyncio.run(run())


def test_nothing_at_the_url(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="is the server running") as caught:
        opened("http://127.0.0.1:9/v1#m", tmp_path)
    assert caught.value.exit_code == 4
