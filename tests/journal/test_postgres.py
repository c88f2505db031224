"""Journals and accounts in PostgreSQL: the same promises, on a real server."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import anyio
import psycopg
import pytest

import scrimp.journal.postgres
from scrimp.agent import Agent, Parts
from scrimp.core.budget import Budget, Claim
from scrimp.core.errors import BudgetExceeded, InputError, JournalFailed
from scrimp.core.events import Event, Key, ulid
from scrimp.core.ledger import Ledger
from scrimp.core.messages import Request, user
from scrimp.core.system import System
from scrimp.core.tool import Tool
from scrimp.journal.account import SharedAccount
from scrimp.journal.database import Database
from scrimp.journal.export import jsonl
from scrimp.journal.journal import Journal, RunRecord
from scrimp.models.scripted import ScriptedModel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("postgres")]
CALL = {"tool": "look", "arguments": {"at": "a\x00b"}}
SPAWN = multiprocessing.get_context("spawn")


def agent(journal: Journal, answers: list[object], tool: object = lambda given: "seen") -> Agent:
    look = Tool("look", "Look.", {"type": "object"}, tool, pure=True)  # type: ignore[arg-type]
    return Agent(System(), tools=[look], parts=Parts(models={"main": ScriptedModel(answers)}), journal=journal)


def lose(url: str, database: Database) -> None:
    """End the session of a connection, which does not know it yet."""
    pid = database.execute("SELECT pg_backend_pid()").fetchone()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(%s)", pid)
        while db.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid).fetchone():
            time.sleep(0.01)


# -- journals -------------------------------------------------------------------------------------------


def test_a_run_is_written_down_read_replayed_and_deleted(postgres: str, tmp_path: Path) -> None:
    server, file = Journal(postgres), Journal(tmp_path / "journal.sqlite")
    results = [agent(journal, [CALL, "好的\x00"]).run("看\x00一下", labels={"a": "b"}) for journal in (server, file)]
    here, there = results
    assert here.answer == there.answer == "好的\x00"
    assert server.ledger(here.run).to_json()["total"]["tokens"] == file.ledger(there.run).to_json()["total"]["tokens"]
    assert Ledger.of(server.events(here.run)).total == here.ledger.total
    assert [record.id for record in server.runs(labels={"a": "b"})] == [here.run]
    assert server.run(here.run[:12]).task["text"] == "看\x00一下"
    lines = [json.loads(line) for line in jsonl(server, here.run)]
    assert lines[2]["response"]["text"] == "seen"
    again = anyio.run(agent(server, []).replay, here.run)
    assert again.answer == "好的\x00"
    server.delete(here.run)
    assert here.run not in server.ids()
    with psycopg.connect(postgres) as db:
        left = db.execute("SELECT count(*) FROM scrimp_journal.uses WHERE run = %s", (here.run,)).fetchone()
    assert left == (0,)
    server.close()
    file.close()


def _stuck(url: str) -> None:
    """A run that stops in the middle of its second call, for ever."""
    journal = Journal(url)
    calls = iter(range(9))

    def look(given: object) -> str:
        if next(calls):
            time.sleep(600)
        return "first"

    agent(journal, [CALL, {"tool": "look", "arguments": {"at": "c"}}, "done"], look).run("Go on")


def test_a_run_of_a_killed_process_goes_on_elsewhere(postgres: str) -> None:
    journal = Journal(postgres)
    worker = SPAWN.Process(target=_stuck, args=(postgres,))
    worker.start()
    until = time.monotonic() + 40
    while time.monotonic() < until:
        running = [run for run in journal.runs() if run.status == "running"]
        if running and len(journal.events(running[0].id)) >= 3 and journal.in_flight(running[0].id):
            break
        time.sleep(0.1)
    run = running[0].id
    with pytest.raises(InputError, match="still under way"):
        anyio.run(agent(journal, []).resume, run)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    until = time.monotonic() + 10
    while not journal.is_gone(journal.run(run).owner) and time.monotonic() < until:
        time.sleep(0.1)  # the server notices that the session ended
    result = anyio.run(agent(journal, ["done"]).resume, run)
    assert (result.status, result.answer) == ("done", "done")
    assert not journal.in_flight(run)
    journal.close()


def test_a_lost_connection_fails_one_call_and_is_opened_again(postgres: str) -> None:
    journal = Journal(postgres)
    before = journal.ids()
    owner = journal._connection.owner
    lose(postgres, journal._connection)
    with pytest.raises(JournalFailed):
        journal.ids()
    assert journal.ids() == before
    assert journal._connection.owner == owner
    other = Journal(postgres)
    assert not other.is_gone(owner), "it has its lock again"
    journal.close()
    until = time.monotonic() + 5
    while not other.is_gone(owner) and time.monotonic() < until:
        time.sleep(0.05)
    assert other.is_gone(owner)
    other.close()


def test_a_connection_lost_in_the_middle_leaves_nothing_of_a_transaction(database: str) -> None:
    journal = Journal(database)
    db = journal._connection

    def write(between: Callable[[], None]) -> None:
        with db.turn("texts"):
            db.execute("INSERT INTO payloads (hash, data) VALUES (?, ?)", ("half", b""))
            between()
            with suppress(JournalFailed):
                db.execute("INSERT INTO payloads (hash, data) VALUES (?, ?)", ("lost", b""))
            db.execute("INSERT INTO payloads (hash, data) VALUES (?, ?)", ("on another connection", b""))

    with pytest.raises(JournalFailed):
        write(lambda: lose(database, db))
    assert db.execute("SELECT count(*) FROM payloads").fetchone() == (0,)
    write(lambda: None)
    assert db.execute("SELECT count(*) FROM payloads").fetchone() == (3,)
    journal.close()


def _store(url: str, seed: int) -> None:
    """Requests of the same messages, each time in another order."""
    journal, dice = Journal(url), random.Random(seed)

    async def main() -> None:
        for number in range(15):
            run = RunRecord(ulid(), {"tools": []}, {})
            journal.begin(run)
            messages = [user(f"{number}: message {each}") for each in range(8)]
            dice.shuffle(messages)
            event = Event(ulid(), Key(run.id, "/", "complete", 0), "model", "planning", "m")
            await journal.commit(event, Request(tuple(messages)), {"seed": seed})

    anyio.run(main)
    journal.close()


def test_the_same_texts_in_another_order_are_no_deadlock(database: str) -> None:
    Journal(database).close()
    workers = [SPAWN.Process(target=_store, args=(database, seed)) for seed in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 6


def test_a_turn_that_does_not_come_is_one_line(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrimp.journal.postgres, "BUSY_SECONDS", 0.2)
    first, second = (SharedAccount(database, "a", Budget(usd="1")) for _ in range(2))
    with first._writing(), pytest.raises(JournalFailed, match=r"lock timeout .another process is writing"):
        anyio.run(second.charge, {"usd": Decimal("0.5")})
    anyio.run(second.charge, {"usd": Decimal("0.5")})
    assert first.balance()["usd"]["spent"] == Decimal("0.5")
    for account in (first, second):
        anyio.run(account.close)


def test_looking_at_an_owner_from_many_sides_never_takes_it_for_alive(database: str) -> None:
    journals = [Journal(database) for _ in range(3)]
    gone = journals.pop()
    owner = gone._connection.owner
    gone.close()
    until = time.monotonic() + 5
    while not journals[0].is_gone(owner) and time.monotonic() < until:
        time.sleep(0.05)
    barrier = threading.Barrier(2)

    def look(journal: Journal) -> list[bool]:
        barrier.wait()
        return [journal.is_gone(owner) for _ in range(200)]

    with ThreadPoolExecutor() as pool:
        assert all(map(all, pool.map(look, journals)))
    assert not journals[0].is_gone(journals[1]._connection.owner)
    for journal in journals:
        journal.close()


def test_a_server_has_no_file(database: str) -> None:
    journal = Journal(database)
    with pytest.raises(InputError, match="is no file"):
        print(journal.path)
    journal.close()


def test_the_place_may_come_from_the_environment(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIMP_JOURNAL", postgres)
    journal = Journal()
    assert journal.place == postgres
    journal.close()


# -- accounts -------------------------------------------------------------------------------------------

LIMITS = {"usd": "1.20", "model_calls": 40}
PRICE = Decimal("0.05")


def _spend(url: str, name: str, seed: int) -> None:
    """Reserve, spend less, settle, until nothing fits any more."""

    async def main() -> None:
        account = SharedAccount(url, name, Budget(LIMITS))
        for number in range(200):
            try:
                (held,) = await account.reserve([Claim("call", {"usd": PRICE, "model_calls": 1})])
            except BudgetExceeded:
                break
            await anyio.sleep(0.001 * ((seed + number) % 5))
            await account.settle(held, {"usd": PRICE * ((seed + number) % 4) / 4, "model_calls": 1})
        await account.close()

    anyio.run(main)


def test_eight_processes_never_pass_one_budget(postgres: str) -> None:
    workers = [SPAWN.Process(target=_spend, args=(postgres, "shared", seed)) for seed in range(8)]
    for worker in workers:
        worker.start()
    watching = SharedAccount(postgres, "shared", Budget(LIMITS))
    while any(worker.is_alive() for worker in workers):
        for row in watching.balance().values():
            assert row["spent"] + row["reserved"] <= row["limit"]
        time.sleep(0.02)
    assert [worker.exitcode for worker in workers] == [0] * 8
    balance = watching.balance()
    assert balance["model_calls"]["spent"] == 40 or balance["usd"]["limit"] - balance["usd"]["spent"] < PRICE
    assert balance["usd"]["reserved"] == 0
    assert balance["usd"]["spent"] <= Decimal("1.20")
    anyio.run(watching.close)


def _hold(url: str) -> None:
    async def main() -> None:
        account = SharedAccount(url, "killed", Budget(usd="1"))
        await account.reserve([Claim("call", {"usd": Decimal("0.4")})])
        await anyio.sleep(600)

    anyio.run(main)


def test_what_a_killed_process_held_counts_until_somebody_knows_better(postgres: str) -> None:
    account = SharedAccount(postgres, "killed", Budget(usd="1"))
    worker = SPAWN.Process(target=_hold, args=(postgres,))
    worker.start()
    until = time.monotonic() + 30
    while account.balance()["usd"]["reserved"] != Decimal("0.4") and time.monotonic() < until:
        time.sleep(0.05)
    assert account.lost() == []
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    until = time.monotonic() + 10
    while not (lost := account.lost()) and time.monotonic() < until:
        time.sleep(0.1)
    assert [item.amounts for item in lost] == [{"usd": Decimal("0.4")}]
    balance = account.balance()["usd"]
    assert (balance["spent"], balance["reserved"]) == (Decimal("0.4"), 0)
    account.settle_lost(lost[0].id, Budget(usd="0.1"))
    assert account.balance()["usd"]["spent"] == Decimal("0.1")
    anyio.run(account.close)


def test_an_account_that_lost_its_connection_goes_on_with_what_it_holds(database: str) -> None:
    account, other = (SharedAccount(database, "a", Budget(tokens=100)) for _ in range(2))

    async def main() -> None:
        (held,) = await account.reserve([Claim("call", {"tokens": 40})])
        assert account._connection.owner != other._connection.owner
        lose(database, account._connection)
        row = {"limit": 100, "spent": 40, "reserved": 0, "kept": 0}
        assert other.balance()["tokens"] == row, "its session has gone, so it counts at its worst"
        assert len(other.lost()) == 1
        with pytest.raises(JournalFailed):
            await account.settle(held, {"tokens": 7})
        assert held.open
        await account.settle(held, {"tokens": 7})
        for each in (account, other):
            assert each.balance()["tokens"] == {"limit": 100, "spent": 7, "reserved": 0, "kept": 0}
        assert other.lost() == []
        await account.close()
        await other.close()

    anyio.run(main)


def test_what_is_closed_stays_closed_and_what_it_held_is_lost(database: str) -> None:
    account, other = (SharedAccount(database, "a", Budget(tokens=100)) for _ in range(2))

    async def main() -> None:
        (late,) = await account.reserve([Claim("call", {"tokens": 40})])
        await account.close()
        with pytest.raises(JournalFailed, match="closed"):
            await account.settle(late, {})

    anyio.run(main)
    until = time.monotonic() + 5
    while not (lost := other.lost()) and time.monotonic() < until:
        time.sleep(0.01)
    assert [item.amounts for item in lost] == [{"tokens": 40}]
    anyio.run(other.close)


def test_other_limits_than_the_accounts_are_refused(postgres: str) -> None:
    first = SharedAccount(postgres, "limits", Budget(usd="1"))
    with pytest.raises(InputError, match="has other limits"):
        SharedAccount(postgres, "limits", Budget(usd="2"))
    anyio.run(SharedAccount(postgres, "limits", Budget(usd="2"), raised=True).close)
    assert first.balance()["usd"]["limit"] == 2
    anyio.run(first.close)
