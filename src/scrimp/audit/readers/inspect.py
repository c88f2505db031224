"""Inspect evaluation logs, as one JSON document or as an `.eval` archive: one run for each sample and epoch.

Calls of scorers and graders are `harness`. The input tokens that a log states include what the cache served where
input and output sum to its total, and do not where the cache's have to be added.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from scrimp.audit.names import model_name
from scrimp.audit.reading import LONGEST_LINE, ZIP, Head, Source
from scrimp.audit.trace import Step, ToolUse, Totals, Trace
from scrimp.audit.wire_openai import message, number, tools
from scrimp.core.errors import InputError
from scrimp.core.messages import Finish, Message, Request, ToolCall, ToolSpec
from scrimp.core.usage import NO_USAGE, Usage

NAME = "inspect"
ATTACHED = "attachment://"
VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""What the letters of Inspect's scorers are worth."""

FINISH: Mapping[str, Finish] = {"stop": "stop", "max_tokens": "length", "model_length": "length",
                                "tool_calls": "tool_calls", "content_filter": "error"}  # fmt: skip


def sniff(head: Head) -> bool:
    """Whether it is a log of Inspect."""
    if head.data.startswith(ZIP):
        return b"_journal/" in head.data or b"header.json" in head.data or b"samples/" in head.data
    return head.text[:1] == "{" and head.has("eval", "run_id", "task") and head.has("status", "version")


def read(source: Source) -> Iterator[Trace]:
    """One run for each sample."""
    with source.open() as file:
        packed = file.read(4) == ZIP
    if packed:
        yield from _archive(source)
        return
    data = source.document()
    if not isinstance(data, Mapping) or not isinstance(data.get("eval"), Mapping):
        raise InputError("no log of Inspect")
    samples = data.get("samples")
    if not isinstance(samples, list) or not samples:
        raise InputError("a log without samples (it was written without them)")
    for at, sample in enumerate(samples):
        yield from _checked(source, f"samples[{at}]", sample, data["eval"])


def _archive(source: Source) -> Iterator[Trace]:
    """The samples of an archive, one member at a time."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            members = sorted(info.filename for info in archive.infolist())
            head = _member(source, archive, "header.json") or _member(source, archive, "_journal/start.json") or {}
            samples = [name for name in members if name.startswith("samples/")]
            if not samples:
                raise InputError("a log without samples")
            for name in samples:
                sample = _member(source, archive, name)
                if sample is not None:
                    yield from _checked(source, name, sample, head.get("eval", {}))
    except zipfile.BadZipFile as error:
        raise InputError("the archive is cut or damaged") from error


def _member(source: Source, archive: zipfile.ZipFile, name: str) -> Any:
    """A member's JSON; None where it cannot be read."""
    try:
        info = archive.getinfo(name)
        if info.file_size > LONGEST_LINE:
            source.skip(name, f"larger than {LONGEST_LINE >> 20} MB")
            return None
        return json.loads(archive.read(name))
    except KeyError:
        return None
    except NotImplementedError:
        source.skip(name, "packed in a way that this Python cannot unpack; write the log as .json")
    except (ValueError, zipfile.BadZipFile, OSError):
        source.skip(name, "cut or damaged")
    return None


def _checked(source: Source, place: str, sample: Any, info: Mapping[str, Any]) -> Iterator[Trace]:
    if not isinstance(sample, Mapping):
        source.skip(place, "no sample")
        return
    trace = _Sample(source, place, sample, info).trace()
    if trace.steps:
        yield trace
    else:
        source.skip(place, "no call of a model")


