"""A store by its name: a file, a server, or the one in the home."""

from __future__ import annotations

from pathlib import Path

from scrimp.core.errors import InputError
from scrimp.core.records import Store
from scrimp.stores.sqlite import SQLiteStore

HOME = "home"
FILE = "memory.sqlite"


def open_store(name: str | Path | None, home: Path | None = None) -> Store:
    """The store called `name`.

    Args:
        name: a path of a SQLite file, `home` for the file in `home`, `postgresql://...`, or None for one in memory.

    Raises:
        InputError: `home` without a home, or a folder.
        StoreFailed: it cannot be opened.
    """
    if name is None:
        return SQLiteStore()
    if name == HOME:
        if home is None:
            raise InputError("there is no home to keep records in", remedy="give the path of a file")
        return SQLiteStore(home / FILE)
    if isinstance(name, str) and name.startswith(("postgresql://", "postgres://")):
        from scrimp.stores.postgres import PostgresStore

        return PostgresStore(name)
    path = Path(name).expanduser()
    if path.is_dir():
        raise InputError(f"{path} is a folder", remedy=f"name a file in it: {path / FILE}")
    return SQLiteStore(path)
