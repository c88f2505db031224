"""The driver's side: account and journal, for workers that have neither.

Each job has a session. What a worker reserves, settles and writes down happens here, in the driver's event loop, and
is durable before the worker goes on; so when a worker dies, nothing that it committed is lost, and its session is
wound up: what was open is released, its slice given back, and what it had spent is taken off again, since whoever
resumes the run is charged for it as it is repeated.
"""

from __future__ import annotations

import asyncio
import hmac
import pickle
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

from scrimp.core.budget import Account, Amount, Budget, Claim, Reservation
from scrimp.core.events import Recording
from scrimp.evaluate.executors.wire import HEAD_BYTES, TOKEN_BYTES, Address, length, packed
from scrimp.journal.journal import Journal, RunRecord

JOURNAL = frozenset({"end", "run", "in_flight", "reopen", "elapsed", "reserve", "commit"})
"""What workers may ask of the journal."""


@dataclass
class Session:
    """One job on one worker.

    Attributes:
        run: the run that it began or went on with.
        accounts: slices by number; 0 is the experiment's.
    """

    accounts: dict[int, Any]
    run: str = ""
    reservations: dict[int, Reservation] = field(default_factory=dict)
    recordings: dict[str, Recording] = field(default_factory=dict)
    spent: dict[str, Amount] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    numbers: Any = field(default_factory=lambda: count(1))

    def note(self, spent: Mapping[str, Amount]) -> None:
        """Remember what was charged, in case it has to be taken off again."""
        for key, amount in spent.items():
            self.spent[key] = self.spent.get(key, 0) + amount


class Desk:
    """Listens for workers."""

    def __init__(self, journal: Journal, host: str = "127.0.0.1") -> None:
        self.journal, self.host = journal, host
        self.token = secrets.token_bytes(TOKEN_BYTES)
        self.sessions: dict[str, Session] = {}
        self._server: asyncio.Server | None = None

    async def open(self, account: Account) -> Address:
        """A session for a job that is charged to an account."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, 0)
        name = secrets.token_hex(8)
        self.sessions[name] = Session({0: account})
        return Address(self.host, self._server.sockets[0].getsockname()[1], self.token, name)

    async def close(self, address: Address) -> None:
        """The worker is done."""
        session = self.sessions.pop(address.session)
        await self._hang_up(session)

    async def wind_up(self, address: Address) -> str:
        """The worker is gone: release what it held, take off what it spent, stop its run; the run's id."""
        session = self.sessions.pop(address.session)
        await self._hang_up(session)
        for reservation in session.reservations.values():
            if reservation.open:
                await reservation.account.settle(reservation, {})
        for number in sorted(session.accounts, reverse=True):
            if number:
                await session.accounts[number].close()
        whole: Account = session.accounts[0]
        await whole.charge({key: -amount for key, amount in session.spent.items() if key in whole.limits})
        if session.run and self.journal.run(session.run).status == "running":
            self.journal.end(session.run, "stopped", {}, self.journal.elapsed(session.run), 0)
        return session.run

    async def aclose(self) -> None:
        """Stop listening."""
        for session in self.sessions.values():
            await self._hang_up(session)
        if self._server is not None:
            self._server.close()

    async def _hang_up(self, session: Session) -> None:
        for task in session.tasks:
            task.cancel()
        await asyncio.gather(*session.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                if hmac.compare_digest(await reader.readexactly(TOKEN_BYTES), self.token):
                    session = self.sessions.get(await _read(reader))
                    if session is not None:
                        await self._until_hung_up(session, self._answer(session, reader, writer))
        finally:
            writer.close()

    async def _until_hung_up(self, session: Session, answering: Coroutine[Any, Any, None]) -> None:
        """Answer in a task of its own: hanging up cancels that one, since asyncio complains of a cancelled `_serve`."""
        task = asyncio.create_task(answering)
        session.tasks.add(task)
        try:
            await asyncio.wait([task])
        finally:
            session.tasks.discard(task)
            task.cancel()
        if not task.cancelled():
            await task

    async def _answer(self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            what, given = await _read(reader)
            try:
                answer: tuple[bool, Any] = True, await self._do(session, what, given)
            except Exception as error:  # noqa: BLE001 - whatever it is, the worker raises it where it asked
                answer = False, error
            writer.write(packed(answer))
            await writer.drain()

    async def _do(self, session: Session, what: str, given: Sequence[Any]) -> Any:
        if what in JOURNAL:
            found = getattr(self.journal, what)(*given)
            if what == "reopen":
                session.run = given[0]
            return await found if asyncio.iscoroutine(found) else found
        return await getattr(self, f"_{what}")(session, *given)

    # -- the journal --

    async def _begin(self, session: Session, record: RunRecord) -> None:
        session.run = record.id
        self.journal.begin(record)

    async def _recording(self, session: Session, run: str) -> None:
        session.recordings[run] = self.journal.recording(run, strict=False)

    async def _find(self, session: Session, run: str, key: Any, attempt: int) -> Any:
        return session.recordings[run].find(key, attempt)

    # -- the account --

    async def _slice(
        self, session: Session, account: int, limits: Mapping[str, Amount], last: Decimal, whole: bool, under: int
    ) -> tuple[int, dict[str, Amount]]:
        made = await session.accounts[account].slice(
            Budget(limits), last_share=last, whole=whole, under=session.reservations.get(under)
        )
        number = next(session.numbers)
        session.accounts[number] = made
        return number, dict(made.limits)

    async def _claim(
        self, session: Session, account: int, claims: Sequence[Claim], under: int, last: bool
    ) -> list[tuple[int, dict[str, Amount], int, str]]:
        made = await session.accounts[account].reserve(claims, under=session.reservations.get(under), last=last)
        told = []
        for reservation in made:
            number = next(session.numbers)
            session.reservations[number] = reservation
            told.append((number, reservation.amounts, reservation.output, reservation.capped))
        return told

    async def _settle(self, session: Session, number: int, spent: Mapping[str, Amount]) -> None:
        reservation = session.reservations.pop(number)
        session.note(spent)
        await reservation.account.settle(reservation, spent)

    async def _charge(self, session: Session, account: int, spent: Mapping[str, Amount]) -> None:
        session.note(spent)
        await session.accounts[account].charge(spent)

    async def _close(self, session: Session, account: int) -> None:
        await session.accounts[account].close()

    async def _tell(self, session: Session, account: int, what: str) -> Any:
        return {"remaining": session.accounts[account].remaining, "balance": session.accounts[account].balance}[what]()

    async def _bears(self, session: Session, account: int, claim: Claim) -> bool:
        return bool(session.accounts[account].bears(claim))


async def _read(reader: asyncio.StreamReader) -> Any:
    head = await reader.readexactly(HEAD_BYTES)
    return pickle.loads(await reader.readexactly(length(head)))
