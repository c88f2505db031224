"""Running a program confined: start it, answer its calls, hold it to its limits, leave nothing of it behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream

from scrimp.core.errors import OutsideError, ScrimpError
from scrimp.tools.sandbox.limits import Limits, Outcome, Sandbox

Call = tuple[str, dict[str, Any]]
"""A tool's name and arguments."""
Answer = Callable[[list[Call]], Awaitable[list[dict[str, Any]]]]
"""Makes the calls of one message; an answer for each, as guest.py reads it."""

START = 20.0
"""Seconds within which a sandbox must have started on a busy machine."""
LOOK = 0.01
"""Seconds between two looks at a program's files."""
MOST_FILES = 1000
GRACE = 2.0
"""Seconds for a program that has ended to be gone."""


async def run(
    sandbox: Sandbox,
    code: str,
    limits: Limits,
    functions: Sequence[tuple[str, str, Sequence[str]]] = (),
    answer: Answer | None = None,
) -> Outcome:
    """Run a program in a sandbox.

    Args:
        functions: name in the program, name of the tool, and names of the arguments, of what it may call.
        answer: makes its calls.

    Raises:
        OutsideError: the sandbox did not start.
    """
    folder = tempfile.mkdtemp(prefix=f"{mark()}-")
    try:
        command = sandbox.command(_python(), folder)
        process = await anyio.open_process(command, env={"LANG": "C.UTF-8"}, cwd="/", start_new_session=True)
        talk = _Talk(process, folder, limits, answer)
        try:
            await talk.hold(
                {
                    "code": code,
                    "memory": limits.memory,
                    "seconds": int(limits.seconds) + 1,
                    "file": limits.file,
                    "functions": [[name, tool, list(arguments)] for name, tool, arguments in functions],
                },
                sandbox.name,
            )
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
        return talk.outcome()
    finally:
        with anyio.CancelScope(shield=True):
            await _remove(folder)


def mark() -> str:
    """What the command line of every program of this process ends with, and its folder begins with."""
    return f"scrimp-sandbox-{os.getpid()}"


def _python() -> list[str]:
    """The interpreter as a program sees it: no site packages, no environment, and the guest as its source."""
    here = Path(__file__).parent
    source = "\n".join((here / name).read_text(encoding="utf-8") for name in ("guard.py", "guest.py"))
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", source, mark()]


async def _end(process: anyio.abc.Process) -> None:
    """Kill what is left of it; what it started dies with it (guard.py, `--die-with-parent`)."""
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    await process.aclose()