class _Sample:
    """One sample, its attachments put in and its messages shared between calls."""

    def __init__(self, source: Source, place: str, sample: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        self.source, self.place, self.sample, self.info = source, place, sample, info
        given = sample.get("attachments")
        self.attached: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        self.known: dict[str, Message] = {}
        self.specs: dict[str, tuple[ToolSpec, ...]] = {}
        self.pool = self._pool()

    def trace(self) -> Trace:
        """The sample as a run."""
        sample, info = self.sample, self.info
        name = f"{info.get('task') or 'task'}/{sample.get('id')}"
        epoch = str(sample.get("epoch", 1))
        trace = Trace(
            f"{sample.get('uuid') or f'{name} epoch {epoch}'}", NAME, str(self.source.path), self.place, task=name,
            reward=_reward(sample.get("scores")), labels={"epoch": epoch, "task": str(info.get("task") or "")},
            seconds=_float(sample.get("total_time")),
        )  # fmt: skip
        usage = sample.get("model_usage")
        if isinstance(usage, Mapping):
            parts = [_usage(one) for one in usage.values()]
            total = NO_USAGE
            for part in parts:
                total = total + (part or NO_USAGE)
            trace.totals = Totals(total if parts and None not in parts else None)
        self._events(trace)
        return trace

    def _events(self, trace: Trace) -> None:
        harness: set[str] = set()
        asked: dict[str, int] = {}
        events = self.sample.get("events")
        for at, event in enumerate(events if isinstance(events, list) else ()):
            if not isinstance(event, Mapping):
                continue
            kind, place = event.get("event"), f"{self.place}, events[{at}]"
            if kind == "span_begin" and (event.get("type") == "scorer" or event.get("parent_id") in harness):
                harness.add(str(event.get("id")))
            elif kind == "model":
                step = self._step(event, place)
                if step is None:
                    continue
                if str(event.get("span_id")) in harness or event.get("role") in ("grader", "judge"):
                    step.component = "harness"
                for call in step.answer.tool_calls:
                    asked[call.id] = len(trace.steps)
                trace.steps.append(step)
            elif kind == "tool":
                self._tool(trace, event, asked, place)
        for use in trace.tools:
            use.message = next((m for m in self.known.values() if m.tool_call_id == use.call.id), None)
            if use.message is not None:
                use.result = use.message.text

    def _step(self, event: Mapping[str, Any], place: str) -> Step | None:
        output = event.get("output")
        choices = output.get("choices") if isinstance(output, Mapping) else None
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            return None
        answer = self._message(choices[0].get("message"))
        if answer is None or not isinstance(output, Mapping):
            return None
        sent = event.get("input")
        if not sent and isinstance(event.get("input_refs"), list):
            sent = [self.pool[at] for at in _places(event["input_refs"]) if at < len(self.pool)]
        shared = tuple(made for one in sent or () if (made := self._message(one)) is not None)
        specs = tools(self._filled(event.get("tools")))
        key = "".join(spec.hash for spec in specs)
        raw = str(event.get("model") or output.get("model") or "")
        return Step(
            Request(shared, self.specs.setdefault(key, specs)), answer, model_name(raw), _usage(output.get("usage")),
            started=_time(event.get("timestamp")), seconds=_float(output.get("time", event.get("working_time"))),
            finish=FINISH.get(str(choices[0].get("stop_reason")), "stop"), where=place,
        )  # fmt: skip

    def _tool(self, trace: Trace, event: Mapping[str, Any], asked: Mapping[str, int], place: str) -> None:
        arguments = event.get("arguments")
        call = ToolCall(
            str(event.get("id") or ""), str(event.get("function") or ""),
            dict(arguments) if isinstance(arguments, Mapping) else None,
        )  # fmt: skip
        error = event.get("error")
        kind = str(error.get("type") or "error") if isinstance(error, Mapping) else ""
        result = self._filled(event.get("result"))
        trace.tools.append(
            ToolUse(call, asked.get(call.id, max(0, len(trace.steps) - 1)), result if isinstance(result, str) else None,
                    None, bool(kind), kind, _time(event.get("timestamp")), _float(event.get("working_time")),
                    where=place)
        )  # fmt: skip

    def _message(self, data: Any) -> Message | None:
        """A message with its attachments, the same object for the same message."""
        if not isinstance(data, Mapping):
            return None
        key = json.dumps(data, sort_keys=True, default=str)
        made = self.known.get(key)
        if made is None:
            made = message(self._filled(data))
            if made is None:
                return None
            # The answer of one call and its copy in the next prompt differ in what stands beside the words.
            same = next((one for one in reversed(self.known.values()) if one == made), None)
            made = self.known[key] = same or made
        return made

    def _filled(self, value: Any) -> Any:
        """The value with attachments in their places."""
        if isinstance(value, str):
            return self.attached.get(value.removeprefix(ATTACHED), value) if value.startswith(ATTACHED) else value
        if isinstance(value, Mapping):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        return value

    def _pool(self) -> list[Any]:
        """Messages that newer logs store once and refer to."""
        data = self.sample.get("events_data")
        pool = data.get("messages") if isinstance(data, Mapping) else None
        return pool if isinstance(pool, list) else []


def _usage(data: Any) -> Usage | None:
    """Usage as a log states it, normalised."""
    sent, written = number(data, "input_tokens"), number(data, "output_tokens")
    if sent is None or written is None:
        return None
    read, wrote = number(data, "input_tokens_cache_read") or 0, number(data, "input_tokens_cache_write") or 0
    total = number(data, "total_tokens")
    inside = total is None or total == sent + written or total < sent + written + read + wrote
    fresh = max(0, sent - read - wrote) if inside else sent
    return Usage(fresh, read, wrote, written, min(number(data, "reasoning_tokens") or 0, written))


def _places(refs: list[Any]) -> Iterator[int]:
    """Places in the pool: numbers, or pairs of first and last but one."""
    for ref in refs:
        if isinstance(ref, int):
            yield ref
        elif isinstance(ref, list) and len(ref) == 2:
            yield from range(int(ref[0]), int(ref[1]))


def _reward(scores: Any) -> float | None:
    """What the first scorer said, 0 to 1."""
    first = next(iter(scores.values()), None) if isinstance(scores, Mapping) else None
    value = first.get("value") if isinstance(first, Mapping) else None
    if isinstance(value, str):
        return VALUES.get(value)
    return float(value) if isinstance(value, bool | int | float) and 0 <= value <= 1 else None


def _time(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None
