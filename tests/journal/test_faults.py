"""A journal on a full disk, locked by another process, and shared by two: one clear line, and nothing is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

import scrimp.journal.sqlite
from scrimp.agent import Agent
from scrimp.core.errors import InputError, JournalFailed
from scrimp.core.system import System
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.outfit import Parts
from scrimp.testing import PRICES
from tests.support.kills import Kill, script, tools


def agent(journal: Journal, folder: Path) -> Agent:
    parts = Parts(models={"main": ScriptedModel(script)}, prices=PRICES)
    system = System(model="scripted", planner={"name": "react", "max_steps": 70})
    return Agent(system, tools=tools(Kill(), folder / "sent.txt"), parts=parts, journal=journal)


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count={pages + 12}")
    stopped = anyio.run(agent(journal, tmp_path).arun, "Look and book.")
    assert stopped.status == "error"
    assert "full" in stopped.error
    assert "free some space" in stopped.error
    journal._connection.execute("PRAGMA max_page_count=1000000")
    assert journal._connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    committed = len(journal.events(journal.run("last").id))
    assert committed > 3

    resumed = anyio.run(agent(journal, tmp_path).resume, "last")
    assert resumed.answer == "the sum of 66 rounds"
    assert len(journal.events(journal.run("last").id)) > committed


def test_a_locked_journal_waits_and_then_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    monkeypatch.setattr(scrimp.journal.sqlite, "BUSY_SECONDS", 0.05)
    journal = Journal(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalFailed, match="another process is writing"):
        anyio.run(agent(journal, tmp_path).arun, "Look and book.")
    other.execute("ROLLBACK")
    other.close()
    assert anyio.run(agent(journal, tmp_path).arun, "Look and book.").status == "done"


def test_a_run_under_way_can_be_neither_resumed_nor_deleted(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    mine = agent(journal, tmp_path)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(mine.arun, "Look and book.")
            while not journal.runs():
                await anyio.lowlevel.checkpoint()
            with pytest.raises(InputError, match="under way"):
                await mine.resume("last")
            with pytest.raises(InputError, match="under way"):
                journal.delete("last")

    anyio.run(main)


def test_deleting_a_run_leaves_no_trace_of_its_own_texts(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    mine = agent(journal, tmp_path)
    anyio.run(mine.arun, "Look and book, says the zebra.")
    anyio.run(mine.arun, "Look and book, says the okapi.")
    first, second = [record.id for record in reversed(journal.runs())]
    before = journal.ledger(second).to_json()
    journal.delete(first)
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("journal.sqlite*"))
    assert first.encode() not in raw
    assert b"zebra" not in raw
    assert [record.id for record in journal.runs()] == [second]
    assert journal.ledger(second).to_json() == before
    assert [step["request"] for step in journal.steps(second)], "the texts that both used are still there"
    assert anyio.run(mine.replay, second).answer == "the sum of 66 rounds"
