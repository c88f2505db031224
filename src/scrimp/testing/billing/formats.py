"""What the two formats share: a request that was read, a usage that is stated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from scrimp.testing.billing.bill import Entry
from scrimp.testing.billing.faults import Fault
from scrimp.testing.billing.tokens import Block, Piece, dense

DEFAULT_CAP = 4096


class Refused(Exception):
    """A request that the provider would refuse with status 400."""


@dataclass(frozen=True)
class Ask:
    """A request as the server understands it: prompt in the order a cache sees it, output cap, last words said."""

    model: str
    blocks: list[Block]
    cap: int
    stream: bool
    usage: bool
    last: bytes


@dataclass(frozen=True, slots=True)
class Stated:
    """The tokens that the server says it bills, which need not be those that it does."""

    fresh: int
    cached: int
    written: int
    written_hour: int
    output: int
    reasoning: int

    @classmethod
    def of(cls, entry: Entry, fault: Fault) -> Stated:
        """What is said of an entry under a fault."""
        told = cls(entry.input.fresh, entry.input.cached, entry.input.written, entry.input.written_hour,
                   entry.output, entry.reasoning)  # fmt: skip
        if fault.kind == "usage_zero":
            return cls(0, 0, 0, 0, 0, 0)
        if fault.kind == "usage_one":
            return replace(told, output=1, reasoning=0)
        if fault.kind == "usage_more":
            return cls(*(2 * getattr(told, name) for name in cls.__slots__))
        if fault.kind == "usage_less":
            return replace(told, output=told.output // 2, reasoning=told.reasoning // 2)
        return told


class Format(Protocol):
    """One request's side of a wire format. Every method gives the bytes of whole events."""

    name: str

    def opening(self, usage: Stated) -> list[bytes]:
        """What comes before the first token."""
        ...

    def piece(self, piece: Piece, usage: Stated | None) -> list[bytes]:
        """One piece of the answer; `usage` where it states it on the way."""
        ...

    def usage(self, usage: Stated) -> list[bytes]:
        """A usage by itself, in the middle of an answer."""
        ...

    def closing(self, reason: str) -> list[bytes]:
        """The end of the answer, before its usage."""
        ...

    def final(self, reason: str, usage: Stated | None, *, null: bool) -> list[bytes]:
        """The final usage; without one, what remains of its event."""
        ...

    def end(self) -> list[bytes]:
        """The last event."""
        ...

    def error(self, status: int, message: str) -> dict[str, Any]:
        """The body of an error."""
        ...

    def error_event(self, status: int, message: str) -> bytes:
        """An error inside a stream."""
        ...

    def whole(self, pieces: list[Piece], reason: str, usage: Stated | None, *, null: bool) -> dict[str, Any]:
        """The answer in one piece."""
        ...


def data_event(value: Any, name: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {dense(value)}\n\n".encode()
