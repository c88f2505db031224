"""The server: routes, the bill, the caches, the queue of faults."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scrimp.testing.billing import anthropic_format, openai_format
from scrimp.testing.billing.answers import Answer, capped, endless
from scrimp.testing.billing.bill import Bill
from scrimp.testing.billing.cache import AutomaticCache, MarkedCache
from scrimp.testing.billing.exchange import Exchange, Struck
from scrimp.testing.billing.faults import Fault, WrongFault
from scrimp.testing.billing.formats import Ask, Format, Refused
from scrimp.testing.billing.http import ClientLeft, Connection, HttpRequest, read_request
from scrimp.testing.billing.tokens import Piece

_FREE = ("status", "drop", "html")
"""Faults under which nothing is billed unless they say so."""


@dataclass
class BillingApp:
    """All that the server knows.

    Attributes:
        size: bytes of text per token; 1 is the worst case.
        prices: dollars per million tokens.
        key: the API key it takes; any, where it is empty.
    """

    size: int = 4
    prices: dict[str, str] = field(default_factory=dict)
    key: str = ""
    faults: deque[Fault] = field(default_factory=deque)
    answers: deque[Answer] = field(default_factory=deque)
    whole: bool = False

    def __post_init__(self) -> None:
        self.passed = 0.0
        self.ended = asyncio.Condition()
        self.seen: list[dict[str, Any]] = []
        self.reset()

    def reset(self) -> None:
        """A new bill and empty caches; prices and token size stay."""
        self.bill = Bill(self.prices)
        self.automatic, self.marked = AutomaticCache(), MarkedCache()
        self.faults.clear()
        self.answers.clear()
        self.seen.clear()
        self.whole = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All exchanges of one connection."""
        try:
            while (request := await read_request(reader)) is not None:
                line = Connection(reader, writer)
                try:
                    await self._one(request, line)
                except Struck as struck:
                    await self._end(line, struck.manner)
                    if struck.manner != "end":
                        return
                except ClientLeft:
                    return
                finally:
                    await line.unwatch()
        finally:
            writer.close()

    async def _end(self, line: Connection, manner: str) -> None:
        if manner == "reset":
            line.tear()
        elif manner == "end":
            await line.chunk(b"")

    async def _one(self, request: HttpRequest, line: Connection) -> None:
        path = request.path.removeprefix("/v1")
        if path == "/control" and request.method == "POST":
            await self._control(request, line)
        elif path == "/bill":
            await self._show_bill(request, line)
        elif path == "/models":
            await _json(line, 200, {"object": "list", "data": [{"id": "words-20", "object": "model",
                                                               "owned_by": "billing"}]})  # fmt: skip
        elif path in ("/chat/completions", "/messages") and request.method == "POST":
            await self._complete(request, line, "openai" if path == "/chat/completions" else "anthropic")
        else:
            await _json(line, 404, {"error": {"message": f"no such path: {request.path}"}})

    # -- completions -----------------------------------------------------------------------------------

    async def _complete(self, request: HttpRequest, line: Connection, name: str) -> None:
        number = len(self.bill.entries) + 1
        form: Format = _format(name, str(number), "")
        try:
            body = json.loads(request.body)
            ask = openai_format.ask(body) if name == "openai" else anthropic_format.ask(body, request.headers)
            model, own = Fault.of_model(ask.model)
        except (Refused, WrongFault, ValueError, KeyError, TypeError, AttributeError) as error:
            await _json(line, 400, form.error(400, f"{type(error).__name__}: {error}"))
            return
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.key and key != self.key:
            await _json(line, 401, form.error(401, "invalid x-api-key"))
            return
        fault = own or (self.faults.popleft() if self.faults else Fault())
        ask = Ask(model, ask.blocks, ask.cap, ask.stream and not self.whole, ask.usage or self.whole, ask.last)
        self.seen.append(body)
        await self._answer(Exchange(line, _format(name, str(number), model), ask, self.bill.open(name, model), fault,
                                    key))  # fmt: skip

    async def _answer(self, exchange: Exchange) -> None:
        entry, fault = exchange.entry, exchange.fault
        try:
            if fault.kind not in _FREE or fault.billed:
                cache = self.automatic if entry.format == "openai" else self.marked
                entry.input = cache.split(exchange.ask.blocks, self.size, time.monotonic() + self.passed)
            if fault.kind == "status":
                await exchange.refuse()
            else:
                await exchange.answer(self._pieces(exchange.ask, fault))
            entry.state = "done"
        except ClientLeft:
            entry.state = "left"
            raise
        except Struck:
            entry.state = "struck"
            raise
        finally:
            entry.state = "lost" if entry.state == "open" else entry.state
            async with self.ended:
                self.ended.notify_all()

    def _quiet(self) -> bool:
        return all(entry.state != "open" for entry in self.bill.entries)

    def _pieces(self, ask: Ask, fault: Fault) -> Iterator[Piece]:
        """What is answered, within its cap unless the fault ignores that."""
        if fault.kind.startswith("endless"):
            return endless(fault.kind, self.size)
        answer = self.answers.popleft() if self.answers else Answer.of_model(ask.model, ask.last, self.size)
        if fault.kind == "long":
            return itertools.chain(capped(endless("", self.size), ask.cap * fault.after))
        return capped(answer.pieces(self.size), ask.cap)

    # -- the tests' own paths --------------------------------------------------------------------------

    async def _control(self, request: HttpRequest, line: Connection) -> None:
        """Queue faults and answers, let time pass, start anew; see `client.BillingServer.control`."""
        try:
            orders = json.loads(request.body)
            if orders.get("reset"):
                self.reset()
            self.size = int(orders.get("size", self.size))
            self.whole = bool(orders.get("whole", self.whole))
            self.passed += float(orders.get("advance", 0.0))
            self.faults.extend(map(Fault.from_json, orders.get("faults", ())))
            self.answers.extend(map(Answer.from_json, orders.get("answers", ())))
        except (WrongFault, ValueError, TypeError, AttributeError) as error:
            await _json(line, 400, {"error": {"message": str(error)}})
            return
        await _json(line, 200, {"faults": len(self.faults), "answers": len(self.answers)})

    async def _show_bill(self, request: HttpRequest, line: Connection) -> None:
        """The bill; with `?quiet=SECONDS` once no request is open, or that time has passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(request.query.get("quiet", "0"))), self.ended:
                await self.ended.wait_for(self._quiet)
        bill = self.bill.to_json()
        await _json(line, 200, {**bill, "bodies": self.seen} if request.query.get("bodies") else bill)


def _format(name: str, request: str, model: str) -> Format:
    if name == "openai":
        return openai_format.OpenAIFormat(request, model)
    return anthropic_format.AnthropicFormat(request, model)


async def _json(line: Connection, status: int, value: Any) -> None:
    await line.whole(status, json.dumps(value).encode(), {"Content-Type": "application/json"})
