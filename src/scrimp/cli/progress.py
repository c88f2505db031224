"""A line on standard error for whatever takes longer than two seconds."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from scrimp.cli.output import one_line, write

QUIET_SECONDS = 2.0
"""Nothing is shown before."""

TERMINAL_SECONDS, PIPED_SECONDS = 0.25, 15.0
"""How often the line is renewed on a terminal, and how often a new one is written elsewhere."""


def counted(done: int, total: int) -> str:
    """`12/40`."""
    return f"{done}/{total}"


def megabytes(done: int, total: int) -> str:
    """`340/1117 MB`."""
    return f"{done / 1e6:.0f}/{total / 1e6:.0f} MB"


class Progress:
    """A context manager that shows how far something is, how long it took and how long it may take.

    Args:
        what: what is going on, in a word or two.
        amount: how `done` and `total` are written.
    """

    def __init__(self, what: str, amount: Callable[[int, int], str] = counted) -> None:
        self.what, self.amount = what, amount
        self._state: tuple[int, int, str] = (0, 0, "")
        self._began = self._first = time.monotonic()
        self._over = threading.Event()
        self._shown = 0
        self._thread = threading.Thread(target=self._tick, name="scrimp-progress", daemon=True)

    def update(self, done: int, total: int, more: str = "", *, elapsed: float | None = None) -> None:
        """Say how far it is.

        Args:
            more: is shown behind (what was spent).
            elapsed: seconds the counted part has taken; since the first update where None.
        """
        if elapsed is not None:
            self._first = time.monotonic() - elapsed
        elif self._state[1] == 0:
            self._first = time.monotonic()
        self._state = (done, total, more)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._shown:
            write("\r" + " " * self._shown + "\r", sys.stderr)

    def _tick(self) -> None:
        terminal = sys.stderr.isatty()
        wait = QUIET_SECONDS
        while not self._over.wait(wait):
            if terminal:
                columns = shutil.get_terminal_size().columns
                line = self.line(columns - 1)
                write("\r" + line.ljust(self._shown), sys.stderr)
                self._shown = len(line)
            else:
                write(f"{self.line(200, bar=False)}\n", sys.stderr)
            wait = TERMINAL_SECONDS if terminal else PIPED_SECONDS

    def line(self, columns: int, *, bar: bool = True) -> str:
        """What is shown now, at most `columns` characters."""
        done, total, more = self._state
        now = time.monotonic()
        said = [self.what]
        if total:
            said.append(self.amount(done, total))
        said += [more] if more else []
        said.append(clock(now - self._began))
        if total and 0 < done < total:
            said.append(f"about {clock((now - self._first) / done * (total - done))} left")
        line = one_line(", ".join(said))
        cells = min(24, columns - len(line) - 3)
        if bar and total and cells >= 8:
            full = int(cells * done / total)
            line = f"[{'=' * full}{' ' * (cells - full)}] {line}"
        return line[: max(columns, 0)]


def clock(seconds: float) -> str:
    """`34 s`, `2 min 05 s`, `1 h 10 min`."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
