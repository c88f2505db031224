"""What a confined program may use, what became of it, and the protocol of what confines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Limits:
    """The most a program may use.

    Besides these there are things that no program has: a second process, a network, files other than its own and the
    interpreter's, a variable of the environment, an open file that was not its own.

    Attributes:
        seconds: of its own, on the clock and of the processor; what the host takes for its calls does not count.
        memory: bytes of address space; the interpreter takes about 30 MB of it.
        output: bytes that it may print.
        disk: bytes that all its files may have together; looked at while it runs, so what it writes within a moment
            may pass it, and files it has deleted and holds open are not seen: there are at most 32 of those.
        file: bytes that one of them may have.
        message: bytes of one message to the host.
        calls: calls of tools.
    """

    seconds: float = 10.0
    memory: int = 256 << 20
    output: int = 64 << 10
    disk: int = 16 << 20
    file: int = 4 << 20
    message: int = 256 << 10
    calls: int = 1000


@dataclass(frozen=True)
class Outcome:
    """What became of a program.

    Attributes:
        output: what it printed, its error's traceback included.
        ok: whether it ran to its end without an error.
        stopped: why it was ended by force; empty where it was not.
    """

    output: str
    ok: bool
    stopped: str = ""

    @property
    def text(self) -> str:
        """What an agent is told of it."""
        note = f"[the program was stopped: {self.stopped}]" if self.stopped else ""
        return "\n".join(part for part in (self.output.rstrip("\n"), note) if part)


class Sandbox(Protocol):
    """Confines a process; a name and a command line are all that is needed of it."""

    name: str

    def command(self, python: Sequence[str], folder: str) -> list[str]:
        """The command that runs an interpreter confined.

        Args:
            python: interpreter and arguments.
            folder: an empty folder that the sandbox may use; it is removed afterwards.

        Raises:
            MissingExtra, InputError: it is not on this machine.
        """
        ...
