"""Session logs (rollouts) of Codex: one entry a line, with running sums of the usage.

The input tokens that it states include what the cache served. A call's usage is that of the `token_count` behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.audit.calls import failure
from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.audit.wire_openai import as_dict, began, dig, mappings, number, parts
from scrimp.core.messages import Message, Request, Role, Text, ToolCall
from scrimp.core.usage import Usage

NAME = "codex"
UNTOLD = "session logs do not hold the tools: what they cost is in the recorded usage"
CALLS = ("function_call", "custom_tool_call", "local_shell_call")
RESULTS = ("function_call_output", "custom_tool_call_output")


def sniff(head: Head) -> bool:
    """Whether it is a rollout of Codex."""
    first = head.first
    if not isinstance(first, Mapping):
        return False
    if first.get("type") == "session_meta" or "record_type" in first:
        return True
    return '"response_item"' in head.text or (
        isinstance(first.get("id"), str) and '"function_call_output"' in head.text
    )


def read(source: Source) -> Iterator[Trace]:
    """The one run of a file."""
    session = _Session(source)
    for number_, line in source.json_lines():
        if isinstance(line, Mapping):
            session.add(f"line {number_}", line)
        else:
            source.skip(f"line {number_}", "no object")
    trace = session.close()
    if trace.steps:
        yield trace
    else:
        source.skip("", "no message of a model")


class _Session:
    """A session under way: items of an answer are gathered until its usage, or what comes next, closes it."""

    def __init__(self, source: Source) -> None:
        self.trace = Trace(source.path.name.removesuffix(".gz"), NAME, str(source.path), notes=[UNTOLD])
        self._said: list[Message] = []
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._thoughts: list[str] = []
        self._asked: dict[str, tuple[ToolCall, int]] = {}
        self._waiting: list[Message] = []
        self._model, self._effort = "", ""
        self._before: Usage | None = None
        self._began: float | None = None
        self._where = ""

    def add(self, where: str, line: Mapping[str, Any]) -> None:
        """Take an entry of the log."""
        inner = line.get("payload")
        payload: Mapping[str, Any] = inner if isinstance(inner, Mapping) else line
        kind = payload.get("type")
        if line.get("type") == "session_meta":
            self._meta(payload)
        elif line.get("type") == "turn_context":
            self._model = str(payload.get("model") or self._model)
            self._effort = str(payload.get("effort") or self._effort)
        elif kind == "token_count":
            self._count(payload)
        elif kind == "message":
            self._message(where, line, payload)
        elif kind == "reasoning":
            self._open(where, line)
            self._thoughts += [str(one.get("text") or "") for one in mappings(payload.get("summary"))]
        elif kind in CALLS:
            self._open(where, line)
            self._calls.append(_call(payload))
        elif kind in RESULTS:
            self._result(where, payload)

    def _meta(self, payload: Mapping[str, Any]) -> None:
        self.trace.id = str(payload.get("id") or self.trace.id)
        instructions = payload.get("instructions") or payload.get("base_instructions")
        if isinstance(instructions, Mapping):
            instructions = instructions.get("text")
        if isinstance(instructions, str) and instructions:
            self._said.append(Message("system", (Text(instructions),)))
        self._model = str(payload.get("model") or self._model)

    def _message(self, where: str, line: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
        words = parts(payload.get("content"))
        if payload.get("role") == "assistant":
            self._open(where, line)
            self._texts += [part.text for part in words if isinstance(part, Text)]
            return
        self._shut(None)
        role: Role = "system" if payload.get("role") in ("system", "developer") else "user"
        self._said.append(Message(role, words))

    def _result(self, where: str, payload: Mapping[str, Any]) -> None:
        self._shut_later()
        output = payload.get("output")
        text = output if isinstance(output, str) else str(dig(output, "content") or "")
        inner = as_dict(text) if text.startswith("{") else None
        failed, error = failure(text)
        code = dig(inner, "metadata", "exit_code")
        if inner and isinstance(inner.get("output"), str):
            text = inner["output"]
        if isinstance(code, int):
            failed, error = code != 0, f"exit {code}" if code else ""
        made = Message("tool", (Text(text),), (), str(payload.get("call_id") or ""))
        found = self._asked.get(made.tool_call_id)
        if found is not None:
            self.trace.tools.append(ToolUse(found[0], found[1], text, made, failed, error, where=where))
        self._said.append(made)

    def _open(self, where: str, line: Mapping[str, Any]) -> None:
        """A piece of an answer: after a result or a count, the first piece of a new one."""
        if not (self._texts or self._calls or self._thoughts):
            self._where, self._began = where, began(line)

    def _count(self, payload: Mapping[str, Any]) -> None:
        info = payload.get("info")
        if not isinstance(info, Mapping):
            return
        last, total = _usage(info.get("last_token_usage")), _usage(info.get("total_token_usage"))
        if last is None and total is not None:
            last = total if self._before is None else _minus(total, self._before)
        if total is not None and total == self._before:
            return  # told again, nothing new
        self._before = total
        if self._texts or self._calls or self._thoughts:
            self._shut(last)
        elif self.trace.steps and self.trace.steps[-1].usage is None:
            self.trace.steps[-1].usage = last

    def _shut_later(self) -> None:
        """Results come before the count of the call that asked for them: close the answer, its usage comes after."""
        if self._texts or self._calls or self._thoughts:
            self._shut(None)

    def _shut(self, usage: Usage | None) -> None:
        if not (self._texts or self._calls or self._thoughts):
            return
        words = tuple(Text(text) for text in self._texts if text)
        said = Message("assistant", words, tuple(self._calls))
        self.trace.steps.append(
            Step(
                Request(tuple(self._said), effort=self._effort or None), said, model_name(self._model, "openai"), usage,
                started=self._began, finish="tool_calls" if self._calls else "stop", where=self._where,
                reasoning="\n".join(self._thoughts),
            )
        )  # fmt: skip
        for call in self._calls:
            self._asked[call.id] = (call, len(self.trace.steps) - 1)
        self._said.append(said)
        self._texts, self._calls, self._thoughts = [], [], []

    def close(self) -> Trace:
        """The session as a run."""
        self._shut(None)
        return self.trace


def _call(payload: Mapping[str, Any]) -> ToolCall:
    if payload.get("type") == "local_shell_call":
        return ToolCall(str(payload.get("call_id") or ""), "local_shell", as_dict(payload.get("action")))
    given = payload.get("arguments", payload.get("input"))
    made = as_dict(given)
    raw = given if made is None and isinstance(given, str) else ""
    return ToolCall(str(payload.get("call_id") or ""), str(payload.get("name") or ""), made, raw)


def _usage(data: Any) -> Usage | None:
    sent, written = number(data, "input_tokens"), number(data, "output_tokens")
    if sent is None and written is None:
        return None
    cached = min(number(data, "cached_input_tokens") or 0, sent or 0)
    thought = number(data, "reasoning_output_tokens") or 0
    return Usage((sent or 0) - cached, cached, 0, written or 0, min(thought, written or 0))


def _minus(total: Usage, before: Usage) -> Usage:
    names = ("input", "cached_input", "cache_write", "output", "reasoning")
    return Usage(*(max(0, getattr(total, name) - getattr(before, name)) for name in names))
