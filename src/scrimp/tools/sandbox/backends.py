"""The outer walls: sandlock, and bubblewrap where that is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from scrimp.core.errors import InputError, MissingExtra

KEEPER = Path(__file__).with_name("keeper.py")


class Sandlock:
    """Landlock rules and a seccomp supervisor, without root and without namespaces.

    Its processes share the machine's process numbers and network; that they reach neither is the rules' work and the
    guard's.
    """

    name = "sandlock"

    def command(self, python: Sequence[str], folder: str) -> list[str]:
        if importlib.util.find_spec("sandlock") is None:
            raise MissingExtra("sandlock is not installed", remedy="pip install 'scrimp[sandbox]'")
        asked = {"folder": folder, "readable": [*_readable(), "/dev/urandom"]}
        return [sys.executable, "-I", str(KEEPER), json.dumps(asked), *python]


class Bubblewrap:
    """Namespaces of its own: an empty root, the interpreter, its folder; no network and nobody else's process.

    That it starts no second process is the guard's work: under root no limit of the kernel's counts its children.
    """

    name = "bubblewrap"

    def command(self, python: Sequence[str], folder: str) -> list[str]:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise InputError("bubblewrap is not installed", remedy="install your system's package bubblewrap")
        command = [bwrap, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--clearenv"]
        command += ["--setenv", "LANG", "C.UTF-8", "--hostname", "sandbox"]
        for path in _readable():
            command += ["--ro-bind", path, path]
        for device in (os.devnull, "/dev/urandom"):
            command += ["--dev-bind", device, device]
        command += ["--bind", folder, "/work", "--chdir", "/work", "--remount-ro", "/"]
        return [*command, "--", *python]


BACKENDS = (Sandlock(), Bubblewrap())
"""In the order in which they are tried."""


def _readable() -> list[str]:
    """The interpreter and the libraries it needs: all that a program can read besides its own files."""
    wanted = (sys.base_prefix, "/lib", "/lib64", "/usr/lib", "/etc/ld.so.cache", "/usr/share/zoneinfo")
    return [path for path in wanted if os.path.exists(path)]
