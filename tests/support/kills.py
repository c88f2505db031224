"""Runs that are killed once, anywhere, and resumed: what `tests/faults/test_kills.py` counts.

A run of about 200 calls in a forked process; the process kills itself with SIGKILL at a named point, or is killed by
its parent after a random time. The model and the tools write a line per request they really get to a file, which
survives the kill; so what was sent twice is counted where it arrives, not where we believe to have sent it.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from scrimp.agent import Agent, Result
from scrimp.core.events import Event
from scrimp.core.messages import Delta, Request, ToolCall
from scrimp.core.money import PriceList
from scrimp.core.system import System
from scrimp.core.tool import Tool
from scrimp.core.usage import Usage
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.outfit import Parts
from scrimp.testing import PRICES

POINTS = ("reserve", "send", "response", "commit")
STEPS = 66
"""Rounds of one model call and two tool calls each."""


@dataclass
class Kill:
    """Where a process ends: at the `count`-th time it passes `point`; never where `point` is empty."""

    point: str = ""
    count: int = 0
    passed: Counter[str] = field(default_factory=Counter)

    def here(self, point: str) -> None:
        self.passed[point] += 1
        if point == self.point and self.passed[point] == self.count:
            os.kill(os.getpid(), signal.SIGKILL)


class KilledJournal(Journal):
    """A journal whose process may end right after a reservation or a commit."""

    def __init__(self, place: Path | str, kill: Kill) -> None:
        super().__init__(place)
        self._kill = kill

    async def reserve(self, worst: Event, amounts: Mapping[str, Any]) -> None:
        await super().reserve(worst, amounts)
        self._kill.here("reserve")

    async def commit(self, event: Event, request: Any, response: Any) -> None:
        await super().commit(event, request, response)
        self._kill.here("commit")


class KilledModel:
    """A scripted model whose process may end after a request was sent, or after its answer came."""

    name = "scripted"

    def __init__(self, inner: ScriptedModel, kill: Kill, sent: Path) -> None:
        self._inner, self._kill, self._sent = inner, kill, sent
        self.capabilities = inner.capabilities

    def bound(self, request: Request) -> Usage:
        return self._inner.bound(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        write_line(self._sent, f"model {request.hash}")
        self._kill.here("send")
        deltas = [delta async for delta in self._inner.stream(request)]
        self._kill.here("response")
        for delta in deltas:
            yield delta


def write_line(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as out:
        out.write(text + "\n")


def script(request: Request) -> Any:
    """Two calls a round, then the answer; a function of the request alone, so a repeat is the same."""
    rounds = sum(message.role == "assistant" for message in request.messages)
    if rounds >= STEPS:
        return f"the sum of {rounds} rounds"
    return [ToolCall(f"a{rounds}", "look", {"n": rounds}), ToolCall(f"b{rounds}", "book", {"n": rounds})]


def tools(kill: Kill, sent: Path) -> list[Tool]:
    """A pure tool, and one with side effects."""

    def made(name: str, pure: bool) -> Tool:
        def call(arguments: Mapping[str, Any]) -> str:
            write_line(sent, f"{name} {arguments['n']}")
            kill.here("send")
            result = f"{name} {arguments['n']} done"
            kill.here("response")
            return result

        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        return Tool(name, f"To {name}.", schema, call, pure=pure, inline=True)

    return [made("look", True), made("book", False)]


def place(folder: Path) -> Path | str:
    """Where the journal of a run is: a file in its folder, or where `folder/place` says."""
    named = folder / "place"
    return named.read_text() if named.exists() else folder / "journal.sqlite"


def agent(folder: Path, kill: Kill) -> Agent:
    system = System(model="scripted", planner={"name": "react", "max_steps": STEPS + 1}, name="killed")
    model = KilledModel(ScriptedModel(script), kill, folder / "sent.txt")
    parts = Parts(models={"main": model}, prices=prices())
    journal = KilledJournal(place(folder), kill)
    return Agent(system, tools=tools(kill, folder / "sent.txt"), parts=parts, journal=journal)


def prices() -> PriceList:
    return PRICES


def in_child(folder: Path, kill: Kill, resume: bool, after: float | None = None) -> int:
    """Run (or resume) in a forked process; its exit status. It is killed `after` seconds where stated."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            anyio.run(_work, folder, kill, resume)
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child must report anything and leave by _exit
            (folder / "error.txt").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    if after is not None:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def _work(folder: Path, kill: Kill, resume: bool) -> Result:
    mine = agent(folder, kill)
    if not resume:
        return await mine.arun("Look and book.")
    return await mine.resume("last")
