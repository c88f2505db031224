"""OpenAI chat records in all their forms: transcripts, bare messages, request logs, batches."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from trace_fixtures import ANSWER, ASKED, CALLED, RESULT, SYSTEM, TOOL, completion, lines

from scrimp.audit.reading import Skipped, read
from scrimp.audit.trace import Trace
from scrimp.core.messages import Image
from scrimp.core.usage import Usage

TALK = [SYSTEM, ASKED, CALLED, RESULT, ANSWER]


def only(path: Path, skipped: list[Skipped] | None = None) -> Trace:
    (trace,) = read(path, "", skipped)
    assert trace.source == "openai-chat"
    return trace


def text(path: Path, value: Any, **form: Any) -> Path:
    path.write_text(json.dumps(value, **form), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", [{}, {"indent": 1}])
@pytest.mark.parametrize("whole", [TALK, {"messages": TALK}, [{"messages": TALK}]])
def test_one_document_is_one_run(form: dict[str, int], whole: Any, tmp_path: Path) -> None:
    trace = only(text(tmp_path / "run.json", whole, **form))
    assert [len(step.request.messages) for step in trace.steps] == [2, 4]
    assert trace.steps[1].request.messages[2] is trace.steps[0].answer
    assert trace.tools[0].message is trace.steps[1].request.messages[3]
    assert not trace.tools_told


def test_a_message_a_line_is_one_run_and_a_list_a_line_is_many(tmp_path: Path) -> None:
    assert len(only(lines(tmp_path / "one.jsonl", *TALK)).steps) == 2
    assert [len(trace.steps) for trace in read(lines(tmp_path / "many.jsonl", TALK, [ASKED, ANSWER]))] == [2, 1]


def test_what_stands_in_the_record_is_taken(tmp_path: Path) -> None:
    said = {**ANSWER, "usage": {"prompt_tokens": 50, "completion_tokens": 9}, "reasoning_content": "Rain?"}
    trace = only(lines(tmp_path / "x.jsonl", {
        "run_id": "r7", "model": "azure/gpt-4o-mini", "task": "weather", "success": True, "tools": [TOOL],
        "metadata": {"team": "mobile", "tags": ["a"]}, "messages": [*TALK[:-1], said],
    }))  # fmt: skip
    assert (trace.id, trace.task, trace.reward, trace.labels) == ("r7", "weather", 1.0, {"team": "mobile"})
    assert trace.steps[0].model == "openai:gpt-4o-mini"
    assert [step.usage for step in trace.steps] == [None, Usage(input=50, output=9)]
    assert trace.steps[1].reasoning == "Rain?"
    assert trace.tools_told
    assert trace.steps[0].request.tools[0].name == "get_weather"


def test_functions_of_the_older_form_share_one_id(tmp_path: Path) -> None:
    def call(city: str) -> Any:
        return {"role": "assistant", "content": None, "function_call": {"name": "w", "arguments": f'{{"c": "{city}"}}'}}

    def result(words: str) -> Any:
        return {"role": "function", "name": "w", "content": words}

    talk = [ASKED, call("Oslo"), result("Rain."), call("Rome"), result("Error: no Rome"), ANSWER]
    logged = [
        {"request": {"messages": talk[:at]}, "response": completion(talk[at], 9, 0, 5, "stop")} for at in (1, 3, 5)
    ]
    for trace in (
        only(lines(tmp_path / "a.jsonl", {"messages": talk})),
        only(lines(tmp_path / "b.jsonl", *logged)),
    ):
        told = [(use.call.arguments, use.step, use.result, use.failed) for use in trace.tools]
        assert told == [({"c": "Oslo"}, 0, "Rain.", None), ({"c": "Rome"}, 1, "Error: no Rome", True)]


def test_pictures_refusals_and_broken_arguments(tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    shown = {
        "role": "user",
        "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": url}}],
    }
    broken = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "w", "arguments": "{city: Oslo"}}]}
    trace = only(lines(tmp_path / "x.jsonl", {"messages": [
        shown, broken, {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "no"}]},
        {"role": "assistant", "content": None, "refusal": "I cannot."},
    ]}))  # fmt: skip
    picture = trace.steps[0].request.messages[0].parts[1]
    assert isinstance(picture, Image)
    assert (picture.width, picture.height, picture.media_type) == (640, 480, "image/png")
    assert (trace.steps[0].answer.tool_calls[0].arguments, trace.steps[0].answer.tool_calls[0].raw) == (
        None,
        "{city: Oslo",
    )
    assert trace.steps[1].answer.text == "I cannot."
    assert trace.tools[0].result == "no"


def test_calls_that_say_their_run_belong_to_it_whatever_they_sent(tmp_path: Path) -> None:
    def logged(run: str, said: Any, second: str) -> Any:
        return {"timestamp": f"2026-11-01T10:00:{second}+00:00", "latency_ms": 1500,
                "request": {"model": "gpt-4o", "messages": [said], "metadata": {"session_id": run, "team": "a"}},
                "response": completion(ANSWER, 9, 0, 5, "length")}  # fmt: skip

    path = lines(tmp_path / "x.jsonl", logged("s1", ASKED, "01"), logged("s2", ASKED, "02"), logged("s1", SYSTEM, "03"))
    first, second = sorted(read(path), key=lambda trace: trace.id)
    assert (first.id, len(first.steps), second.id, len(second.steps)) == ("s1", 2, "s2", 1)
    assert first.labels["team"] == "a"
    assert first.steps[1].started == first.steps[0].started + 2  # type: ignore[operator]
    assert (first.steps[0].seconds, first.steps[0].finish) == (1.5, "length")


def test_batches_and_bodies_as_text(tmp_path: Path) -> None:
    body = {"model": "gpt-4o", "messages": [ASKED]}
    answer = completion(ANSWER, 40, 8, 5, "stop")
    for at, item in enumerate((
        {"custom_id": "1", "body": body, "response": {"status_code": 200, "body": answer}},
        {"request": json.dumps(body), "response": json.dumps(answer)},
        {**body, **answer},
    )):  # fmt: skip
        trace = only(lines(tmp_path / f"{at}.jsonl", item))
        assert trace.steps[0].usage == Usage(input=32, cached_input=8, output=5, reasoning=4)
        assert trace.steps[0].started == 1_760_000_000


def test_what_a_cache_wrote_is_no_fresh_input(tmp_path: Path) -> None:
    answer = completion(ANSWER, 100, 60, 5, "stop")
    answer["usage"]["prompt_tokens_details"]["cache_creation_tokens"] = 30
    trace = only(lines(tmp_path / "x.jsonl", {"request": {"messages": [ASKED]}, "response": answer}))
    assert trace.steps[0].usage == Usage(input=10, cached_input=60, cache_write=30, output=5, reasoning=4)


def test_mini_swe_agent_keeps_responses_and_the_bill(tmp_path: Path) -> None:
    usage = {"usage": {"prompt_tokens": 20, "completion_tokens": 4}, "model": "gpt-4o"}
    trace = only(text(tmp_path / "x.traj.json", {
        "info": {"model_stats": {"instance_cost": 0.25, "api_calls": 1}}, "instance_id": "repo__bug-1",
        "messages": [ASKED, {**ANSWER, "extra": {"response": usage}}], "trajectory_format": "mini-swe-agent-1.1",
    }, indent=2))  # fmt: skip
    assert (str(trace.totals.cost.amount), trace.totals.calls) == ("0.25", 1)  # type: ignore[union-attr]
    assert (trace.steps[0].usage, trace.steps[0].model) == (Usage(input=20, output=4), "openai:gpt-4o")
    assert trace.task == "repo__bug-1"


def test_numbers_that_are_none_and_other_oddities_cost_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    odd = (
        '{"messages": [{"role": "user", "content": {"a": 1}}, {"role": "assistant", "content": 5, "tool_calls": {},'
        ' "usage": {"prompt_tokens": NaN, "completion_tokens": 1e999}}], "reward": NaN, "info": [1], "metadata": 3}\n'
        '{"request": {"messages": [{"role": "user", "content": "hi"}]}, "duration": 1e999, "created": -1, "response":'
        ' {"choices": [{"message": {"role": "assistant", "content": "\\ud83d"}}], "usage": {"prompt_tokens": 9e400}}}\n'
        '{"request": {"messages": []}, "response": {}}\n'
        '{"request": {"messages": [{"role": "user", "content": "hi"}]}, "response": {"error": "rate limit"}}\n'
    )
    path.write_text(odd, encoding="utf-8")
    skipped: list[Skipped] = []
    found = list(read(path, "", skipped))
    assert [trace.steps[0].usage for trace in found] == [None, None]
    assert (found[0].reward, found[1].steps[0].seconds, found[1].steps[0].started) == (None, None, None)
    assert [item.why for item in skipped] == ["no messages", "no answer"]


def test_the_simulated_user_is_harness_also_where_it_cost_nothing(tmp_path: Path) -> None:
    trace = only(lines(tmp_path / "x.jsonl", {"task_id": 3, "trial": 1, "traj": TALK, "info": {"user_cost": 0}}))
    assert [(event.component, event.money.amount) for event in trace.others] == [("harness", 0)]
    assert (trace.task, trace.labels, trace.id) == ("3", {"trial": "1"}, "task 3 trial 1")
