"""Where scrimp keeps what it writes: `SCRIMP_HOME`, else the platform's user data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def home() -> Path:
    """The folder that holds journals, caches, models and downloaded benchmarks; made when missing.

    Raises:
        OSError: it cannot be made; the command line looks before it asks.
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
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
