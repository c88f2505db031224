"""An event loop on virtual time: nobody sleeps, the clock jumps to the next thing that is due.

A loop that has nothing due and nothing ready would wait forever; here that is an error, which is how a starved waiter
shows itself.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(AssertionError):
    """Everybody waits, and nothing will ever happen."""


class _Jumping(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Waits for no time: it tells the loop how much would have passed."""

    passed: Callable[[float], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise Stuck("nothing is ready and nothing is due")
            self.passed(timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time starts at 0 and passes only when everybody waits."""

    def __init__(self) -> None:
        selector = _Jumping()
        super().__init__(selector)
        self._now = 0.0
        selector.passed = self._pass

    def time(self) -> float:
        return self._now

    def _pass(self, seconds: float) -> None:
        self._now += seconds


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
