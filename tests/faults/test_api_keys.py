"""API keys appear nowhere: not in the journal's files, logs, errors or exports, also where a server echoes them."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from scrimp.journal.export import jsonl
from scrimp.journal.journal import Journal
from scrimp.journal.payloads import unpack
from scrimp.testing.billing.cases import Case, cases
from scrimp.testing.billing.client import BillingServer
from scrimp.testing.billing.runs import run_case

KEY = "sk-marked-4f1d8c0a7e"
ECHOES = (
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 500},
    {"kind": "html"},
    {"kind": "gateway", "status": 502},
    {"kind": "malformed", "after": 2},
    {"kind": "error_event", "after": 2, "status": 529},
    {"kind": "error_event", "after": 0, "status": 401},
)


def rows() -> list[Case]:
    """The short matrix, and errors that tell the key back."""
    told = [Case(f"echo {fault['kind']}", {**fault, "echo": True}, format=format_, whole=whole)
            for fault in ECHOES for format_ in ("openai", "anthropic") for whole in (False, True)]  # fmt: skip
    return [*cases(short=True), *told]


def everything_written(folder: Path) -> bytes:
    """All bytes below a folder, and the texts that the journals keep compressed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    whole = b"\n".join(path.read_bytes() for path in files)
    for path in files:
        if path.suffix == ".sqlite":
            with sqlite3.connect(path) as db:
                whole += b"\n".join(unpack(row[0]).encode() for row in db.execute("SELECT data FROM payloads"))
            db.close()
    return whole


def test_no_key_is_written_or_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    with BillingServer(key=KEY) as server:
        for number, case in enumerate(rows()):
            server.control(reset=True, whole=case.whole)
            path = tmp_path / f"{number}.sqlite"
            outcome = anyio.run(run_case, case, server, path, KEY)
            said += outcome.failures
            journal = Journal(path)
            said += [line for run in journal.runs() for line in jsonl(journal, run.id)]
            assert KEY.encode() not in everything_written(tmp_path), case.name  # while the journal is open: WAL as well
            journal.close()
            path.unlink()
    told = "\n".join(said)
    assert "[key]" in told  # the server did echo it
    assert KEY not in told
    assert KEY not in caplog.text
    assert KEY.encode() not in everything_written(tmp_path)


def test_the_key_was_sent(tmp_path: Path) -> None:
    """Else the test above would say nothing: the server refuses every other key."""
    case = next(case for case in cases(short=True) if case.name == "nothing")
    with BillingServer(key=KEY) as server:
        for format_ in ("openai", "anthropic"):
            right = anyio.run(run_case, replace(case, format=format_), server, tmp_path / f"{format_}.sqlite", KEY)
            assert not right.failures
            wrong = anyio.run(run_case, replace(case, format=format_), server, tmp_path / f"{format_}-wrong", "sk-no")
            assert len(wrong.failures) == 2
