"""scrimp's own runs: a journal file, or its export as JSON lines. Its events are taken as they are.

So the ledger of an audited run is the ledger that the run had, to the last digit.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from scrimp.audit.calls import carriers, shared
from scrimp.audit.reading import SQLITE, Head, Source
from scrimp.audit.trace import Step, ToolUse, Trace
from scrimp.audit.wire_openai import dig, number, quantity, rewarded
from scrimp.core.errors import InputError, ScrimpError
from scrimp.core.events import Component, Event, EventStatus, Key, Kind, Phase, RetryKind
from scrimp.core.messages import Message, Request, Response, Text, ToolCall, ToolSpec
from scrimp.core.money import Money
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.journal.export import FORMAT
from scrimp.journal.journal import Journal

NAME = "journal"
WAL = 32
"""Bytes of the header of SQLite's log, which changes when the log is begun anew."""

TEXTS = ("event", "span", "door", "name", "parent", "prompt", "agent", "request_hash", "response_hash")
KNOWN: Mapping[str, Collection[str]] = {
    "kind": get_args(Kind), "component": get_args(Component), "phase": get_args(Phase), "retry": get_args(RetryKind),
    "status": get_args(EventStatus),
}  # fmt: skip
"""Keys of an event that hold texts, and those that hold one of a few words."""

CURRENCY = re.compile("[A-Z]{3}")
DAMAGE = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What a line raises that some other program wrote, or a disk lost a part of."""


def sniff(head: Head) -> bool:
    """Whether it is a journal, or an export of one."""
    first = head.first
    return head.data.startswith(SQLITE) or (isinstance(first, dict) and first.get("format") == FORMAT)


def read(source: Source) -> Iterator[Trace]:
    """Every run that it holds, oldest first.

    Raises:
        InputError: an SQLite file that is no journal.
    """
    with source.open() as file:
        packed = file.read(len(SQLITE)) == SQLITE
    rewards = _rewards(source)
    yield from _database(source, rewards) if packed else _export(source, rewards)


def _database(source: Source, rewards: Mapping[str, float]) -> Iterator[Trace]:
    """The runs of a journal file. It is read from a copy: the file and what stands beside it stay untouched."""
    with tempfile.TemporaryDirectory(prefix="scrimp-audit-") as folder:
        try:
            journal = Journal(_copied(source, Path(folder)))
        except ScrimpError as error:
            raise InputError("an SQLite file that is no journal of scrimp, or is damaged") from error
        try:
            runs = journal.ids()
            for run in runs:
                record = journal.run(run)
                head = {"id": record.id, "task": record.task, "labels": record.labels, "system": record.system,
                        "started": record.started, "wall_seconds": record.wall_seconds}  # fmt: skip
                trace = _run(source, f"run {run}", head, journal.steps(run), rewards)
                if trace.steps or trace.tools or trace.others:
                    yield trace
            if not runs:
                source.skip("", "an SQLite file without runs of scrimp")
        except ScrimpError as error:
            raise InputError("the journal is damaged") from error
        finally:
            journal.close()


def _copied(source: Source, folder: Path) -> Path:
    """A copy of the file, with what SQLite's log beside it holds. It may be written to while it is copied: the log
    holds all that came into the file meanwhile, unless it was begun anew, and then both are copied again."""
    copy = folder / "journal.sqlite"
    log = source.path.with_name(source.path.name + "-wal")
    for _ in range(5):
        before = _beginning(log)
        with source.open() as file, copy.open("wb") as written:
            shutil.copyfileobj(file, written, 1 << 20)
        if log.exists():
            shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        if _beginning(log) == before:
            break
    return copy


def _beginning(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            return file.read(WAL)
    except FileNotFoundError:
        return b""


def _export(source: Source, rewards: Mapping[str, float]) -> Iterator[Trace]:
    """The runs of an export; each begins with a line that says what ran."""
    head: Mapping[str, Any] | None = None
    where = ""
    steps: list[Mapping[str, Any]] = []
    for at, line in source.json_lines():
        if not isinstance(line, dict):
            source.skip(f"line {at}", "no object")
        elif line.get("format") == FORMAT:
            if head is not None:
                yield _run(source, where, head, steps, rewards)
            head, where, steps = line, f"line {at}", []
        elif head is not None and "event" in line:
            steps.append(line)
        else:
            source.skip(f"line {at}", "no event of a run")
    if head is not None:
        yield _run(source, where, head, steps, rewards)


def _run(
    source: Source, where: str, head: Mapping[str, Any], steps: Iterable[Mapping[str, Any]],
    rewards: Mapping[str, float],
) -> Trace:  # fmt: skip
    task, labels = head.get("task"), head.get("labels")
    told = {str(key): str(value) for key, value in labels.items()} if isinstance(labels, Mapping) else {}
    system = dig(head, "system", "name")
    if system:
        told["system"] = str(system)
    name = str(head.get("id"))
    trace = Trace(
        name, NAME, str(source.path), where, task=str(dig(task, "id") or dig(task, "text") or "")[:200],
        reward=rewards.get(name), labels=told, started=quantity(head.get("started")),
        seconds=quantity(head.get("wall_seconds")),
    )  # fmt: skip
    events = _Events(trace)
    for at, data in enumerate(steps):
        place = f"{where}, event {at + 1}"
        try:
            events.add(data, place)
        except DAMAGE:
            source.skip(place, "an event that is damaged, or of another version")
    carried = carriers(trace.steps)
    for use in trace.tools:
        use.message = carried.get(use.call.id)
    return trace


class _Events:
    """The events of one run, in their order."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.known: dict[Any, Message] = {}
        self.specs: dict[str, tuple[ToolSpec, ...]] = {}
        self.asked: list[ToolCall] = []

    def add(self, data: Mapping[str, Any], place: str) -> None:
        """A model call with its texts becomes a step, a tool call a use of it, and all else stays an event."""
        trace, event = self.trace, _event(self.trace.id, data)
        whole = isinstance(data.get("request"), dict)
        if event.kind == "model" and whole:
            step = _step(event, data, self.known, self.specs, place)
            trace.steps.append(step)
            self.asked = list(step.answer.tool_calls)
        elif event.kind == "tool" and whole:
            use = _use(event, data, max(0, len(trace.steps) - 1), place)
            # A door does not keep the call's id: it is the next of the step's calls with this name and arguments.
            same = [call for call in self.asked if call.name == use.call.name and call.arguments == use.call.arguments]
            if same:
                use.call = same[0]
                self.asked = [call for call in self.asked if call is not same[0]]
            trace.tools.append(use)
        else:
            trace.others.append(event)


