"""What metrics are computed from: one run in plain values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scrimp.core.events import Event


class Call(NamedTuple):
    """One tool call: what was asked (tool and arguments as a hash), and whether it was answered without an error."""

    tool: str
    asked: str
    ok: bool


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. Counts come from its events; `steps` are environment steps where it acted in one, else rounds."""

    task: str
    success: float
    cost: float | None
    tokens: int
    seconds: float
    steps: int
    model_calls: int = 0
    calls: tuple[Call, ...] = ()
    rounds: int = 0
    reads: tuple[float, ...] = ()
    writes: tuple[float, ...] = ()
    optimum: int | None = None
    best_path: tuple[str, ...] | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The tools it called, in their order."""
        return tuple(call.tool for call in self.calls)


def counted(events: Sequence[Event], acting: Collection[str] = ()) -> dict[str, object]:
    """The counters of a run's events, as arguments of RunFacts; judges and simulated users are left out.

    `acting` are the tools whose calls are steps in the task's environment.
    """
    own = [event for event in events if event.component != "harness"]
    tools = [event for event in own if event.kind == "tool"]
    acted = sum(event.kind == "environment" or (event.kind == "tool" and event.name in acting) for event in own)
    found: dict[str, object] = {
        "model_calls": sum(event.kind == "model" for event in own),
        "calls": tuple(Call(event.name, event.request_hash, event.status == "ok") for event in tools),
        "rounds": len({(event.agent, event.round) for event in tools}),
        "reads": tuple(event.busy_us / 1e6 for event in own if event.kind == "memory_read"),
        "writes": tuple(event.busy_us / 1e6 for event in own if event.kind == "memory_write"),
    }
    return found | {"steps": acted} if acted else found
