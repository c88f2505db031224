"""What happened in a run, once, append-only."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol, get_args

from scrimp.core.money import NOTHING, Money
from scrimp.core.usage import NO_USAGE, Usage

Component = Literal["memory", "planning", "tools", "team", "answer", "harness"]
Kind = Literal[
    "model",
    "embed",
    "tool",
    "memory_read",
    "memory_write",
    "memory_manage",
    "message",
    "environment",
    "decision",
    "now",
    "spend",
]
Phase = Literal["", "write", "manage", "read"]
RetryKind = Literal["", "transport", "repair", "replan", "restart"]
EventStatus = Literal["ok", "error", "cut", "unknown"]

COMPONENTS: tuple[Component, ...] = ("memory", "planning", "tools", "team", "answer")
PHASES: tuple[Phase, ...] = ("write", "manage", "read")
RETRIES: tuple[RetryKind, ...] = tuple(kind for kind in get_args(RetryKind) if kind)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


_ulid_lock = threading.Lock()
_last_ulid = 0


def ulid() -> str:
    """A fresh identifier: 26 characters that sort by the time they were made, in one process without exception."""
    global _last_ulid
    with _ulid_lock:
        fresh = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
        # Within a millisecond, and where the clock was set back, the one before plus one.
        value = _last_ulid = fresh if fresh >> 80 > _last_ulid >> 80 else _last_ulid + 1
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


@dataclass(frozen=True, slots=True)
class Key:
    """Identity of a call: it is the same when a run is resumed or replayed.

    `span` is the path of the context that made the call (`/` for the root, `/0/2` for the third
    child of the first child); `ordinal` counts the calls through one door in that span.
    """

    run: str
    span: str
    door: str
    ordinal: int

    def __str__(self) -> str:
        return f"{self.span}:{self.door}:{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, with what it cost.

    Attributes:
        parent: id of the event inside which this one happened, empty at the top.
        name: the model, tool, memory or agent it concerns.
        prompt: `name@version` of the prompt that caused it.
        phase: which phase of a memory this happened in, empty outside memories.
        attempt: 1 for the first; later ones carry their `retry` kind.
        busy_us: microseconds spent here, not counting nested events.
        started: seconds since the epoch.
        charged: what the budget was charged beside money, tokens and the call itself (a message's tokens, nodes of a
            search, bytes stored), by key.
        status: `cut` was charged its reservation, since the final usage never came; `unknown`
            is a tool call of which nobody can tell whether it took effect.
    """

    id: str
    key: Key
    kind: Kind
    component: Component
    name: str = ""
    parent: str = ""
    prompt: str = ""
    agent: str = ""
    round: int = 0
    phase: Phase = ""
    attempt: int = 1
    retry: RetryKind = ""
    usage: Usage = NO_USAGE
    money: Money = NOTHING
    busy_us: int = 0
    started: float = 0.0
    request_hash: str = ""
    response_hash: str = ""
    status: EventStatus = "ok"
    charged: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the journal holds it, with its answer and the events that happened inside it."""

    event: Event
    response: Any
    nested: tuple[Event, ...] = ()


class EventSink(Protocol):
    """Where events go. Reservations arrive before anything is sent, as the event they will be at
    worst; a reservation without its event is a call that was in flight when the process ended."""

    async def reserve(self, worst: Event, amounts: Mapping[str, int | Decimal]) -> None: ...

    async def commit(self, event: Event, request: Any, response: Any) -> None: ...


class Recording(Protocol):
    """The recorded answers of an earlier execution of the same run.

    `strict` recordings (replay) refuse what they do not hold; others (resume) let it be done anew.
    """

    strict: bool

    def find(self, key: Key, attempt: int) -> Recorded | None: ...


class ListSink:
    """Keeps reservations and events in lists; for tests and for runs nobody wants to keep."""

    def __init__(self) -> None:
        self.reservations: list[tuple[Event, dict[str, int | Decimal]]] = []
        self.events: list[tuple[Event, Any, Any]] = []

    async def reserve(self, worst: Event, amounts: Mapping[str, int | Decimal]) -> None:
        """Remember that a call was about to be sent."""
        self.reservations.append((worst, dict(amounts)))

    async def commit(self, event: Event, request: Any, response: Any) -> None:
        """Remember what it came to."""
        self.events.append((event, request, response))
