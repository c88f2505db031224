"""The traps around an attack: files, sockets, processes and a secret, looked at again when it is over."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import secrets
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrimp.testing.escapes.attacks import Attack
from scrimp.tools.sandbox.guard import OPEN_FILES
from scrimp.tools.sandbox.limits import Limits, Outcome, Sandbox
from scrimp.tools.sandbox.runner import mark, run

SLACK = 4.0
"""Seconds beyond its time within which a program must be gone, start included."""


@dataclass(frozen=True)
class Attempt:
    """What an attack came to.

    Attributes:
        harm: what it did to the traps; empty where it was stopped.
        seconds: that it took.
    """

    attack: Attack
    outcome: Outcome
    harm: tuple[str, ...]
    seconds: float


async def attempt(sandbox: Sandbox, attack: Attack) -> Attempt:
    """Run an attack among the traps."""
    limits = Limits(seconds=attack.seconds)
    with Scene() as scene:
        began, most = time.monotonic(), _largest()
        outcome = await run(sandbox, "".join(f"{k} = {v!r}\n" for k, v in scene.names.items()) + attack.code, limits)
        seconds = time.monotonic() - began
        harm = [*scene.harm(), *_beyond(outcome, limits)]
        if scene.words in outcome.output:
            harm.append("the secret was read")
        if seconds > limits.seconds + SLACK:
            harm.append(f"it ran {seconds:.1f} s")
        if _largest() > max(most, 1.2 * limits.memory):
            harm.append(f"it took {_largest():,} bytes of memory")
    return Attempt(attack, outcome, tuple(harm), seconds)


def _largest() -> int:
    """Bytes of memory of the largest process that this one started and that ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _beyond(outcome: Outcome, limits: Limits) -> Iterator[str]:
    if len(outcome.output) > limits.output:
        yield "it printed more than it may"
    written = re.search(r"(\d+) bytes written", outcome.output)
    if written is not None and int(written[1]) > limits.disk + OPEN_FILES * limits.file:
        yield f"it wrote {int(written[1]):,} bytes"
    if "it was allowed" in outcome.output:
        yield "a system call was allowed"


@dataclass
class Scene:
    """Traps for one attack; `harm` tells what was done to them."""

    names: dict[str, Any] = field(default_factory=dict)
    words: str = field(default_factory=lambda: f"secret-{secrets.token_hex(8)}")
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _sockets: dict[str, socket.socket] = field(default_factory=dict)

    def __enter__(self) -> Scene:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="trap-")))
        outside = folder / "outside"
        outside.mkdir()
        for place in (folder, outside):
            place.chmod(0o777)
        self._before = set(os.listdir(tempfile.gettempdir()))
        self._files = [self._file(folder / "secret"), self._file(Path.home() / f".{self.words[:12]}-trap")]
        self._files.append(self._file(Path("/dev/shm", f"{self.words[:12]}-trap")))
        self._listen(folder)
        self._open.enter_context(_variable("SCRIMP_TRAP_KEY", self.words))
        self._open.callback(os.close, _inheritable(self._files[0]))
        self._victim = self._open.enter_context(subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1))
        self._open.callback(self._victim.kill)
        self._limits = resource.prlimit(self._victim.pid, resource.RLIMIT_NOFILE)
        self._outside = outside
        secret, home, shared = map(str, self._files)
        self.names |= {
            "SECRET": secret, "HOME": home, "SHARED": shared, "OUTSIDE": str(outside), "VICTIM": self._victim.pid,
            "PACKAGES": [str(Path(__file__).parents[3]), sysconfig.get_path("purelib")],
        }  # fmt: skip
        self._seen = [_looks(file) for file in self._files]
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def harm(self) -> Iterator[str]:
        """What was done to the traps."""
        for file, before in zip(self._files, self._seen, strict=True):
            if not file.exists() or _looks(file) != before:
                yield f"the file {file.name} was changed"
        if os.listdir(self._outside) or any(Path("/dev/shm").glob(f"{self.words[:12]}*.new")):
            yield "a file outside was written"
        for name, trap in self._sockets.items():
            if _was_reached(trap):
                yield f"{name} was reached"
        if self._victim.poll() is not None:
            yield "another process was killed"
        elif resource.prlimit(self._victim.pid, resource.RLIMIT_NOFILE) != self._limits or _priority(self._victim.pid):
            yield "another process was changed"
        if left := left_after(1.0):
            yield f"processes were left behind: {left}"
        new = set(os.listdir(tempfile.gettempdir())) - self._before
        if folders := [name for name in new if name.startswith(mark())]:
            yield f"folders were left behind: {folders}"

    def _file(self, path: Path) -> Path:
        path.write_text(self.words)
        path.chmod(0o666)
        self._open.callback(path.unlink, missing_ok=True)
        return path

    def _listen(self, folder: Path) -> None:
        unix, abstract = str(folder / "socket"), f"\0{self.words[:12]}"
        inet, local, stream, datagram = socket.AF_INET, socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM
        for name, family, kind, address in (
            ("TCP", inet, stream, ("127.0.0.1", 0)),
            ("UDP", inet, datagram, ("127.0.0.1", 0)),
            ("UNIX", local, stream, unix),
            ("ABSTRACT", local, stream, abstract),
        ):
            trap = self._open.enter_context(socket.socket(family, kind))
            trap.bind(address)
            trap.setblocking(False)
            if kind == stream:
                trap.listen()
            self._sockets[name] = trap
            self.names[name] = trap.getsockname()[1] if family == inet else address


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def _inheritable(file: Path) -> int:
    """An open file that every child is given which does not close it."""
    number = os.open(file, os.O_RDONLY)
    os.set_inheritable(number, True)
    return number


def _looks(file: Path) -> tuple[object, ...]:
    facts = file.stat()
    return file.read_text(), facts.st_mode, facts.st_mtime_ns, facts.st_nlink, facts.st_uid


def _was_reached(trap: socket.socket) -> bool:
    try:
        if trap.type == socket.SOCK_STREAM:
            trap.accept()[0].close()
        else:
            trap.recv(10)
    except BlockingIOError:
        return False
    return True


def _priority(pid: int) -> bool:
    return os.getpriority(os.PRIO_PROCESS, pid) != os.getpriority(os.PRIO_PROCESS, 0)


def left_after(seconds: float, words: str = "") -> list[int]:
    """Confined processes that are still there, by the mark of who started them; what was killed is given a moment."""
    end = time.monotonic() + seconds
    while (left := _with(words or mark())) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def _with(words: str) -> list[int]:
    """Processes whose command line ends with these words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # gone meanwhile
                if (entry / "cmdline").read_bytes().endswith(f"\0{words}\0".encode()):
                    found.append(int(entry.name))
    return found
