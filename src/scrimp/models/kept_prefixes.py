"""Keys and values of prompts on disk: a prompt that was read once need not be read again, also by another process.

The embedded server writes the state of its slot into a file and reads it back (llama.cpp's `/slots/0?action=save` and
`restore`). What it holds is compared token by token with what is asked next, so a stale file costs time, never truth.
Names are `OWNER-CONTENT` as `prefix_name` makes them, so that all of an owner can be forgotten.
"""

from __future__ import annotations

import asyncio
import json
import re
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from scrimp.core.messages import prefix_name
from scrimp.models.embedded import KEPT, Endpoint

MOST_BYTES = 2 << 30
"""Bytes of one server's files; the longest unused ones make room."""
SECONDS = 60.0
_NAME = re.compile(r"^[0-9a-f]+(-[0-9a-f]+)?$")


class KeptPrefixes:
    """What one server keeps."""

    def __init__(self, endpoint: Endpoint, most: int = MOST_BYTES) -> None:
        self._url, self._folder, self._most = endpoint.url, Path(endpoint.kept), most
        self._held = ""

    async def restore(self, name: str) -> bool:
        """Load a prompt's state into the slot, unless this process put it there last; whether it is known."""
        file = self._file(name)
        if name == self._held or not file.is_file():
            return file.is_file()
        file.touch()
        done = await asyncio.to_thread(self._ask, "restore", file.name)
        self._held = name if done else ""
        return done

    async def save(self, name: str) -> bool:
        """Keep the state of the slot after a request, where its prompt is not kept yet."""
        self._held = name
        file = self._file(name)
        if file.is_file():
            return True
        done = await asyncio.to_thread(self._ask, "save", file.name)
        if done:
            self._prune(file)
        return done

    def other(self) -> None:
        """Note that a request with another prompt went through the slot."""
        self._held = ""

    def _file(self, name: str) -> Path:
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is no name of a prefix; prefix_name makes them")
        return self._folder / f"{name}.bin"

    def _ask(self, action: str, filename: str) -> bool:
        address = urlsplit(self._url)
        connection = HTTPConnection(address.hostname or "127.0.0.1", address.port or 1, timeout=SECONDS)
        try:
            connection.request("POST", f"/slots/0?action={action}", json.dumps({"filename": filename}),
                               {"Content-Type": "application/json"})  # fmt: skip
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
        except (OSError, HTTPException):
            return False  # the next request reads its prompt anew, and shows what is wrong with the server
        finally:
            connection.close()

    def _prune(self, newest: Path) -> None:
        files = sorted(self._folder.glob("*.bin"), key=lambda file: file.stat().st_mtime, reverse=True)
        held = 0
        for file in files:
            held += file.stat().st_size
            if held > self._most and file != newest:
                file.unlink(missing_ok=True)


def forget(home: Path, owner: str) -> int:
    """Remove every state that is kept for an owner; how many there were."""
    files = [*(home / KEPT).glob(f"*/{prefix_name(owner)}-*.bin")]
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)
