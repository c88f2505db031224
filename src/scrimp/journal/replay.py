"""Stand-ins for a replay: every answer comes from the journal, so nothing here is ever asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from scrimp.core.context import Context
from scrimp.core.errors import ReplayMismatch
from scrimp.core.events import Event
from scrimp.core.messages import Delta, Request
from scrimp.core.protocols import Capabilities, Look, Query, Recall, Vectors
from scrimp.core.task import Episode, Task
from scrimp.core.tool import ToolResult
from scrimp.core.usage import NO_USAGE, Usage


def _asked(what: str) -> Any:
    raise ReplayMismatch(f"the replay asked {what} for something that was not recorded")


class RecordedModel:
    """Name and capabilities of the model that answered then."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.name = str(facts["name"])
        self.capabilities = Capabilities(**facts["capabilities"])

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Never reached: recorded answers come first."""
        for delta in _asked(f"model {self.name!r}"):
            yield delta

    def bound(self, request: Request) -> Usage:
        """Nothing: a replay reserves nothing."""
        return NO_USAGE


class RecordedEmbedder:
    """Name of the embedder that answered then."""

    dimension = 0

    def __init__(self, name: str) -> None:
        self.name = name

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """Never reached."""
        return _asked(f"embedder {self.name!r}")  # type: ignore[no-any-return]


class RecordedHidden:
    """Name of the white-box model that was read with then."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def read(self, text: str, look: Look) -> tuple[Mapping[str, Any], Usage]:
        """Never reached."""
        return _asked(f"white-box model {self.name!r}")  # type: ignore[no-any-return]


class RecordedMemory:
    """Stands where the memory stood; recalls and writes are recorded whole.

    Args:
        recall_tokens: how much the memory wanted to recall, where it said so.
    """

    def __init__(self, recall_tokens: int | None = None) -> None:
        if recall_tokens is not None:
            self.recall_tokens = recall_tokens

    async def write(self, episode: Episode, ctx: Context) -> None:
        """Never reached."""
        _asked("the memory")

    async def manage(self, ctx: Context) -> None:
        """Never reached."""
        _asked("the memory")

    async def read(self, query: Query, ctx: Context) -> Recall:
        """Never reached."""
        return _asked("the memory")  # type: ignore[no-any-return]


class RecordedEnvironment:
    """Stands where the environment stood; what was observed is recorded."""

    name = "recorded"

    async def reset(self, task: Task) -> str:
        """Never reached."""
        return _asked("the environment")  # type: ignore[no-any-return]

    async def step(self, action: Mapping[str, Any], ctx: Context) -> ToolResult:
        """Never reached."""
        return _asked("the environment")  # type: ignore[no-any-return]

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """Nothing: there is no world."""

    async def clone(self) -> RecordedEnvironment:
        """Itself: there is no world."""
        return self

    def state(self) -> Mapping[str, Any]:
        """Nothing: nobody scores a replay."""
        return {}


class NoSink:
    """Writes nothing: a replay adds no events."""

    async def reserve(self, worst: Event, amounts: Mapping[str, int | Decimal]) -> None:
        """Nothing."""

    async def commit(self, event: Event, request: Any, response: Any) -> None:
        """Nothing."""
