"""scrimp's own runs: a journal file, or its export as JSON lines. Its events are taken as they are.

So the ledger of an audited run is the ledger that the run had, to the last digit.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from scrimp.audit.calls import carriers
from scrimp.audit.reading import SQLITE, Head, Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.core.errors import InputError, ScrimpError
from scrimp.core.events import Event, Key
from scrimp.core.messages import Message, Request, Response, ToolCall, ToolSpec
from scrimp.core.money import Money
from scrimp.core.usage import Usage
from scrimp.journal.export import FORMAT
from scrimp.journal.journal import Journal

NAME = "journal"
ALL = 10**9


def sniff(head: Head) -> bool:
    """Whether it is a journal, or an export of one."""
    first = head.first
    return head.data.startswith(SQLITE) or (isinstance(first, Mapping) and first.get("format") == FORMAT)


def read(source: Source) -> Iterator[Trace]:
    """Every run that it holds, oldest first."""
    with source.open() as file:
        packed = file.read(len(SQLITE)) == SQLITE
    yield from _database(source) if packed else _export(source)


def _database(source: Source) -> Iterator[Trace]:
    """The runs of a journal file. It is read from a copy: the file and what stands beside it stay untouched."""
    rewards = _rewards(source.path.parent)
    with tempfile.TemporaryDirectory(prefix="scrimp-audit-") as folder:
        copy = Path(folder) / "journal.sqlite"
        shutil.copyfile(source.path, copy)
        for ending in ("-wal",):
            beside = source.path.with_name(source.path.name + ending)
            if beside.exists():
                shutil.copyfile(beside, copy.with_name(copy.name + ending))
        try:
            journal = Journal(copy)
        except ScrimpError as error:
            raise InputError(f"an SQLite file that is no journal of scrimp ({error.message})") from error
        try:
            for record in reversed(journal.runs(limit=ALL)):
                head = {"id": record.id, "task": record.task, "experiment": record.experiment, "labels": record.labels,
                        "status": record.status, "system": record.system, "started": record.started,
                        "wall_seconds": record.wall_seconds}  # fmt: skip
                trace = _run(source, f"run {record.id}", head, journal.steps(record.id), rewards.get(record.id))
                if trace.steps or trace.others:
                    yield trace
        finally:
            journal.close()


def _export(source: Source) -> Iterator[Trace]:
    """The runs of an export; each begins with a line that says what ran."""
    head: Mapping[str, Any] | None = None
    where = ""
    steps: list[Mapping[str, Any]] = []
    for number, line in source.json_lines():
        if not isinstance(line, Mapping):
            source.skip(f"line {number}", "no object")
        elif line.get("format") == FORMAT:
            if head is not None:
                yield _run(source, where, head, steps, None)
            head, where, steps = line, f"line {number}", []
        elif head is not None and "event" in line:
            steps.append(line)
        else:
            source.skip(f"line {number}", "no event of a run")
    if head is not None:
        yield _run(source, where, head, steps, None)


def _run(
    source: Source, where: str, head: Mapping[str, Any], steps: Iterable[Mapping[str, Any]], reward: float | None
) -> Trace:
    task, system = head.get("task") or {}, head.get("system") or {}
    labels = {str(key): str(value) for key, value in (head.get("labels") or {}).items()}
    if isinstance(system, Mapping) and system.get("name"):
        labels["system"] = str(system["name"])
    trace = Trace(
        str(head.get("id")), NAME, str(source.path), where, task=str(task.get("id") or task.get("text") or "")[:200],
        reward=reward, labels=labels, started=head.get("started"), seconds=head.get("wall_seconds"),
    )  # fmt: skip
    known: dict[str, Message] = {}
    specs: dict[str, tuple[ToolSpec, ...]] = {}
    asked: list[ToolCall] = []
    for number, data in enumerate(steps):
        event = _event(trace.id, data)
        if event.kind == "model" and isinstance(data.get("request"), Mapping):
            step = _step(event, data, known, specs, f"{where}, event {number + 1}")
            trace.steps.append(step)
            asked = list(step.answer.tool_calls)
        elif event.kind == "tool" and isinstance(data.get("request"), Mapping):
            use = _use(event, data, max(0, len(trace.steps) - 1), f"{where}, event {number + 1}")
            # A door does not keep the call's id: it is the next of the step's calls with this name and arguments.
            same = [call for call in asked if call.name == use.call.name and call.arguments == use.call.arguments]
            if same:
                use.call = same[0]
                asked = [call for call in asked if call is not same[0]]
            trace.tools.append(use)
        else:
            trace.others.append(event)
    carried = carriers(trace.steps)
    for use in trace.tools:
        use.message = carried.get(use.call.id)
    return trace


def _event(run: str, data: Mapping[str, Any]) -> Event:
    """The event as the journal holds it."""
    money = Money.from_json(data["cost"])
    return Event(
        data["event"], Key(run, data["span"], data["door"], data["ordinal"]), data["kind"], data["component"],
        data["name"], data["parent"], data["prompt"], data["agent"], data["round"], data["phase"], data["attempt"],
        data["retry"], Usage(**data["tokens"]), money, int(Decimal(data["busy_seconds"]).scaleb(6)), data["started"],
        data["request_hash"], data["response_hash"], data["status"],
    )  # fmt: skip


def _step(
    event: Event, data: Mapping[str, Any], known: dict[str, Message], specs: dict[str, tuple[ToolSpec, ...]], where: str
) -> Step:
    request, response = data["request"], data.get("response")
    messages = tuple(_shared(known, Message.from_json(one)) for one in request.get("messages", ()))
    offered = tuple(ToolSpec(one["name"], one["description"], one["parameters"]) for one in request.get("tools", ()))
    key = "".join(spec.hash for spec in offered)
    answer, finish = Message("assistant"), "cut"
    if isinstance(response, Mapping) and "message" in response:
        whole = Response.from_json(response)
        answer, finish = _shared(known, whole.message), whole.finish
    return Step(
        Request(messages, specs.setdefault(key, offered), request.get("schema"), effort=request.get("effort")), answer,
        event.name, event.usage, event.money, event.started, event.busy_us / 1e6, finish, event.attempt, event.retry,  # type: ignore[arg-type]
        event.component, event.agent, event.prompt, where, event=event,
    )  # fmt: skip


def _shared(known: dict[str, Message], message: Message) -> Message:
    """The one object of a message."""
    return known.setdefault(message.hash, message)


def _use(event: Event, data: Mapping[str, Any], step: int, where: str) -> ToolUse:
    request, response = data["request"], data.get("response") or {}
    call = ToolCall("", event.name, request.get("arguments"), str(request.get("raw", "")))
    text = response.get("text") if isinstance(response, Mapping) else None
    failed = event.status == "error" or (isinstance(response, Mapping) and response.get("status") == "error")
    error = str(text).partition("\n")[0][:80] if failed else ""
    return ToolUse(
        call, step, text if isinstance(text, str) else None, None, failed, error,
        event.started, event.busy_us / 1e6, event.money, where, event=event,
    )  # fmt: skip


def _rewards(folder: Path) -> dict[str, float]:
    """Rewards by run where the results of experiments stand beside a journal."""
    found: dict[str, float] = {}
    for file in sorted([*folder.glob("trials.jsonl"), *folder.glob("experiments/*/trials.jsonl")]):
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    trial = json.loads(line)
                except ValueError:
                    continue  # the line that is being written
                if isinstance(trial, Mapping) and isinstance(trial.get("success"), bool | int | float):
                    found[str(trial.get("run"))] = float(trial["success"])
    return found