def _event(run: str, data: Mapping[str, Any]) -> Event:
    """The event as the journal holds it.

    Raises:
        one of DAMAGE, where it is none.
    """
    if not all(isinstance(data[key], str) for key in TEXTS) or any(data[key] not in KNOWN[key] for key in KNOWN):
        raise ValueError("no event of this version")
    if int(data["attempt"]) > 1 and not data["retry"]:
        raise ValueError("an attempt after the first without its kind")
    usage = Usage(*(number(data["tokens"], kind) or 0 for kind in NO_USAGE.to_json()))
    return Event(
        data["event"], Key(run, data["span"], data["door"], int(data["ordinal"])), data["kind"], data["component"],
        data["name"], data["parent"], data["prompt"], data["agent"], data["round"], data["phase"],
        int(data["attempt"]), data["retry"], usage, _money(data["cost"]), int(Decimal(data["busy_seconds"]).scaleb(6)),
        float(data["started"]), data["request_hash"], data["response_hash"], data["status"],
    )  # fmt: skip


def _money(data: Mapping[str, Any]) -> Money:
    money = Money.from_json(data)
    whole = (money.prices is None or isinstance(money.prices, str)) and CURRENCY.fullmatch(money.currency)
    if not whole or quantity(float(money.least)) is None:
        raise ValueError("no money")
    return money


def _step(
    event: Event, data: Mapping[str, Any], known: dict[Any, Message], specs: dict[str, tuple[ToolSpec, ...]], where: str
) -> Step:
    request, response = data["request"], data.get("response")
    messages = tuple(shared(known, _sound(Message.from_json(one))) for one in request.get("messages", ()))
    offered = tuple(ToolSpec(one["name"], one["description"], one["parameters"]) for one in request.get("tools", ()))
    key = "".join(spec.hash for spec in offered)
    answer, finish = Message("assistant"), "cut"
    if isinstance(response, Mapping) and "message" in response:
        whole = Response.from_json(response)
        answer, finish = shared(known, _sound(whole.message)), whole.finish
    return Step(
        Request(messages, specs.setdefault(key, offered), request.get("schema"), effort=request.get("effort")), answer,
        event.name, event.usage, event.money, event.started, event.busy_us / 1e6, finish, event.attempt, event.retry,  # type: ignore[arg-type]
        event.component, event.agent, event.prompt, where, event=event,
    )  # fmt: skip


def _sound(message: Message) -> Message:
    """The message, if its words are words.

    Raises:
        one of DAMAGE, where they are not.
    """
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    texts += [text for call in message.tool_calls for text in (call.id, call.name, call.raw)]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("no text")
    return message


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


def _rewards(source: Source) -> dict[str, float]:
    """Rewards by run where the results of experiments stand beside the file."""
    found: dict[str, float] = {}
    folder = source.path.parent
    for file in sorted([*folder.glob("trials.jsonl"), *folder.glob("experiments/*/trials.jsonl")]):
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                found.update(_rewarded(lines))
        except OSError:
            source.skip("", f"rewards not told: {file.name} beside it cannot be read")
    return found


def _rewarded(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    for line in lines:
        try:
            trial = json.loads(line)
        except ValueError:
            continue  # the line that is being written
        reward = rewarded(dig(trial, "success"))
        if reward is not None:
            yield str(trial.get("run")), reward
