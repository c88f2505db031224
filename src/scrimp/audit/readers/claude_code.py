"""Session logs of Claude Code: one entry a line, with the usage of every answer.

An answer is spread over several lines that share its id: it is one call, and its usage counts once. The system prompt
and the tools are not in the log; their tokens are in the usage, which wins. Side chains are sub-agents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.audit.wire_anthropic import FINISH, answer, messages, usage
from scrimp.audit.wire_openai import began
from scrimp.core.messages import Message, Request, ToolCall

NAME = "claude-code"
UNTOLD = "session logs hold neither the system prompt nor the tools: what they cost is in the recorded usage"
SUB_AGENT = "side chain"


def sniff(head: Head) -> bool:
    """Whether it is a session of Claude Code."""
    first = head.first
    if not isinstance(first, Mapping):
        return False
    text = head.text
    return '"sessionId"' in text and ('"parentUuid"' in text or '"uuid"' in text) and '"message"' in text


def read(source: Source) -> Iterator[Trace]:
    """A run for each session of the file."""
    sessions: dict[str, _Session] = {}
    for number, line in source.json_lines():
        if not isinstance(line, Mapping):
            source.skip(f"line {number}", "no object")
            continue
        name = line.get("sessionId")
        if isinstance(name, str) and line.get("type") in ("user", "assistant"):
            if name not in sessions:
                sessions[name] = _Session(source, name)
            sessions[name].add(f"line {number}", line)
    for session in sessions.values():
        trace = session.close()
        if trace.steps:
            yield trace
        else:
            source.skip(f"session {session.trace.id}", "no message of a model")


class _Session:
    """A session under way."""

    def __init__(self, source: Source, name: str) -> None:
        self.trace = Trace(name, NAME, str(source.path), tools_told=True, notes=[UNTOLD])
        self._said: dict[str, list[Message]] = {"": []}
        self._steps: dict[str, tuple[Step, list[Any], str]] = {}
        self._asked: dict[str, tuple[ToolCall, int]] = {}
        self._open = ""

    def add(self, where: str, line: Mapping[str, Any]) -> None:
        """Take an entry of the log."""
        data = line.get("message")
        if not isinstance(data, Mapping):
            return
        agent = SUB_AGENT if line.get("isSidechain") else ""
        said = self._said.setdefault(agent, [])
        if line["type"] == "assistant":
            self._answer(where, line, data, agent, said)
            return
        self._finish()
        for made, block in messages(data):
            if block:
                self._result(where, line, made, block)
            said.append(made)
        for key in ("gitBranch", "version", "cwd"):
            if isinstance(line.get(key), str) and key == "gitBranch":
                self.trace.labels = {**self.trace.labels, "branch": str(line[key])}

    def _answer(
        self, where: str, line: Mapping[str, Any], data: Mapping[str, Any], agent: str, said: list[Message]
    ) -> None:
        """A piece of an answer: the first opens the call, later ones add to it."""
        key = str(data.get("id") or line.get("requestId") or where)
        content = data.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": str(content or "")}]
        if key != self._open:
            self._finish()
        if key not in self._steps:
            step = Step(
                Request(tuple(said)), Message("assistant"), model_name(str(data.get("model") or ""), "anthropic"),
                started=began(line), agent=agent, where=where,
            )  # fmt: skip
            self._steps[key] = (step, [], agent)
            self.trace.steps.append(step)
        step, all_blocks, _ = self._steps[key]
        all_blocks += blocks
        step.usage = usage(data.get("usage")) or step.usage
        step.finish = FINISH.get(str(data.get("stop_reason")), step.finish)
        self._open = key

    def _finish(self) -> None:
        """The answer that is under way is whole: put it into the conversation."""
        if not self._open:
            return
        step, blocks, agent = self._steps[self._open]
        step.answer, step.reasoning = answer(blocks)
        if step.answer.tool_calls and step.finish == "stop":
            step.finish = "tool_calls"
        at = next(n for n, one in enumerate(self.trace.steps) if one is step)
        for call in step.answer.tool_calls:
            self._asked[call.id] = (call, at)
        self._said[agent].append(step.answer)
        self._open = ""

    def _result(self, where: str, line: Mapping[str, Any], made: Message, block: Mapping[str, Any]) -> None:
        found = self._asked.get(made.tool_call_id)
        if found is None:
            return
        failed = bool(block.get("is_error"))
        error = made.text.partition("\n")[0][:80] if failed else ""
        told = line.get("toolUseResult")
        taken = told.get("durationMs") if isinstance(told, Mapping) else None
        seconds = taken / 1000 if isinstance(taken, int | float) else None
        self.trace.tools.append(
            ToolUse(found[0], found[1], made.text, made, failed, error, seconds=seconds, where=where)
        )  # fmt: skip

    def close(self) -> Trace:
        """The session as a run."""
        self._finish()
        times = [step.started for step in self.trace.steps if step.started is not None]
        self.trace.started = min(times, default=None)
        return self.trace
