"""No sandbox is used before it has shown, on this machine, that it holds."""

from __future__ import annotations

import os
import platform
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scrimp.core.errors import InputError, ScrimpError
from scrimp.tools.sandbox.backends import BACKENDS
from scrimp.tools.sandbox.limits import Limits, Sandbox
from scrimp.tools.sandbox.runner import run

SECRET = "the words of a file outside"
PROGRAM = """
import os, socket
def attempt(name, deed):
    try:
        deed()
    except (OSError, MemoryError):
        return
    print(name)
attempt("read a file outside", lambda: open({secret!r}).read())
attempt("write a file outside", lambda: open({written!r}, "w").write("x"))
attempt("connect", lambda: socket.create_connection(("127.0.0.1", {port}), 1))
attempt("start a process", lambda: os.fork() or os._exit(0))
attempt("take more memory than allowed", lambda: bytearray({memory}))
with open("own", "w") as file: file.write("kept")
if open("own").read() != "kept": print("keep a file of its own: not possible")
"""

_shown: dict[str, str] = {}


async def open_sandbox(backends: Sequence[Sandbox] = BACKENDS) -> Sandbox:
    """The first sandbox that holds on this machine; each is put to the test once a process.

    Raises:
        InputError: none does; the message says for each why not.
    """
    for sandbox in backends:
        if sandbox.name not in _shown:
            _shown[sandbox.name] = await fault(sandbox)
        if not _shown[sandbox.name]:
            return sandbox
    reasons = "; ".join(f"{sandbox.name}: {_shown[sandbox.name]}" for sandbox in backends)
    raise InputError(
        f"programs cannot be confined on this machine: {reasons}",
        remedy="on Linux (x86-64): pip install 'scrimp[sandbox]', or your system's package bubblewrap",
    )


async def fault(sandbox: Sandbox) -> str:
    """What a sandbox does not hold here, empty if it holds: reading, writing, connecting, forking, memory and time."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return f"its guard knows Linux on x86-64, not {sys.platform} on {platform.machine()}"
    limits = Limits(seconds=5.0)
    with (
        tempfile.TemporaryDirectory(prefix="scrimp-trial-") as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        server.setblocking(False)
        secret, written = _lay_out(folder), f"{folder}/written"
        code = PROGRAM.format(secret=secret, written=written, port=server.getsockname()[1], memory=2 * limits.memory)
        try:
            tried = await run(sandbox, code, limits)
            endless = await run(sandbox, "while True: pass", replace(limits, seconds=0.3))
        except ScrimpError as error:
            return error.message
        if not tried.ok:
            return tried.text
        if tried.output:
            return f"a program could {', '.join(tried.output.splitlines())}"
        if "written" in os.listdir(folder) or _was_called(server):
            return "a program reached what is outside"
        return "" if endless.stopped else "a program ran on after its time"


def _lay_out(folder: str) -> str:
    """A secret that anybody may read, in a folder where anybody may write: only the sandbox stands before it."""
    secret = Path(folder, "secret")
    secret.write_text(SECRET)
    secret.chmod(0o644)
    Path(folder).chmod(0o777)
    return str(secret)


def _was_called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True
