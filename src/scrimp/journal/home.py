"""Where scrimp keeps what it writes: `SCRIMP_HOME`, else the platform's user data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scrimp.core.errors import InputError


def home() -> Path:
    """The folder that holds journals, caches, models and downloaded benchmarks; made when missing.

    Raises:
        InputError: it cannot be made.
    """
    named = os.environ.get("SCRIMP_HOME")
    if named:
        folder = Path(named).expanduser()
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "scrimp"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / "scrimp"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "scrimp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make {folder}: {error.strerror}", remedy="set SCRIMP_HOME to another folder"
        ) from error
    return folder.resolve()
