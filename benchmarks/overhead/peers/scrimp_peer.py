"""scrimp: `Agent.arun` with the baseline System (ReAct), a class that implements Model, a budget and a journal.

Variants: `normal` (the defaults: SQLite, WAL, synchronous NORMAL, tools in threads), `inline` (the tools are declared
to return at once), `full` (synchronous FULL), `memory` (reservations and events into lists, no file), `counted` (as
`normal` with scrimp's own ScriptedModel, which counts the tokens of every request as a provider would).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from dialogue import ANSWER, FUNCTIONS, TASK, Script
from serving import serve

from scrimp.agent import Agent, Parts
from scrimp.core.budget import Budget
from scrimp.core.events import ListSink
from scrimp.core.messages import Delta, Message, Request, ToolCall, ToolSpec, canonical
from scrimp.core.protocols import Capabilities
from scrimp.core.system import Part, System
from scrimp.core.usage import Usage
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.tools.sources.python import tool

BUDGET = Budget(usd="10", tokens=10_000_000, model_calls=1000, tool_calls=1000, steps=1000, seconds=600)


class InMemory(ListSink):
    """As much of a journal as a run needs, in lists."""

    def begin(self, run: Any) -> None:
        self.reservations.clear()
        self.events.clear()

    def end(self, *facts: Any) -> None:
        pass


class Scripted:
    """Says what the script says; a request is bounded by its bytes, as for a model behind a wire, each message once."""

    name, capabilities = "scripted", Capabilities(window=10_000_000, local=True)

    def __init__(self, player: Player) -> None:
        self.player = player
        self.sizes: dict[str, int] = {}

    def bound(self, request: Request) -> Usage:
        sent = (*request.messages, *request.tools)
        size = sum(self.sizes.get(item.hash) or self.size(item) for item in sent)
        return Usage(input=size, output=request.max_output or 1024)

    def size(self, item: Message | ToolSpec) -> int:
        self.sizes[item.hash] = size = len(canonical(item.to_json()).encode())
        return size

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        said, usage = self.player.reply(request), Usage(input=100, output=20)
        if isinstance(said, ToolCall):
            yield Delta(tool_calls=(said,), finish="tool_calls", usage=usage)
        else:
            yield Delta(said, finish="stop", usage=usage)


class Player:
    """An agent whose model plays the current script."""

    def __init__(self, variant: str, folder: Path) -> None:
        journal: Any = InMemory() if variant == "memory" else Journal(folder / "journal.sqlite", full=variant == "full")
        self.script = Script(0, 0)
        model = ScriptedModel(self.reply) if variant == "counted" else Scripted(self)
        self.agent = Agent(
            System(model="scripted", planner=Part("react", {"max_steps": 1000})),
            tools=[tool(inline=variant == "inline")(function) for function in FUNCTIONS],
            budget=BUDGET,
            parts=Parts(models={"main": model}),
            journal=journal,
        )

    def reply(self, request: Request) -> ToolCall | str:
        call = self.script.next()
        if call is not None:
            return ToolCall(call.id, call.name, call.arguments)
        self.script.seen = [message.text for message in request.messages if message.role == "tool"]
        return ANSWER

    async def run(self, script: Script) -> str:
        self.script = script
        return (await self.agent.arun(TASK)).answer


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        serve(Player(sys.argv[1], Path(name)).run, ("scrimp", "anyio", "pydantic"))
