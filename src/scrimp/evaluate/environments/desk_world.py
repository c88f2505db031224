"""A service desk as a world: a database of the run's own, tools that act on it, and a user to speak to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scrimp.core.task import Task
from scrimp.core.tool import ToolResult
from scrimp.evaluate.environments.desk_tables import Refused, Tables
from scrimp.evaluate.environments.desk_tools import MESSAGE, TRANSFER, Service
from scrimp.evaluate.environments.users import LEFT, User

MOST = 1000
"""Letters of what is told of a failure, which may quote anything."""


@dataclass(frozen=True)
class House:
    """How a conversation goes.

    Attributes:
        stops: words of the user that end it.
        transfer_ends: whether handing the user over ends it.
        steps: most actions, 0 for any number; who tries one more ends it.
        errors: actions that fail until it ends, 0 for any number.
    """

    stops: Sequence[str] = ()
    transfer_ends: bool = False
    steps: int = 0
    errors: int = 0


class Desk:
    """A service desk as an Environment.

    Args:
        service: its tools.
        tables: the database as it is at first; each run changes a copy.
        user: whom `message_user` reaches; None where there is nobody.
    """

    def __init__(self, service: Service, tables: Tables, user: User | None, house: House) -> None:
        self.name = service.name
        self._service, self._first, self._user, self._house = service, tables, user, house
        self._begin()

    def _begin(self) -> None:
        self._tables = self._first.copy()
        self._talk: list[tuple[str, str]] = []
        self._calls: list[tuple[str, Mapping[str, Any]]] = []
        self._steps = self._errors = 0
        self._ended = ""

    async def reset(self, task: Task) -> str:
        """Begin anew; there is nothing to see before somebody is spoken to."""
        self._begin()
        return ""

    async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
        """Use a tool or speak to the user.

        Raises:
            ModelFailed: the model that plays the user could not answer.
        """
        if over := self._over():
            return ToolResult(f"error: {over}; nothing can be done any more", "error")
        self._steps += 1
        try:
            if action.get("name") == MESSAGE:
                return ToolResult(await self._say(action.get("arguments"), ctx))
            return ToolResult(self._use(action.get("name"), action.get("arguments")))
        except Refused as refusal:
            self._errors += 1
            if self._errors == self._house.errors:
                self._ended = "errors"
            return ToolResult(f"error: {refusal}"[:MOST], "error")

    def _over(self) -> str:
        """Why nothing can be done any more; empty where something can."""
        if not self._ended and self._house.steps and self._steps >= self._house.steps:
            self._ended = "steps"
        return {
            "": "",
            "user": "the user has ended the conversation",
            "transfer": "the user was handed over",
            "steps": f"no more than {self._house.steps} steps are possible",
            "errors": f"{self._house.errors} calls have failed",
        }[self._ended]

    def _use(self, name: Any, arguments: Any) -> str:
        if isinstance(name, str) and isinstance(arguments, Mapping):
            self._calls.append((name, dict(arguments)))
        found = self._service.use(self._tables, name, arguments)
        if name == TRANSFER and self._house.transfer_ends:
            self._ended = "transfer"
        return found

    async def _say(self, arguments: Any, ctx: Any) -> str:
        words = arguments.get("text") if isinstance(arguments, Mapping) else None
        if self._user is None:
            raise Refused("there is no user to speak to")
        if not isinstance(words, str) or not words.strip():
            raise Refused("text is what is said to the user, and not empty")
        reply = await self._user.reply(self._talk, words, ctx)
        if any(stop in reply for stop in self._house.stops):
            for stop in self._house.stops:
                reply = reply.replace(stop, " ")
            reply = f"{reply.strip()}\n{LEFT}".strip()
        self._note(words, reply)
        return reply

    def _note(self, words: str, reply: str) -> None:
        self._talk.append((words, reply))
        self._ended = "user" if reply.endswith(LEFT) else self._ended

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """Take the step again; the user is not asked again, what they said was `seen`."""
        if action.get("name") == MESSAGE and seen.ok:
            self._steps += 1
            self._note(action["arguments"]["text"], seen.text)
        else:
            await self.step(action, None)

    def state(self) -> Mapping[str, Any]:
        """What a scorer needs: the database's `db` (a hash), what was `said` to the user and `heard` from them, the
        `calls` of tools, and how it `ended`: by the agent (empty), `user`, `transfer`, or before its time by `steps` or
        `errors`."""
        return {
            "db": self._tables.digest(),
            "said": [said for said, _ in self._talk],
            "heard": [heard for _, heard in self._talk],
            "calls": [list(call) for call in self._calls],
            "ended": self._ended,
        }

    async def clone(self) -> Desk:
        """Another one that stands where this one does; users have no state of their own."""
        other = Desk(self._service, self._first, self._user, self._house)
        other._tables = self._tables.copy()
        other._talk, other._calls = list(self._talk), list(self._calls)
        other._steps, other._errors, other._ended = self._steps, self._errors, self._ended
        return other
