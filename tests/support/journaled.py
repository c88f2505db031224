"""A journal with every kind of event that an export has to get right."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio

from scrimp.core.events import Event, Key, ulid
from scrimp.core.money import Money
from scrimp.core.task import Task, task_to_json
from scrimp.core.usage import Usage
from scrimp.journal.journal import Journal, RunRecord

SECRET = "sk-live-0123456789"
HOSTILE = 'x"};\n\\ \x1b[31m \x00 DROP TABLE 表'
DEAR = Decimal("0.000000012345678901")
"""An amount that no float holds beside a large one."""


def fill(journal: Journal) -> list[str]:
    """Two runs that are over and one under way; their ids."""
    first, second, third = ulid(), ulid(), ulid()
    outer = ulid()
    events = [
        event(first, 0, usage=Usage(100, 40, 7, 20, 5), money=Money.priced(Decimal("0.1"), "list"), busy_us=1500),
        event(first, 1, usage=Usage(10, 0, 0, 2), money=Money.priced(DEAR, "list"), attempt=2, retry="repair"),
        event(first, 2, component="memory", phase="read", parent=outer, started=1_000_002.0, busy_us=9_000_000,
              usage=Usage(3, 0, 0, 1), money=Money.priced(Decimal("0.2"), "list")),
        event(first, 0, "recall", id=outer, kind="memory_read", component="memory", phase="read", name="flat",
              started=1_000_001.0, busy_us=10),
        event(first, 0, "judge", component="harness", name="openai:gpt-5?service=flex", usage=Usage(50, 0, 0, 9),
              money=Money.priced(Decimal(4), "list")),
        event(first, 0, "now", kind="now", name=""),
        event(first, 0, "decide", kind="decision", name="route"),
        event(second, 0, name="http://me.example:8080/v1#qwen", status="error", usage=Usage(1)),
        event(second, 0, "call_tool", kind="tool", component="tools", name=HOSTILE, status="unknown",
              money=Money.unknown()),
        event(third, 0, "call_tool", kind="tool", component="tools", name="rate", status="cut",
              money=Money.priced(Decimal("0.3"), "declared")),
    ]  # fmt: skip
    for run in (first, second, third):
        journal.begin(record(run))
    for one in events:
        anyio.run(journal.commit, one, *said(one))
    journal.end(first, "done", {"text": f"答 {SECRET}"}, 2.5, 3)
    journal.end(second, "error", {"text": ""}, 1.0, 1)
    return [first, second, third]


def event(run: str, ordinal: int, door: str = "complete", **more: Any) -> Event:
    facts = {
        "id": ulid(),
        "kind": "model",
        "component": "planning",
        "name": "small",
        "prompt": "react@1",
        "started": 1_000_000.0,
        **more,
    }
    return Event(key=Key(run, "/", door, ordinal), **facts)


def record(run: str) -> RunRecord:
    task = task_to_json(Task("t1", f"问 {SECRET}"))
    return RunRecord(run, task, {"name": "mine", "model": "small"}, "hash", labels={"team": "甲"}, started=1_000_000.0)


def said(one: Event) -> tuple[Any, Any]:
    """What was asked and answered."""
    if one.kind != "tool":
        return {"messages": [{"role": "user", "parts": [{"text": SECRET}]}]}, {"message": {"role": "assistant"}}
    return {"name": one.name, "arguments": {"key": SECRET}}, {"text": HOSTILE, "status": "ok"}
