"""What is promised after a kill (docs/journal.md), on a real journal with real SIGKILLs."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from scrimp.journal.journal import Journal
from tests.support.kills import POINTS, STEPS, Kill, agent, in_child, place

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


def facts(folder: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """Answer, and the ordered (key, request hash, response hash) of what was answered."""
    journal = Journal(place(folder))
    record = journal.run("last")
    answered = {
        (e.key.span, e.key.door, e.key.ordinal): (str(e.key), e.request_hash, e.response_hash)
        for e in journal.events(record.id)
        if e.response_hash
    }
    journal.close()
    return str((record.answer or {}).get("text")), [answered[key] for key in sorted(answered)]


def made(folder: Path, server: str) -> Path:
    folder.mkdir()
    if server:
        (folder / "place").write_text(server)
    return folder


def reference(folder: Path) -> tuple[str, list[tuple[str, str, str]]]:
    anyio.run(agent(folder, Kill()).arun, "Look and book.")
    return facts(folder)


def check(folder: Path, expected: tuple[str, list[tuple[str, str, str]]]) -> dict[str, int]:
    """Resume a killed run and count what the promises are about."""
    journal = Journal(place(folder))
    run, owner = journal.run("last").id, journal.run("last").owner
    while not journal.is_gone(owner):
        time.sleep(0.01)  # a server notices the end of a session a little later
    committed = {e.request_hash for e in journal.events(run) if e.kind == "model" and e.status == "ok"}
    flying = journal.in_flight(run)
    journal.close()
    before = Counter((folder / "sent.txt").read_text().split("\n")) if (folder / "sent.txt").exists() else Counter()
    assert in_child(folder, Kill(), resume=True) == 0, (folder / "error.txt").read_text()
    after = Counter((folder / "sent.txt").read_text().split("\n"))
    again = {line for line in before if line and after[line] > before[line]}
    sent_again = sum(line.removeprefix("model ") in committed for line in again if line.startswith("model "))
    effects_again = sum(line.startswith("book ") for line in again)
    answer, calls = facts(folder)
    unknown = any(event.name == "book" for event in flying)
    journal = Journal(place(folder))
    ledger = journal.ledger(run)
    journal.close()
    assert ledger.total.cost == sum((c.cost for c in ledger.terms.values()), start=ledger.harness.cost)
    return {
        "in_flight": len(flying),
        "unknown": int(unknown),
        # A booking nobody knows of changes what the agent is told, and so what it asks next.
        "equal": int(not unknown and (answer, calls) == expected),
        "sent_again": sent_again,
        "effects_again": effects_again,
        "answered": int(answer == f"the sum of {STEPS} rounds"),
    }


def under_way(folder: Path) -> bool:
    """Whether the kill came before the run had ended."""
    journal = Journal(place(folder))
    status = journal.run("last").status
    journal.close()
    return status == "running"


def sweep(root: Path, runs: int, seed: int, server: str = "") -> Counter[str]:
    expected = reference(made(root / "whole", server))
    started = time.monotonic()
    assert in_child(made(root / "timed", server), Kill(), resume=False) == 0
    length = time.monotonic() - started
    rng, total = random.Random(seed), Counter[str]()
    for number in range(runs):
        folder = made(root / str(number), server)
        while True:
            if number % 2:
                code = in_child(folder, Kill(), resume=False, after=rng.uniform(0.1, 0.95) * length)
            else:
                point = POINTS[number // 2 % len(POINTS)]
                most = STEPS * (3 if point != "commit" else 2)
                code = in_child(folder, Kill(point, rng.randrange(1, most)), resume=False)
            if code == -9 and (folder / "sent.txt").exists() and under_way(folder):
                break
            for file in (*folder.glob("*.txt"), *folder.glob("journal*")):
                file.unlink()  # it was through before the kill, or had not begun; another try
        total.update(check(folder, expected))
        total["runs"] += 1
    return total


def verdict(total: Counter[str], record_property: Callable[[str, object], None]) -> None:
    record_property(
        "shown",
        f"kills {total['runs']}, resumed to the answer {total['answered']}, "
        f"equal {total['equal']} of {total['runs'] - total['unknown']}, "
        f"calls in flight {total['in_flight']} (of unknown effect {total['unknown']}), "
        f"committed calls sent again {total['sent_again']}, side effects repeated {total['effects_again']}",
    )
    assert total["answered"] == total["runs"]
    assert total["equal"] == total["runs"] - total["unknown"]
    assert total["sent_again"] == total["effects_again"] == 0


def test_a_killed_run_goes_on(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    verdict(sweep(tmp_path, runs=8, seed=1), record_property)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("postgres")
def test_a_killed_run_whose_journal_is_on_a_server_goes_on(
    tmp_path: Path, database: str, record_property: Callable[[str, object], None]
) -> None:
    verdict(sweep(tmp_path, runs=8, seed=1, server=database), record_property)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_200_kills(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    verdict(sweep(tmp_path, runs=200, seed=int(os.environ.get("SCRIMP_SEED", "7"))), record_property)
