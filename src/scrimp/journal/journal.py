"""The journal: the durable sequence of events of all runs. Ledgers, replays and reports are reads of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from scrimp.core.budget import Amount
from scrimp.core.errors import InputError, UnknownName
from scrimp.core.events import Event, Key, Recorded
from scrimp.core.ledger import Ledger
from scrimp.core.messages import canonical, digest
from scrimp.core.money import Money, plain
from scrimp.core.usage import Usage
from scrimp.journal.database import Database, SQLiteDatabase, Tables, open_database
from scrimp.journal.home import home
from scrimp.journal.payloads import Payloads

TABLES = Tables("scrimp.journal.migrations", "scrimp.journal.postgres_migrations", "scrimp_journal")
SERVER = "SCRIMP_JOURNAL"
"""Environment variable that names another place for the journal than the home: a file or `postgresql://...`."""
CHECKPOINT_PAGES = 4000
"""Pages (16 MiB) after which the log is written back, which waits for the disk: four times as rarely as by default."""
_EVENT_COLUMNS = (
    "id", "run", "span", "door", "ordinal", "kind", "component", "name", "parent", "prompt", "agent", "round",
    "phase", "attempt", "retry", "input", "cached_input", "cache_write", "output", "reasoning", "images", "amount",
    "money_state", "prices", "currency", "known", "busy_us", "started", "request_hash", "response_hash", "status",
    "charged", "request", "response",
)  # fmt: skip
_INSERT_EVENT = f"INSERT INTO events ({', '.join(_EVENT_COLUMNS)}) VALUES ({', '.join('?' * len(_EVENT_COLUMNS))})"
_INSERT_RESERVATION = "INSERT INTO reservations (event, run, worst, amounts, owner) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class RunRecord:
    """A run as the journal holds it."""

    id: str
    task: Mapping[str, Any]
    system: Mapping[str, Any]
    system_hash: str = ""
    models: Mapping[str, Any] = field(default_factory=dict)
    prices: str = ""
    budget: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    version: str = ""
    experiment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    started: float = 0.0
    wall_seconds: float | None = None
    steps: int | None = None
    status: str = "running"
    answer: Mapping[str, Any] | None = None
    owner: str = ""


class Journal:
    """One journal. It is an EventSink for any run begun in it; several processes may share it.

    Args:
        place: a file, or `postgresql://...`; by default what SCRIMP_JOURNAL names, else the file in SCRIMP_HOME.
        full: of a file: it also survives power loss.
    """

    def __init__(self, place: Path | str | None = None, *, full: bool = False) -> None:
        self.place = place or os.environ.get(SERVER) or home() / "journal.sqlite"
        self._connection = open_database(self.place, TABLES, full=full)
        if isinstance(self._connection, SQLiteDatabase):
            self._connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        self._payloads = Payloads(self._connection)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    @property
    def path(self) -> Path:
        """The file; a server has none."""
        if isinstance(self._connection, SQLiteDatabase):
            return self._connection.path
        raise InputError("a journal on a server is no file", remedy="scrimp runs export all")

    def is_gone(self, owner: str) -> bool:
        """Whether the process that executes, or executed, a run has ended."""
        return self._connection.is_gone(owner)

    # -- writing --

    def begin(self, run: RunRecord) -> None:
        """Write down that a run starts."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO runs (id, experiment, task, system, system_hash, models, prices, budget, seed, version,"
                " owner, started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.id, run.experiment, "", canonical(run.system), run.system_hash,
                    canonical(run.models), run.prices, canonical(run.budget), run.seed, run.version,
                    self._connection.owner, run.started,
                ),
            )  # fmt: skip
            rows = [(run.id, key, value) for key, value in run.labels.items()]
            db.executemany("INSERT INTO labels (run, key, value) VALUES (?, ?, ?)", rows)
            # Tools and a history are the same for many tasks: they are stored once.
            shared = {key: self._payloads.put(run.id, list(run.task.get(key, ()))) for key in ("tools", "history")}
            task = canonical({**run.task, **shared})
            db.execute("UPDATE runs SET task = ? WHERE id = ?", (task, run.id))

    def end(self, run: str, status: str, answer: Mapping[str, Any], wall_seconds: float, steps: int) -> None:
        """Write down how a run ended."""
        query = "UPDATE runs SET status = ?, answer = ?, wall_seconds = ?, steps = ? WHERE id = ?"
        self._execute(query, (status, canonical(answer), wall_seconds, steps, run))
        self._payloads.done(run)

    async def reserve(self, worst: Event, amounts: Mapping[str, Amount]) -> None:
        """EventSink: a call is about to be sent; what it costs if nobody sees its end."""
        text = json.dumps({name: str(amount) for name, amount in amounts.items()})
        row = json.dumps(_row(worst))
        self._execute(_INSERT_RESERVATION, (worst.id, worst.key.run, row, text, self._connection.owner))

    async def commit(self, event: Event, request: Any, response: Any) -> None:
        """EventSink: what it came to. Event and payloads are one transaction."""
        with self._writing() as db:
            run = event.key.run
            request_place = self._payloads.place(run, request)
            response_place = self._payloads.place(run, response)
            db.execute(_INSERT_EVENT, (*_row(event), request_place, response_place))

    def reopen(self, run: str) -> None:
        """This process goes on with a run: calls that ended only because the run was stopped are open again."""
        rows = self._select(
            "SELECT seq, response FROM events WHERE run = ? AND status IN ('cut', 'error') ORDER BY seq", (run,)
        )
        last = self._select("SELECT max(seq) AS seq FROM events WHERE run = ?", (run,))[0]["seq"]
        stopped = []
        for row in rows:
            error = (self._payloads.get(row["response"]) or {}).get("error", {})
            if error.get("code") == "cancelled" or (row["seq"] == last and error.get("code") == "model"):
                stopped.append((row["seq"],))
        with self._writing() as db:
            db.executemany("UPDATE events SET response = '' WHERE seq = ?", stopped)
            db.execute(
                "UPDATE runs SET owner = ?, status = 'running', answer = NULL WHERE id = ?",
                (self._connection.owner, run),
            )

    def delete(self, run: str) -> None:
        """Forget a run: its events, and every text that no other run uses. The bytes are overwritten.

        Raises:
            InputError: a live process is executing it.
        """
        record = self.run(run)
        if record.status == "running" and not self.is_gone(record.owner):
            raise InputError(f"run {record.id} is still under way", remedy="end it first")
        with self._writing() as db:
            if isinstance(db, SQLiteDatabase):
                db.execute("PRAGMA secure_delete=ON")
            db.execute(
                "DELETE FROM payloads WHERE hash IN (SELECT payload FROM uses WHERE run = ?) "
                "AND hash NOT IN (SELECT payload FROM uses WHERE run <> ?)",
                (record.id, record.id),
            )
            db.execute("DELETE FROM runs WHERE id = ?", (record.id,))
        self._payloads.forget()
        self._connection.scrub()

    def _execute(self, statement: str, values: Sequence[Any]) -> None:
        """One statement, which is a transaction by itself."""
        self._connection.execute(statement, values)

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        """A transaction. All take turns: two that store the same texts in another order would wait for each other."""
        try:
            with self._connection.turn("texts") as db:
                yield db
        except BaseException:  # also when cancelled: the transaction is gone
            self._payloads.forget()  # what this transaction stored is not there
            raise

    # -- reading --

    def runs(
        self, *, labels: Mapping[str, str] | None = None, experiment: str = "", limit: int = 50
    ) -> list[RunRecord]:
        """Runs, newest first, without the texts of their tasks' tools."""
        where, values = ["1 = 1"], []
        if experiment:
            where.append("experiment = ?")
            values.append(experiment)
        for key, value in (labels or {}).items():
            where.append("EXISTS (SELECT 1 FROM labels WHERE run = runs.id AND key = ? AND value = ?)")
            values += [key, value]
        query = f"SELECT * FROM runs WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?"
        return [self._run(row) for row in self._select(query, (*values, limit))]

    def ids(self) -> list[str]:
        """Ids of all runs, oldest first."""
        return [row["id"] for row in self._select("SELECT id FROM runs ORDER BY id", ())]

    def run(self, run: str) -> RunRecord:
        """One run, by its id or by a beginning of it that is unique; `last` is the newest.

        Raises:
            UnknownName: there is none, or several begin so.
        """
        if run == "last":
            rows = self._select("SELECT * FROM runs ORDER BY id DESC LIMIT 1", ())
        else:
            rows = self._select(
                "SELECT * FROM runs WHERE id = ? OR substr(id, 1, ?) = ? LIMIT 2", (run, len(run), run.upper())
            )
        if len(rows) != 1:
            remedy = "several runs begin so; give more of it" if rows else "scrimp runs list shows those there are"
            raise UnknownName("run", run, remedy=remedy)
        record = self._run(rows[0])
        shared = {key: self._payloads.get(record.task[key]) for key in ("tools", "history") if key in record.task}
        return replace(record, task={**record.task, **shared})

    def events(self, run: str) -> list[Event]:
        """The events of a run, in the order they were committed."""
        return [_event(row) for row in self._select("SELECT * FROM events WHERE run = ? ORDER BY seq", (run,))]

    def ledger(self, run: str) -> Ledger:
        """The fold of a run's events."""
        wall = self._select("SELECT wall_seconds FROM runs WHERE id = ?", (run,))
        return Ledger.of(self.events(run), (wall[0]["wall_seconds"] or 0.0) if wall else 0.0)

    def elapsed(self, run: str) -> float:
        """Seconds from the start of a run to the end of its last event."""
        query = "SELECT max(started + busy_us / 1e6) AS ended FROM events WHERE run = ?"
        ended = self._select(query, (run,))[0]["ended"]
        return max(0.0, ended - self.run(run).started) if ended is not None else 0.0

    def in_flight(self, run: str) -> list[Event]:
        """Reservations without an event, as the events they are at worst: calls nobody saw the end of."""
        query = (
            "SELECT worst FROM reservations WHERE run = ? AND event NOT IN (SELECT id FROM events WHERE run = ?) "
            "ORDER BY event"
        )
        return [
            _event({"charged": "", **dict(zip(_EVENT_COLUMNS, json.loads(row["worst"]), strict=False))})
            for row in self._select(query, (run, run))
        ]

    def fingerprint(self, experiment: str) -> str:
        """One hash of everything that happened in an experiment's runs: calls, what was asked and answered, and what it
        cost; not when, nor how long it took."""
        rows = self._select(
            "SELECT labels.value, span, door, ordinal, attempt, events.status, amount, request_hash, response_hash "
            "FROM events JOIN runs ON events.run = runs.id "
            "LEFT JOIN labels ON labels.run = runs.id AND labels.key = 'trial' WHERE runs.experiment = ? "
            "ORDER BY coalesce(labels.value, ''), span, door, ordinal, attempt, events.seq",
            (experiment,),
        )
        return digest([list(dict(row).values()) for row in rows])

    def steps(self, run: str) -> Iterator[dict[str, Any]]:
        """Events with their texts, one JSON value each; what `export` writes and `show` prints."""
        for row in self._select("SELECT * FROM events WHERE run = ? ORDER BY seq", (run,)):
            event = _event(row)
            yield {
                "event": event.id, "span": event.key.span, "door": event.key.door, "ordinal": event.key.ordinal,
                "kind": event.kind, "component": event.component, "name": event.name, "parent": event.parent,
                "prompt": event.prompt, "agent": event.agent, "round": event.round, "phase": event.phase,
                "attempt": event.attempt, "retry": event.retry, "tokens": event.usage.to_json(),
                "cost": event.money.to_json(), "busy_seconds": plain(Decimal(event.busy_us).scaleb(-6)),
                "started": event.started, "status": event.status, "request_hash": event.request_hash,
                "response_hash": event.response_hash, "request": self._payloads.get(row["request"]),
                "response": self._payloads.get(row["response"]),
            }  # fmt: skip

    def recording(self, run: str, *, strict: bool) -> JournalRecording:
        """The recorded answers of a run, for replay (strict) or resume."""
        return JournalRecording(self, run, strict)

    def _select(self, query: str, values: Sequence[Any]) -> list[Any]:
        return self._connection.rows(query, values)

    def _run(self, row: Any) -> RunRecord:
        labels = self._select("SELECT key, value FROM labels WHERE run = ?", (row["id"],))
        return RunRecord(
            id=row["id"], task=json.loads(row["task"]), system=json.loads(row["system"]),
            system_hash=row["system_hash"], models=json.loads(row["models"]), prices=row["prices"],
            budget=json.loads(row["budget"]), seed=row["seed"], version=row["version"],
            experiment=row["experiment"], labels={item["key"]: item["value"] for item in labels},
            started=row["started"], wall_seconds=row["wall_seconds"], steps=row["steps"], status=row["status"],
            answer=None if row["answer"] is None else json.loads(row["answer"]), owner=row["owner"],
        )  # fmt: skip


