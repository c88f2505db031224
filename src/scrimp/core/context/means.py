"""What stands behind the doors of a Context: handed in by agent.py, never reached around."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scrimp.core.errors import DoorClosed, ModelFailed
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
    ToolSelector,
)
from scrimp.core.records import Store
from scrimp.core.tool import Tool
from scrimp.core.transform import Transform


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed model call is sent again: transport failures only, and each attempt is an event of its own.

    Waits are exponential with full jitter: uniform between nothing and `base` times two to the number of failures,
    at most `cap` (M. Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015). A provider that asks
    to be left alone for a time is obeyed: the wait is then that time and the jitter on top.

    Attributes:
        attempts: most times a call is sent; 1 sends nothing again.
        base, cap: seconds.
        patience: longest time a provider may ask for, in seconds; above it the call has failed.
    """

    attempts: int = 1
    base: float = 0.5
    cap: float = 20.0
    patience: float = 60.0

    def pause(self, failure: ModelFailed, sent: int, seed: str) -> float | None:
        """Seconds to wait before the call is sent again; None where it is not.

        Args:
            failure: what the last attempt came to.
            sent: how many attempts there were.
            seed: identity of the call and attempt, so that no two calls wait in step.
        """
        asked = failure.retry_after or 0.0
        if not failure.retryable or sent >= self.attempts or asked > self.patience:
            return None
        widest = min(self.cap, self.base * 2.0 ** (sent - 1))
        return asked + random.Random(seed).uniform(0.0, widest)


@dataclass(frozen=True)
class Settings:
    """How the System wants its calls to be made, unless a call says otherwise.

    Attributes:
        offload: characters of a tool's result above which it is kept aside; 0 keeps none.
    """

    max_output: int | None = None
    temperature: float = 0.0
    seed: int | None = None
    effort: str | None = None
    parallel_calls: bool = True
    offload: int = 0
    retry: RetryPolicy = RetryPolicy()


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
