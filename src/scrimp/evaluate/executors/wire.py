"""How a worker and the driver talk: pickled values behind their length, over TCP, after a token that both know."""

from __future__ import annotations

import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any

from scrimp.core.errors import OutsideError

TOKEN_BYTES = 32
_LENGTH = struct.Struct(">Q")
LARGEST = 1 << 31


@dataclass(frozen=True)
class Address:
    """Where the driver listens, what it lets in by, and which job the caller works on."""

    host: str
    port: int
    token: bytes
    session: str


def packed(value: Any) -> bytes:
    """A value as it is sent."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


def length(head: bytes) -> int:
    """How many bytes follow a head.

    Raises:
        OutsideError: more than any message has.
    """
    found: int = _LENGTH.unpack(head)[0]
    if found > LARGEST:
        raise OutsideError("a message from another process is damaged")
    return found


HEAD_BYTES = _LENGTH.size


class Line:
    """A worker's blocking connection to the driver; one question at a time."""

    def __init__(self, address: Address) -> None:
        try:
            self._socket = socket.create_connection((address.host, address.port), timeout=60)
        except OSError as error:
            raise OutsideError(f"the driver of the experiment cannot be reached: {error}") from error
        self._socket.settimeout(None)  # a reservation may wait for long
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(address.token + packed(address.session))

    def ask(self, what: str, *given: Any) -> Any:
        """Have the driver do something; what it gives, or what it raised.

        Raises:
            OutsideError: the driver is gone.
        """
        try:
            self._socket.sendall(packed((what, given)))
            head = self._read(HEAD_BYTES)
            good, value = pickle.loads(self._read(length(head)))
        except OSError as error:
            raise OutsideError(f"the driver of the experiment is gone: {error}") from error
        if not good:
            raise value
        return value

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _read(self, count: int) -> bytes:
        parts = []
        while count:
            part = self._socket.recv(min(count, 1 << 20))
            if not part:
                raise ConnectionResetError("it closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
