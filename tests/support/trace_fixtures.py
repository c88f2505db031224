"""One small recorded run in each trace format, written as its maker writes it.

Each function writes a file into a folder and returns its path. The runs are alike: a user asks for the weather in Oslo,
the model calls a tool, reads its result and answers.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
SYSTEM = {"role": "system", "content": "You know the weather."}
ASKED = {"role": "user", "content": "奥斯陆的天气怎么样？"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "Rain, 11 degrees."}
ANSWER = {"role": "assistant", "content": "It rains in Oslo, 11 degrees."}


def lines(path: Path, *items: Any) -> Path:
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
    return path


def document(path: Path, item: Any) -> Path:
    path.write_text(json.dumps(item, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def tau(folder: Path) -> Path:
    path = folder / "tau_gpt-4o_small.jsonl.gz"
    runs = [
        {"task_id": task, "trial": trial, "reward": float(trial == 0), "info": {"user_cost": 0.001},
         "traj": [SYSTEM, ASKED, CALLED, RESULT, ANSWER]}
        for task in range(2) for trial in range(2)
    ]  # fmt: skip
    text = "".join(json.dumps(run, ensure_ascii=False) + "\n" for run in runs)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def completion(message: Any, sent: int, cached: int, written: int, finish: str, model: str = "gpt-4o") -> Any:
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": sent, "completion_tokens": written, "total_tokens": sent + written,
                  "prompt_tokens_details": {"cached_tokens": cached},
                  "completion_tokens_details": {"reasoning_tokens": 4}},
    }  # fmt: skip


def openai_log(folder: Path) -> Path:
    """Two runs, their calls mixed: they are told apart by how their messages go on."""
    other = {**ASKED, "content": "And in Bergen?"}
    first = {"model": "gpt-4o", "messages": [SYSTEM, ASKED], "tools": [TOOL], "reasoning_effort": "low"}
    second = {**first, "messages": [SYSTEM, ASKED, CALLED, RESULT]}
    return lines(
        folder / "requests.jsonl",
        {"request": first, "response": completion(CALLED, 120, 0, 20, "tool_calls"), "duration": 1.5},
        {"request": {**first, "messages": [SYSTEM, other]}, "response": completion(ANSWER, 110, 0, 9, "stop")},
        {"request": second, "response": completion(ANSWER, 160, 100, 12, "stop"), "duration": 2.0},
    )


def anthropic_log(folder: Path) -> Path:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 500, "system": "You know the weather.",
            "tools": [{"name": "get_weather", "description": "Weather.", "input_schema": SCHEMA}],
            "messages": [{"role": "user", "content": "Oslo?"}]}  # fmt: skip
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Error: no such city", "is_error": True}
    thinking = {"type": "thinking", "thinking": "Where is that?", "signature": "x"}
    one = {"type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "stop_reason": "tool_use",
           "content": [thinking, use],
           "usage": {"input_tokens": 30, "cache_creation_input_tokens": 1100, "cache_read_input_tokens": 0,
                     "output_tokens": 40}}  # fmt: skip
    two = {**one, "stop_reason": "end_turn", "content": [{"type": "text", "text": "I do not know."}],
           "usage": {"input_tokens": 25, "cache_creation_input_tokens": 60, "cache_read_input_tokens": 1100,
                     "output_tokens": 7}}  # fmt: skip
    later = {**body, "messages": [*body["messages"], {"role": "assistant", "content": one["content"]},
                                  {"role": "user", "content": [result]}]}  # type: ignore[misc] # fmt: skip
    return lines(
        folder / "messages.jsonl", {"request": body, "response": one, "timestamp": "2026-11-01T10:00:00Z"},
        {"request": later, "response": two, "timestamp": "2026-11-01T10:00:05Z"},
    )  # fmt: skip


def swe_agent(folder: Path) -> Path:
    observed = 'Traceback (most recent call last):\n  File "x.py"\nValueError: no\n'
    history = [
        {"role": "system", "content": "You are a programmer.", "agent": "primary"},
        {"role": "user", "content": "Here is a demonstration.", "is_demo": True, "agent": "primary"},
        {"role": "user", "content": "Fix the bug.", "agent": "primary"},
        {
            "role": "assistant",
            "content": "Run it.\n```\npython x.py\n```",
            "action": "python x.py\n",
            "agent": "primary",
        },
        {"role": "user", "content": observed, "agent": "primary"},
        {"role": "assistant", "content": "Done.\n```\nsubmit\n```", "action": "submit\n", "agent": "primary"},
    ]
    steps = [{"action": "python x.py\n", "observation": observed, "response": "Run it.", "thought": "Run it."},
             {"action": "submit\n", "observation": "", "response": "Done.", "thought": "Done."}]  # fmt: skip
    stats = {"instance_cost": 0.0106, "total_cost": 0.0106, "tokens_sent": 1000, "tokens_received": 20, "api_calls": 2}
    return document(folder / "repo__bug-1.traj", {
        "environment": "swe_main", "trajectory": steps, "history": history,
        "info": {"exit_status": "submitted", "model_stats": stats},
    })  # fmt: skip


def inspect_sample(reward: str = "C") -> Any:
    asked = {"id": "m1", "role": "user", "content": "attachment://abc"}
    called = {"id": "m2", "role": "assistant", "content": "", "source": "generate",
              "tool_calls": [{"id": "call_1", "function": "get_weather", "arguments": {"city": "Oslo"}}]}  # fmt: skip
    result = {"id": "m3", "role": "tool", "tool_call_id": "call_1", "function": "get_weather", "content": "Rain."}
    said = {"id": "m4", "role": "assistant", "content": "It rains.", "source": "generate"}

    def model(sent: list[Any], answer: Any, usage: Any, span: str = "solve") -> Any:
        return {"event": "model", "span_id": span, "timestamp": "2026-05-12T20:27:38+00:00", "model": "openai/gpt-4o",
                "input": sent, "tools": [{"name": "get_weather", "description": "Weather.", "parameters": SCHEMA}],
                "output": {"model": "gpt-4o", "time": 1.25, "usage": usage,
                           "choices": [{"message": answer, "stop_reason": "stop"}]}}  # fmt: skip

    return {
        "id": 1, "epoch": 1, "uuid": "u1", "scores": {"includes": {"value": reward}},
        "attachments": {"abc": "Weather in Oslo?"}, "total_time": 4.0,
        "model_usage": {"openai/gpt-4o": {"input_tokens": 360, "output_tokens": 30, "total_tokens": 390,
                                          "input_tokens_cache_read": 64}},
        "events": [
            model([asked], called, {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}),
            {"event": "tool", "id": "call_1", "function": "get_weather", "arguments": {"city": "Oslo"},
             "result": "Rain.", "timestamp": "2026-05-12T20:27:40+00:00", "working_time": 0.5, "span_id": "solve"},
            model([asked, called, result], said, {"input_tokens": 160, "output_tokens": 10, "total_tokens": 170,
                                                  "input_tokens_cache_read": 64}),
            {"event": "span_begin", "id": "judge", "type": "scorer", "name": "graded"},
            model([asked], said, {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}, "judge"),
        ],
    }  # fmt: skip


def inspect_json(folder: Path) -> Path:
    return document(folder / "log.json", {
        "version": 2, "status": "success", "eval": {"run_id": "r1", "task": "weather", "model": "openai/gpt-4o"},
        "samples": [inspect_sample()],
    })  # fmt: skip


def inspect_eval(folder: Path) -> Path:
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_journal/start.json", json.dumps({"eval": {"task": "weather"}}))
        archive.writestr("samples/1_epoch_1.json", json.dumps(inspect_sample("I")))
        archive.writestr("header.json", json.dumps({"version": 2, "eval": {"task": "weather", "run_id": "r1"}}))
    return path


def attribute(key: str, value: Any) -> Any:
    kind = "intValue" if isinstance(value, int) else "doubleValue" if isinstance(value, float) else "stringValue"
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def span(identity: str, parent: str, start: int, seconds: float, **attributes: Any) -> Any:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return {
        "traceId": "t1", "spanId": identity, "parentSpanId": parent, "name": identity,
        "startTimeUnixNano": str(1_760_000_000_000_000_000 + start * 10**9),
        "endTimeUnixNano": str(1_760_000_000_000_000_000 + int((start + seconds) * 10**9)),
        "attributes": [attribute(key, value) for key, value in named.items()],
    }  # fmt: skip


def otlp(*spans: Any) -> Any:
    resource = {"attributes": [attribute("service.name", "weather-bot")]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": list(spans)}]}]}


def otel(folder: Path) -> Path:
    def text(role: str, words: str) -> Any:
        return {"role": role, "parts": [{"type": "text", "content": words}]}

    call = {"role": "assistant", "finish_reason": "tool_call", "parts": [
        {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Oslo"}}]}  # fmt: skip
    result = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "Rain."}]}
    asked = text("user", "Weather in Oslo?")
    common = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai",
              "gen_ai__request__model": "gpt-4o"}  # fmt: skip
    return document(folder / "spans.json", otlp(
        span("root", "", 0, 9.0, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="main"),
        span("one", "root", 0, 2.0, **common, gen_ai__usage__input_tokens=100, gen_ai__usage__output_tokens=10,
             gen_ai__input__messages=json.dumps([asked]), gen_ai__output__messages=json.dumps([call])),
        span("tool", "root", 2, 1.0, gen_ai__operation__name="execute_tool", gen_ai__tool__name="get_weather",
             gen_ai__tool__call__id="call_1", gen_ai__tool__call__arguments='{"city": "Oslo"}'),
        span("two", "root", 4, 3.0, **common, gen_ai__usage__input_tokens=160, gen_ai__usage__output_tokens=10,
             gen_ai__usage__cache_read__input_tokens=64, gen_ai__input__messages=json.dumps([asked, call, result]),
             gen_ai__output__messages=json.dumps([text("assistant", "It rains.")])),
    ))  # fmt: skip


def openinference(folder: Path) -> Path:
    def named(**attributes: Any) -> Any:
        return {key.replace("__", "."): value for key, value in attributes.items()}

    llm = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 100,
           "llm.token_count.completion": 10, "llm.token_count.prompt_details.cache_read": 20,
           "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Weather?",
           "llm.output_messages.0.message.role": "assistant",
           "llm.output_messages.0.message.content": "Rain."}  # fmt: skip
    return lines(folder / "phoenix.jsonl", otlp(
        span("root", "", 0, 4.0, openinference__span__kind="AGENT"),
        span("find", "root", 0, 1.0, openinference__span__kind="RETRIEVER"),
        {**span("one", "root", 1, 2.0), "attributes": [attribute(key, value) for key, value in llm.items()]},
    ))  # fmt: skip


def langsmith(folder: Path) -> Path:
    common = {"trace_id": "t1", "dotted_order": "x"}
    chain = {**common, "id": "t1", "run_type": "chain", "name": "graph", "start_time": "2026-11-01T10:00:00",
             "end_time": "2026-11-01T10:00:09", "inputs": {}, "outputs": {}, "tags": ["prod"],
             "feedback_stats": {"correctness": {"n": 1, "avg": 1.0}}}  # fmt: skip

    def llm(identity: str, start: str, sent: list[Any], kwargs: Any, usage: Any) -> Any:
        message = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"],
                   "kwargs": {**kwargs, "usage_metadata": usage}}  # fmt: skip
        return {**common, "id": identity, "parent_run_id": "t1", "run_type": "llm", "name": "ChatOpenAI",
                "start_time": start, "end_time": start, "inputs": {"messages": [sent]}, "total_cost": 0.0005,
                "extra": {"metadata": {"ls_model_name": "gpt-4o", "ls_provider": "openai", "team": "search"},
                          "invocation_params": {"model": "gpt-4o", "tools": [TOOL]}},
                "outputs": {"generations": [[{"message": message}]]}}  # fmt: skip

    human = {"type": "human", "data": {"content": "Weather in Oslo?"}}
    call = {"name": "get_weather", "args": {"city": "Oslo"}, "id": "call_1"}
    asked = {"type": "ai", "data": {"content": "", "tool_calls": [call]}}
    result = {"type": "tool", "data": {"content": "Rain.", "tool_call_id": "call_1"}}
    tool = {**common, "id": "r3", "parent_run_id": "t1", "run_type": "tool", "name": "get_weather",
            "start_time": "2026-11-01T10:00:03", "end_time": "2026-11-01T10:00:04", "inputs": {"city": "Oslo"},
            "outputs": {"output": "Rain."}}  # fmt: skip
    return document(folder / "runs.json", [
        chain,
        llm("r2", "2026-11-01T10:00:01", [human], {"content": "", "tool_calls": [call]},
            {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}),
        tool,
        llm("r4", "2026-11-01T10:00:05", [human, asked, result], {"content": "It rains."},
            {"input_tokens": 160, "output_tokens": 10, "total_tokens": 170, "input_token_details": {"cache_read": 64}}),
    ])  # fmt: skip


def langfuse(folder: Path) -> Path:
    def generation(identity: str, second: int, sent: list[Any], said: Any, details: Any) -> Any:
        return {"id": identity, "traceId": "t1", "type": "GENERATION", "name": "chat", "model": "gpt-4o",
                "startTime": f"2026-11-01T10:00:0{second}.000Z", "endTime": f"2026-11-01T10:00:0{second + 1}.000Z",
                "input": {"messages": sent, "tools": [TOOL]}, "output": said, "usageDetails": details,
                "costDetails": {"total": 0.0004}}  # fmt: skip

    tool = {"id": "o2", "traceId": "t1", "type": "TOOL", "name": "get_weather", "input": {"city": "Oslo"},
            "output": "Rain.", "startTime": "2026-11-01T10:00:03Z", "endTime": "2026-11-01T10:00:04Z"}  # fmt: skip
    return document(folder / "traces.json", {"data": [{
        "id": "t1", "name": "weather", "tags": ["prod"], "userId": "u7",
        "scores": [{"name": "correct", "value": 1}],
        "observations": [
            generation("o1", 1, [SYSTEM, ASKED], CALLED, {"input": 100, "output": 10, "total": 110}),
            tool,
            generation("o3", 5, [SYSTEM, ASKED, CALLED, RESULT], ANSWER,
                       {"input": 96, "input_cached_tokens": 64, "output": 10, "total": 170}),
        ],
    }]})  # fmt: skip


def claude_code(folder: Path) -> Path:
    """One answer over two lines that share its id: its usage counts once."""
    common = {"sessionId": "s1", "isSidechain": False, "version": "2.0", "gitBranch": "main"}
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 2000,
        "cache_read_input_tokens": 12000,
        "output_tokens": 90,
    }

    def entry(uuid: str, parent: str | None, second: int, message: Any) -> Any:
        return {**common, "uuid": uuid, "parentUuid": parent, "type": message["role"], "message": message,
                "timestamp": f"2026-11-01T10:00:0{second}.000Z"}  # fmt: skip

    def part(block: Any, stop: str | None = None) -> Any:
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
                "content": [block], "stop_reason": stop, "usage": usage}  # fmt: skip

    read = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "a.py"}}
    return lines(
        folder / "session.jsonl",
        {"type": "summary", "summary": "A session", "leafUuid": "u4"},
        entry("u1", None, 1, {"role": "user", "content": "Read a.py"}),
        entry("u2", "u1", 2, part({"type": "text", "text": "I will."})),
        entry("u3", "u2", 3, part(read, "tool_use")),
        entry("u4", "u3", 4, {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "print(1)"}]}),
        entry("u5", "u4", 5, {**part({"type": "text", "text": "It prints 1."}, "end_turn"), "id": "msg_2",
                              "usage": {**usage, "cache_creation_input_tokens": 100}}),
    )  # fmt: skip


def codex(folder: Path) -> Path:
    def item(kind: str, payload: Any) -> Any:
        return {"timestamp": "2026-11-01T10:00:00.000Z", "type": kind, "payload": payload}

    def usage(sent: int, cached: int, written: int) -> Any:
        return {"input_tokens": sent, "cached_input_tokens": cached, "output_tokens": written,
                "reasoning_output_tokens": 5, "total_tokens": sent + written}  # fmt: skip

    def told(total: Any, last: Any) -> Any:
        return item(
            "event_msg", {"type": "token_count", "info": {"total_token_usage": total, "last_token_usage": last}}
        )

    return lines(
        folder / "rollout-1.jsonl",
        item("session_meta", {"id": "c1", "instructions": "You code.", "cwd": "/x"}),
        item("turn_context", {"model": "gpt-5-codex", "effort": "medium"}),
        item("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "ls"}]}),
        item("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": "List."}]}),
        item("response_item", {"type": "function_call", "name": "shell", "arguments": '{"command": ["ls"]}',
                               "call_id": "call_1"}),
        told(usage(5000, 4000, 50), usage(5000, 4000, 50)),
        item("response_item", {"type": "function_call_output", "call_id": "call_1",
                               "output": '{"output": "ls: no such file", "metadata": {"exit_code": 2}}'}),
        item("response_item", {"type": "message", "role": "assistant",
                               "content": [{"type": "output_text", "text": "Nothing there."}]}),
        told(usage(10100, 9000, 90), usage(5100, 5000, 40)),
        told(usage(10100, 9000, 90), usage(5100, 5000, 40)),
    )  # fmt: skip


WRITERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "tau": ("openai-chat", tau), "openai_log": ("openai-chat", openai_log),
    "anthropic_log": ("anthropic", anthropic_log), "swe_agent": ("swe-agent", swe_agent),
    "inspect_json": ("inspect", inspect_json),
    "inspect_eval": ("inspect", inspect_eval), "otel": ("otel", otel), "openinference": ("otel", openinference),
    "langsmith": ("langsmith", langsmith), "langfuse": ("langfuse", langfuse),
    "claude_code": ("claude-code", claude_code), "codex": ("codex", codex),
}  # fmt: skip
"""Name of a fixture -> the reader that must tell it, and what writes it."""