async def _remove(folder: str) -> None:
    """Remove the program's files; one that was killed may write for a moment longer."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.basename(folder) not in os.listdir(os.path.dirname(folder)):
            return
        await anyio.sleep(0.01)


def _passes(folder: str, limits: Limits) -> str:
    """What of its disk a program has passed, empty if nothing."""
    size = count = 0
    for place, folders, files in os.walk(folder):
        count += len(folders) + len(files)
        if count > MOST_FILES:
            return f"it made more than {MOST_FILES:,} files"
        for name in files:
            with contextlib.suppress(OSError):  # gone meanwhile
                size += os.lstat(os.path.join(place, name)).st_blocks * 512
    return f"its files take more than {limits.disk:,} bytes" if size > limits.disk else ""


@dataclass
class _Talk:
    """The host's end of a conversation with one program."""

    process: anyio.abc.Process
    folder: str
    limits: Limits
    answer: Answer | None
    printed: bytearray = field(default_factory=bytearray)
    drained: anyio.Event = field(default_factory=anyio.Event)
    stopped: str = ""
    ok: bool = False
    ready: bool = False
    calls: int = 0
    failure: ScrimpError | None = None

    async def hold(self, first: Mapping[str, Any], name: str) -> None:
        """The conversation from its first message to its end."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen, group.cancel_scope)
            group.start_soon(self._watch, group.cancel_scope)
            try:
                await self._speak(first)
            except ScrimpError as error:
                self.failure = error  # outside of the group, which would wrap it
            if not self.stopped and self.failure is None:
                with anyio.move_on_after(GRACE):
                    await self.process.wait()
                    await self.drained.wait()
            group.cancel_scope.cancel()
        if self.failure is not None:
            raise self.failure
        if not self.ready:
            told = bytes(self.printed).decode("utf-8", "replace").strip().splitlines()
            raise OutsideError(f"the sandbox {name} did not start: {told[-1] if told else 'it said nothing'}")

    def outcome(self) -> Outcome:
        """What became of the program."""
        return Outcome(bytes(self.printed).decode("utf-8", "replace"), self.ok and not self.stopped, self.stopped)

    async def _listen(self, scope: anyio.CancelScope) -> None:
        """Take what it prints, as much as it may print."""
        assert self.process.stderr is not None
        async for piece in self.process.stderr:
            self.printed += piece
            if len(self.printed) > self.limits.output:
                del self.printed[self.limits.output :]
                self.stopped = f"it printed more than {self.limits.output:,} bytes"
                scope.cancel()
        self.drained.set()

    async def _watch(self, scope: anyio.CancelScope) -> None:
        """Look at its files, again and again."""
        while not self.stopped:
            await anyio.sleep(LOOK)
            if passed := _passes(self.folder, self.limits):
                self.stopped = passed
                scope.cancel()

    async def _speak(self, first: Mapping[str, Any]) -> None:
        """Answer message after message until the program ends, breaks the protocol or has used its time."""
        assert self.process.stdout is not None
        heard, left = BufferedByteReceiveStream(self.process.stdout), START
        reply: Any = first
        while True:
            began = anyio.current_time()
            with anyio.move_on_after(left) as waiting:
                line = await self._exchange(reply, heard)
            if waiting.cancelled_caught:
                self.stopped = f"it took more than {self.limits.seconds:g} s"
            if self.stopped:
                return
            left, reply = left - (anyio.current_time() - began), None
            message = _message(line, self.ready)
            if message is None:
                self.stopped = "a message to the host is not one of its protocol"
                return
            if "end" in message:
                self.ok = message["end"] is None
                return
            if "ready" in message:
                self.ready, left = True, self.limits.seconds
            else:
                reply = await self._called(message["calls"])

    async def _exchange(self, reply: Any, heard: BufferedByteReceiveStream) -> bytes:
        """Say something, unless it is None, and hear the next line."""
        assert self.process.stdin is not None
        line, most = b"", self.limits.message
        try:
            if reply is not None:
                await self.process.stdin.send(json.dumps(reply).encode() + b"\n")
            line = await heard.receive_until(b"\n", most)
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.stopped = "it was gone before its end: killed by a limit, or left"
        except anyio.DelimiterNotFound:
            line = heard.buffer
        if len(line) >= most:
            self.stopped = f"a message to the host is longer than {most:,} bytes"
        return line

    async def _called(self, calls: list[Call]) -> list[dict[str, Any]]:
        self.calls += len(calls)
        if self.answer is None or self.calls > self.limits.calls:
            most = 0 if self.answer is None else self.limits.calls
            return [{"error": f"a program may make {most:,} calls", "kind": "tool"} for _ in calls]
        return await self.answer(calls)


def _message(line: bytes, ready: bool) -> dict[str, Any] | None:
    """A line of the program's as a message that may come now; None for anything else."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or len(message) != 1 or ("ready" in message) == ready:
        return None
    calls = message.get("calls")
    if calls is None:
        return message if "ready" in message or "end" in message else None
    return message if isinstance(calls, list) and all(map(_is_call, calls)) else None


def _is_call(call: Any) -> bool:
    return isinstance(call, list) and len(call) == 2 and isinstance(call[0], str) and isinstance(call[1], dict)
