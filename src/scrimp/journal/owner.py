"""Which process does what: an owner counts as gone only when the system has freed its lock."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from pathlib import Path

from scrimp.core.events import ulid
from scrimp.journal.locks import FileLock


@dataclass(frozen=True)
class Owner:
    """This process, as a journal names it. Its lock file lives as long as the process."""

    id: str
    lock: FileLock

    @classmethod
    def here(cls, folder: Path) -> Owner:
        """The owner for journals in `folder`; one per process and folder."""
        key = (os.getpid(), folder)  # a forked child is another owner
        if key not in _HERE:
            identity = f"{os.getpid()}-{ulid()}"
            lock = FileLock(folder / "owners" / f"{identity}.lock")
            lock.try_acquire()
            _HERE[key] = cls(identity, lock)
            atexit.register(_leave, _HERE[key], os.getpid())
        return _HERE[key]


_HERE: dict[tuple[int, Path], Owner] = {}


def is_gone(identity: str, folder: Path) -> bool:
    """Whether the process that called itself so has ended, however it ended."""
    if any(owner.id == identity for (pid, where), owner in _HERE.items() if pid == os.getpid() and where == folder):
        return False
    path = folder / "owners" / f"{identity}.lock"
    if not path.exists():
        return True
    lock = FileLock(path)
    if not lock.try_acquire():
        return False
    lock.release()
    return True


def _leave(owner: Owner, pid: int) -> None:
    """A process that ends well takes its lock file along."""
    if os.getpid() == pid:
        owner.lock.release()
        owner.lock.path.unlink(missing_ok=True)
