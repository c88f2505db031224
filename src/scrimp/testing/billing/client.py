"""The server in a process of its own, started and asked from a test."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any

from scrimp.core.errors import OutsideError

QUIET = 10.0
"""Seconds that a bill waits for requests that are still being answered."""


@dataclass(frozen=True)
class BillShown:
    """The server's bill: exact dollars, tokens by price (fresh, cached, written, written_hour, output), requests."""

    dollars: Decimal
    tokens: dict[str, int]
    requests: list[dict[str, Any]]
    open: int

    @property
    def total(self) -> int:
        """All billed tokens."""
        return sum(self.tokens.values())


class BillingServer:
    """`with BillingServer() as server:` runs it; `server.url` is its address.

    Args:
        size: bytes of text per token; 1 is the worst case.
        prices: dollars per million tokens by kind (fresh, cached, written, written_hour, output), as strings.
        key: the API key it takes; any where it is empty.
    """

    def __init__(self, *, size: int = 4, prices: dict[str, str] | None = None, key: str = "") -> None:
        self._arguments = ["--size", str(size), "--prices", json.dumps(prices or {}), "--key", key]
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address of both formats, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait for its port.

        Raises:
            OutsideError: it ended before it had one.
        """
        command = [sys.executable, "-m", "scrimp.testing.billing", *self._arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OutsideError(f"the billing server ended with {self._process.wait()} before it listened")
        self.port = int(json.loads(line)["port"])

    def stop(self) -> None:
        """End the process."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> BillingServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def control(self, **orders: Any) -> None:
        """Give orders: `reset` (bill, caches and queues), `faults` and `answers` (lists, one for each coming request),
        `size`, `whole` (never stream), `advance` (seconds that pass for the caches).

        Raises:
            OutsideError: it does not know such an order or fault.
        """
        self._ask("POST", "/control", orders)

    def bill(self) -> BillShown:
        """The bill, once nothing is being answered any more."""
        data = self._ask("GET", f"/bill?quiet={QUIET}")
        return BillShown(Decimal(data["dollars"]), data["tokens"], data["requests"], data["open"])

    def bodies(self) -> list[dict[str, Any]]:
        """The request bodies it was sent since the last reset."""
        bodies: list[dict[str, Any]] = self._ask("GET", "/bill?bodies=1")["bodies"]
        return bodies

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * QUIET)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise OutsideError(f"the billing server refused {path}: {answer['error']['message']}")
        return answer
