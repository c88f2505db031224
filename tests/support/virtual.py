"""An event loop whose clock jumps: a day of waiting takes no time, and equal programs do equal things in equal order.

`time()` is virtual and `select()` never sleeps. While something can go on, the clock stands still; when all tasks
wait, it jumps to the moment that the next of them waits for. Where none waits for any moment, nobody can ever go on:
that is a deadlock, and `Stuck` is raised at once instead of hanging. Threads, sockets and subprocesses are not seen:
whoever waits only for one of those is Stuck as well.

    anyio.run(main, backend_options={"loop_factory": VirtualLoop})
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


class Stuck(AssertionError):
    """All tasks wait, and none of them for a moment in time."""


class _Jumping(selectors.SelectSelector):
    """A selector that moves its clock on instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("all tasks wait, and none of them for a moment in time")
        if timeout > 0:
            self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; one instance per run."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """The Clock of a Run that lives in a VirtualLoop."""

    def now(self) -> float:
        return 1_750_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def run(main: Callable[..., Awaitable[T]], *args: Any) -> T:
    """`anyio.run` on virtual time."""
    return anyio.run(main, *args, backend_options={"loop_factory": VirtualLoop})
