"""Files that several processes share: a lock the kernel frees, and writing that is whole or not at all."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType

from scrimp.core.errors import OutsideError

_POLL_SECONDS = 0.05


class FileLock:
    """An exclusive lock between processes and threads, held on an open file.

    The operating system frees it when the holder dies, so there is no stale lock to recognise. The
    file itself stays: removing it would let two holders lock two files of one name.

    Args:
        path: the lock's file; its folder is made.
        timeout: seconds to wait for the lock.

    Raises:
        OutsideError: the lock was not had in time.
    """

    def __init__(self, path: Path, *, timeout: float = 3600.0) -> None:
        self.path, self.timeout = path, timeout
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free; whether it was taken."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)  # closing frees the lock
            self._descriptor = None

    def __enter__(self) -> FileLock:
        deadline = time.monotonic() + self.timeout
        while not self.try_acquire():
            if time.monotonic() > deadline:
                raise OutsideError(
                    f"{self.path.name} has been held by another process for {self.timeout:.0f} seconds",
                    remedy="wait for the other scrimp to finish, or end it",
                )
            time.sleep(_POLL_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_whole(path: Path, text: str) -> None:
    """Replace a small file in one step: a reader sees the old text or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
