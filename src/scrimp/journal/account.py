"""A budget account that processes share: in an SQLite file, or in PostgreSQL where they are on several machines.

Each operation is one short transaction that takes the write lock first, reads the balance, does what an account in
memory does (core/pot.py), and writes what has changed; so the processes take turns, and together they cannot pass a
limit. What a process holds (open calls, slices) stands in the file under its name. When the process has gone without
settling, it counts as spent at its worst, until somebody who knows better settles it by hand (`settle_lost`).

A call that does not fit waits while a running call of this or another live process holds what is short, and looks
again after pauses that grow from 5 to 200 ms. Which of the waiting processes comes first is not promised. Nobody
waits for a call that only waits itself, so each is granted or refused in the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import anyio

from scrimp.core.budget import NOT_SUMMED, Amount, Budget, Claim, LocalAccount, Reservation, granted
from scrimp.core.errors import BudgetExceeded, InputError, JournalFailed, UnknownName
from scrimp.core.events import ulid
from scrimp.core.money import plain
from scrimp.core.pot import Fit
from scrimp.journal.database import Database, Tables, open_database

TABLES = Tables("scrimp.journal.account_migrations", "scrimp.journal.postgres_account_migrations", "scrimp_accounts")
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.2  # seconds

T = TypeVar("T")


@dataclass(frozen=True)
class Lost:
    """What a process held that has gone; it counts as spent until `settle_lost`."""

    id: str
    owner: str
    what: str
    amounts: Mapping[str, Amount]


class _Row(NamedTuple):
    """What stands in the file of something that is held."""

    id: str
    kind: str
    what: str
    amounts: Mapping[str, Amount]
    blocked: bool


class SharedSlice(LocalAccount):
    """An account of this process below a shared one. Keys that it does not limit are reserved in the file.

    It lives in one event loop. `close` gives back to the file what was not spent.
    """

    shared: SharedAccount

    def __init__(self, budget: Budget, parent: SharedSlice | None = None, *, last_share: Decimal = Decimal(0)) -> None:
        super().__init__(budget, parent, last_share=last_share)
        if parent is not None:
            self.shared = parent.shared

    async def reserve(
        self, claims: Sequence[Claim], *, under: Reservation | None = None, last: bool = False
    ) -> Sequence[Reservation]:
        def attempt() -> list[Reservation] | BudgetExceeded:
            made: list[Reservation] = []
            try:
                with self.shared._turn():
                    fit = self.fit(claims, last)
                    if isinstance(fit, Fit):
                        pairs = zip(claims, fit.outputs, strict=True)
                        made += [self._reserve(claim, output, fit, under) for claim, output in pairs]
            except JournalFailed:
                for reservation in made:
                    reservation.open = False
                    del self.root._open[reservation]
                    self.move(reservation.amounts, {})
                raise
            return made if isinstance(fit, Fit) else fit

        return await self._when_it_fits(attempt, under)

    async def settle(self, reservation: Reservation, spent: Mapping[str, Amount]) -> None:
        with self.shared._turn():
            await super().settle(reservation, spent)

    async def charge(self, spent: Mapping[str, Amount]) -> None:
        with self.shared._turn():
            await super().charge(spent)

    async def slice(
        self,
        budget: Budget,
        *,
        last_share: Decimal = Decimal(0),
        whole: bool = False,
        under: Reservation | None = None,
    ) -> SharedSlice:
        def attempt() -> SharedSlice | BudgetExceeded:
            with self.shared._turn():
                limits = self.share(budget.limits, whole)
                if isinstance(limits, BudgetExceeded):
                    return limits
                child = SharedSlice(Budget(limits), self, last_share=last_share)
                child.set_aside = dict(child.limits)
                self.take(child.set_aside)
                self.shared._branches.append(child)
                self._slices = [*(other for other in self._slices if not other.closed), child]
                if whole:
                    self.root._whole[child] = None
            return child

        if whole:
            return await self._when_it_fits(attempt, under)
        self._still_open()
        return granted(attempt())

    async def close(self) -> None:
        if not self.closed:
            with self.shared._turn():
                await super().close()

    def remaining(self) -> dict[str, Amount]:
        self.shared._refresh()
        return super().remaining()

    def bears(self, claim: Claim) -> bool:
        self.shared._refresh()
        return super().bears(claim)

    # -- waiting --

    async def _when_it_fits(self, attempt: Callable[[], T | BudgetExceeded], under: Reservation | None) -> T:
        pause = FIRST_PAUSE
        while True:
            with anyio.move_on_after(pause):  # nobody tells us when another process settles: look again
                return await super()._when_it_fits(attempt, under)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _worth_waiting(self, key: str, around: Sequence[Reservation]) -> bool:
        if super()._worth_waiting(key, around):
            return True
        return self.owner(key) is self.shared and self.shared._held_elsewhere(key)

    def _mark(self, around: Sequence[Reservation], by: int) -> None:
        super()._mark(around, by)
        self.shared._tell()


class SharedAccount(SharedSlice):
    """An account by name; all that open it share its balance. Open it in each process, not before a fork.

    Args:
        place: a file, made if it is not there, whose folder also holds the lock files of the processes; or
            `postgresql://...` for processes on several machines.
        name: which account.
        budget: its limits, of the kinds that are sums.
        raised: the limits are to be raised to these; without it they must be those of the account.

    Raises:
        InputError: other limits than the account's; a limit that is no sum; a raise that lowers one.
        JournalFailed: it cannot be opened, read or written.
    """

    def __init__(self, place: Path | str, name: str, budget: Budget, *, raised: bool = False) -> None:
        if odd := [key for key in NOT_SUMMED if key in budget.limits]:
            raise InputError(f"a shared account cannot limit {odd[0]}", remedy="limit it in the budget of each run")
        super().__init__(budget)
        self.shared = self
        self.place, self.name = place, name
        self._pid = os.getpid()
        self._connection = open_database(place, TABLES)
        self._branches: list[SharedSlice] = []  # slices that hold something, oldest first
        self._rows: dict[Reservation | SharedSlice, _Row] = {}  # what the file has of ours
        self._others: list[_Row] = []  # what live others hold
        self._counted: dict[str, Amount] = {}  # what the file counts as spent, the lost included
        self._unsaved: dict[str, Amount] = {}  # what was spent here since, where writing failed
        self._turning = False
        try:
            with self._writing() as db:
                _agree(db, name, self.limits, raised)
        except BaseException:  # whatever stopped it, the file is not left open
            self._connection.close()
            raise

    async def close(self) -> None:
        """Give back what open slices did not spend, and close the file.

        What is still open stays reserved, and counts as spent once this process ends; on a server, at once.
        """
        if not self.closed:
            await super().close()
            self._connection.close()

    def balance(self) -> dict[str, dict[str, Amount]]:
        """Per limited key: limit, spent, reserved, kept; by all processes."""
        self._refresh()
        return super().balance()

    def lost(self) -> list[Lost]:
        """What processes held that have gone, oldest first."""
        with self._turn():
            rows = self._connection.execute(
                "SELECT id, owner, what, amounts FROM holdings WHERE account = ? AND kind = 'lost' ORDER BY id",
                (self.name,),
            ).fetchall()
        return [Lost(row[0], row[1], row[2], _read_all(row[3])) for row in rows]

    def settle_lost(self, id: str, spent: Budget) -> None:
        """Put what was really spent in the place of something lost.

        Raises:
            UnknownName: nothing lost has this id.
        """
        with self._turn():
            where = "WHERE account = ? AND id = ? AND kind = 'lost'"
            row = self._connection.execute(f"SELECT amounts FROM holdings {where}", (self.name, id)).fetchone()
            if row is None:
                raise UnknownName("lost reservation", id, [item.id for item in self.lost()])
            self._connection.execute(f"DELETE FROM holdings {where}", (self.name, id))
            for key, amount in _read_all(row[0]).items():
                self._counted[key] -= amount  # it was counted with what is lost
                self.spent[key] -= amount
            self.move({}, spent.limits)

    # -- the file --

    def _not_forked(self) -> None:
        if os.getpid() != self._pid:
            raise InputError("this shared account was opened before a fork", remedy="open it in each process")

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        """A transaction; those who write this account take turns."""
        self._not_forked()
        with self._connection.turn(self.name) as db:
            yield db

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """All processes' balance at hand, and nobody else's turn; what has changed is written at the end."""
        if self._turning:
            yield
            return
        self._turning = True
        try:
            with self._writing() as db:
                gone = self._load()
                db.executemany("UPDATE holdings SET kind = 'lost', blocked = 0 WHERE id = ?", [(id,) for id in gone])
                yield
                rows = self._save()
            self._rows, self._unsaved = rows, {}
        finally:
            self._turning = False

    def _refresh(self) -> None:
        """Read the balance, without a turn."""
        if self._turning or self.closed:
            return
        self._not_forked()
        with self._connection.look():
            self._load()

    def _load(self) -> list[str]:
        """Read the balance; the ids of what was lost since the last turn of anybody."""
        spent: dict[str, Amount] = {}
        for key, bound, amount in self._connection.execute(
            "SELECT key, bound, spent FROM balances WHERE account = ?", (self.name,)
        ):
            self.limits[key], spent[key] = _read(key, bound), _read(key, amount)
        reserved: dict[str, Amount] = dict.fromkeys(spent, 0)
        mine = {row.id for row in self._rows.values()}
        gone: list[str] = []
        dead: dict[str, bool] = {}
        self._others = []
        for owner, id, kind, what, text, blocked in self._connection.execute(
            "SELECT owner, id, kind, what, amounts, blocked FROM holdings WHERE account = ? ORDER BY id", (self.name,)
        ).fetchall():
            row = _Row(id, kind, what, _read_all(text), bool(blocked))
            if row.id in mine:
                continue
            if row.kind != "lost" and owner not in dead:
                dead[owner] = self._connection.is_gone(owner)
            if row.kind != "lost" and dead[owner]:
                gone.append(row.id)
            live = row.kind != "lost" and not dead[owner]
            if live:
                self._others.append(row)
            _add(reserved if live else spent, row.amounts)
        for row in self._holding().values():
            _add(reserved, row.amounts)
        self._counted = dict(spent)
        _add(spent, self._unsaved)
        self.spent, self.reserved = spent, reserved
        return gone

    def _save(self) -> dict[Reservation | SharedSlice, _Row]:
        """Write what has changed; what the file then has of ours."""
        db = self._connection
        self._unsaved = {key: amount - self._counted[key] for key, amount in self.spent.items()}
        for key, amount in self._unsaved.items():
            here = (self.name, key)
            old = db.execute("SELECT spent FROM balances WHERE account = ? AND key = ?", here).fetchone()[0]
            if (new := str(_read(key, old) + amount)) != old:
                db.execute("UPDATE balances SET spent = ? WHERE account = ? AND key = ?", (new, *here))
        rows = self._holding()
        for held, row in self._rows.items():
            if held not in rows:
                db.execute("DELETE FROM holdings WHERE id = ?", (row.id,))
        for held, row in rows.items():
            if self._rows.get(held) != row:
                text = json.dumps({key: str(amount) for key, amount in row.amounts.items()})
                db.execute(
                    "INSERT INTO holdings (id, account, owner, kind, what, amounts, blocked)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET owner = excluded.owner,"
                    " kind = excluded.kind, what = excluded.what, amounts = excluded.amounts,"
                    " blocked = excluded.blocked",
                    (row.id, self.name, self._connection.owner, row.kind, row.what, text, int(row.blocked)),
                )
        return rows

    def _holding(self) -> dict[Reservation | SharedSlice, _Row]:
        """What this process holds of the shared limits: open calls, and slices until they are closed and settled."""
        rows: dict[Reservation | SharedSlice, _Row] = {}
        for call in self._open:
            assert isinstance(call.account, SharedSlice)
            ours = {key: amount for key, amount in call.amounts.items() if call.account.owner(key) is self}
            if ours:
                rows[call] = _Row(self._id(call), "call", call.what, ours, call.blocked > 0)
        busy = any(call.blocked == 0 for call in self._open)
        for branch in self._branches:
            held = branch.reserved if branch.closed else branch.set_aside
            above = branch.parent
            assert above is not None
            ours = {key: amount for key, amount in held.items() if above.owner(key) is self}
            if not branch.closed or any(ours.values()):
                whole = branch in self._whole
                rows[branch] = _Row(
                    self._id(branch), "whole" if whole else "slice", "slice", ours,
                    whole and branch._waiting > 0 and not busy,
                )  # fmt: skip
        self._branches = [branch for branch in self._branches if branch in rows]
        return rows

    def _id(self, held: Reservation | SharedSlice) -> str:
        return self._rows[held].id if held in self._rows else ulid()

    def _held_elsewhere(self, key: str) -> bool:
        """Whether another process holds something that may give back `key`, as of the last look."""
        some = any(row.kind == "call" and not row.blocked for row in self._others)
        return any(
            row.amounts.get(key, 0) > 0 and (not row.blocked or (some and row.kind == "whole"))
            for row in self._others
            if row.kind != "slice"
        )

    def _tell(self) -> None:
        """Let the others know what only waits now, so that nobody waits for it."""
        if self.closed or all(self._rows.get(held) == row for held, row in self._holding().items()):
            return
        with self._turn():
            pass


def _agree(db: Database, name: str, limits: Mapping[str, Amount], raised: bool) -> None:
    """Make the account, or see that its limits are these; or raise them."""
    new = db.execute("INSERT INTO accounts (name) VALUES (?) ON CONFLICT DO NOTHING", (name,)).rowcount == 1
    rows = db.execute("SELECT key, bound FROM balances WHERE account = ?", (name,)).fetchall()
    known = {key: _read(key, bound) for key, bound in rows}
    if not new and not raised and known != limits:
        raise InputError(
            f"account {name!r} has other limits: {_written(known)}, not {_written(limits)}",
            remedy="open it with its own limits, or with raised=True to raise them",
        )
    if not new and (known.keys() != limits.keys() or any(limits[key] < known[key] for key in known)):
        raise InputError(
            f"account {name!r} cannot be changed from {_written(known)} to {_written(limits)}",
            remedy="limits can only be raised; give another account another name",
        )
    db.executemany(
        "INSERT INTO balances (account, key, bound) VALUES (?, ?, ?)"
        " ON CONFLICT (account, key) DO UPDATE SET bound = excluded.bound",
        [(name, key, str(limit)) for key, limit in limits.items()],
    )


def _written(limits: Mapping[str, Amount]) -> str:
    pairs = (f"{key}={plain(value) if isinstance(value, Decimal) else value}" for key, value in sorted(limits.items()))
    return ",".join(pairs) or "none"


def _add(total: dict[str, Amount], amounts: Mapping[str, Amount]) -> None:
    for key, amount in amounts.items():
        total[key] = total.get(key, 0) + amount


def _read(key: str, text: str) -> Amount:
    number = Decimal(text)
    return number if key == "usd" or number != number.to_integral_value() else int(number)


def _read_all(text: str) -> dict[str, Amount]:
    facts: dict[str, Any] = json.loads(text)
    return {key: _read(key, amount) for key, amount in facts.items()}
