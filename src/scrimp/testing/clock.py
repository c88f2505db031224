"""A clock that stands still until it is told to go on."""

from __future__ import annotations

import anyio.lowlevel


class FakeClock:
    """Time that a test owns; a Clock of core, and a `sleep` for whatever wants to wait by it.

    Args:
        start: seconds since the epoch at which it stands.
    """

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._start = start
        self._passed = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: time does not go back.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back ({seconds} s)")
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        """Let time pass without waiting; others get their turn."""
        self.advance(seconds)
        await anyio.lowlevel.checkpoint()
