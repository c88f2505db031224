"""What stands behind the doors of a Context: handed in by agent.py, never reached around."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scrimp.core.errors import DoorClosed
from scrimp.core.money import PriceList
from scrimp.core.protocols import (
    ContextPolicy,
    Embedder,
    Environment,
    Gate,
    Hidden,
    Memory,
    Model,
    Post,
    Store,
    ToolSelector,
)
from scrimp.core.tool import Tool
from scrimp.core.transform import Transform


@dataclass(frozen=True)
class Settings:
    """How the System wants its model calls to be made, unless a call says otherwise."""

    max_output: int | None = None
    temperature: float = 0.0
    seed: int | None = None
    effort: str | None = None
    parallel_calls: bool = True


@dataclass(frozen=True)
class Means:
    """Implementations of the protocols, by door; None where this System has nothing there.

    `estimate` guesses the tokens of a text, for planning only; costs come from what was used.
    """

    models: Mapping[str, Model]
    prices: PriceList
    estimate: Callable[[str], int] = len
    settings: Settings = field(default_factory=Settings)
    embedder: Embedder | None = None
    tools: tuple[Tool, ...] = ()
    memory: Memory | None = None
    policy: ContextPolicy | None = None
    selector: ToolSelector | None = None
    gate: Gate | None = None
    transforms: tuple[Transform, ...] = ()
    environment: Environment | None = None
    store: Store | None = None
    hidden: Hidden | None = None
    post: Post | None = None

    def model(self, role: str) -> Model:
        """The model that plays `role`; the main model where the System names none for it."""
        return self.models.get(role) or self.models["main"]


def closed(door: str, remedy: str) -> DoorClosed:
    """The error of a door with nothing behind it."""
    return DoorClosed(f"ctx.{door}: this System has nothing behind that door", remedy=remedy)