class JournalRecording:
    """Recorded answers by call identity and attempt."""

    def __init__(self, journal: Journal, run: str, strict: bool) -> None:
        self.strict = strict
        self._journal = journal
        rows = journal._select("SELECT * FROM events WHERE run = ? ORDER BY seq", (run,))
        self._rows = {(row["span"], row["door"], row["ordinal"], row["attempt"]): row for row in rows}
        self._inside: dict[str, list[Any]] = {}
        for row in rows:
            if row["parent"]:
                self._inside.setdefault(row["parent"], []).append(row)

    def find(self, key: Key, attempt: int) -> Recorded | None:
        """What this attempt of a call was answered then; None where it was not made."""
        row = self._rows.get((key.span, key.door, key.ordinal, attempt))
        if row is None:
            return None
        return Recorded(_event(row), self._journal._payloads.get(row["response"]), tuple(self._nested(row["id"])))

    def _nested(self, event: str) -> Iterator[Event]:
        """What happened inside an event, innermost first."""
        for row in self._inside.get(event, ()):
            yield from self._nested(row["id"])
            yield _event(row)


def _row(event: Event) -> tuple[Any, ...]:
    key, usage, money = event.key, event.usage, event.money
    return (
        event.id, key.run, key.span, key.door, key.ordinal, event.kind, event.component, event.name, event.parent,
        event.prompt, event.agent, event.round, event.phase, event.attempt, event.retry, usage.input,
        usage.cached_input, usage.cache_write, usage.output, usage.reasoning, usage.images,
        None if money.amount is None else str(money.amount), money.state, money.prices, money.currency,
        str(money.known), event.busy_us, event.started, event.request_hash, event.response_hash, event.status,
        canonical(dict(event.charged)) if event.charged else "",
    )  # fmt: skip


def _event(row: Any) -> Event:
    usage = Usage(row["input"], row["cached_input"], row["cache_write"], row["output"], row["reasoning"], row["images"])
    amount = None if row["amount"] is None else Decimal(row["amount"])
    money = Money(amount, row["money_state"], row["prices"], row["currency"], Decimal(row["known"]))
    return Event(
        row["id"], Key(row["run"], row["span"], row["door"], row["ordinal"]), row["kind"], row["component"],
        row["name"], row["parent"], row["prompt"], row["agent"], row["round"], row["phase"], row["attempt"],
        row["retry"], usage, money, row["busy_us"], row["started"], row["request_hash"], row["response_hash"],
        row["status"], tuple(json.loads(row["charged"]).items()) if row["charged"] else (),
    )  # fmt: skip
