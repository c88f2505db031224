"""What a store must survive: kills, a full disk, many writers, other processes, old and broken files."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import numpy as np
import pytest

from scrimp.core.errors import StoreFailed
from scrimp.core.records import Filter, Record
from scrimp.stores.sqlite import SQLiteStore
from scrimp.testing.conformance.stores import axis

pytestmark = pytest.mark.anyio

WRITER = """
import sys, anyio, numpy as np
from pathlib import Path
from scrimp.core.records import Record
from scrimp.stores.sqlite import SQLiteStore

async def main(path, writer, count):
    store = SQLiteStore(Path(path))
    records = store.records("ann")
    for number in range(count):
        ids = [f"{writer}-{number}-{part}" for part in range(3)]
        vector = np.zeros(8, dtype=np.float32); vector[int(writer) % 8] = 1
        await records.put([Record(id, f"walrus {id}", head="hub", relation="r", tail=id, vector=vector) for id in ids])
        print(number, flush=True)

anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def held(folder: Path) -> bytes:
    """All that the files of a folder hold."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


def whole(path: Path) -> None:
    """The file is sound, and rows, words and the index of vectors say the same."""
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    rows = db.execute("SELECT count(*) FROM records WHERE text <> ''").fetchone()[0]
    found = db.execute("SELECT count(*) FROM words WHERE words MATCH 'walru'").fetchone()[0]
    assert rows == found
    db.close()


async def test_a_writer_that_is_killed_leaves_all_of_each_put_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    rng = np.random.default_rng(5)
    for round_ in range(4):
        process = writer(path, str(round_), 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        await anyio.sleep(float(rng.uniform(0.01, 0.15)))
        os.kill(process.pid, signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split()]
        process.stdout.close()
        process.wait()
        whole(path)
        store = SQLiteStore(path)
        kept = await store.records("ann").scan()
        mine = [record.id for record in kept if record.id.startswith(f"{round_}-")]
        assert len(mine) % 3 == 0, "a put of three is kept whole or not at all"
        assert len(mine) >= 3 * (len(told) + 1), "what was told to be kept is kept"
        edges = await store.records("ann").around(["hub"], limit=10**6)
        assert len(edges) == len(kept) == len(await store.records("ann").near(axis(0, 8), 10**6))
        await store.aclose()


async def test_32_writers_in_processes_of_their_own_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = SQLiteStore(path)
    records = store.records("ann")
    assert await records.near(axis(0, 8), 9) == []
    waiting = [str(name) for name in range(32)]
    running: list[subprocess.Popen[str]] = []
    while waiting or running:
        while waiting and len(running) < 8:  # a machine with two cores starts no more at once in good time
            running.append(writer(path, waiting.pop(), 5))
        await records.near(axis(0, 8), 3)
        for process in [one for one in running if one.poll() is not None]:
            assert process.returncode == 0
            process.communicate()
            running.remove(process)
        await anyio.sleep(0.02)
    assert await records.count() == 32 * 5 * 3
    assert len(await records.near(axis(0, 8), 10**6)) == 32 * 5 * 3, "a reader sees what other processes wrote"
    await store.aclose()
    whole(path)


async def test_a_full_disk_refuses_and_the_store_stays_whole(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "store.sqlite")
    records = store.records("ann")
    await records.put([Record("a", "walrus", vector=axis(0, 8))])
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StoreFailed, match=r"full.*free some space"):
        await records.put([Record("b", "walrus " * 50_000, vector=axis(1, 8))], remove=["a"])
    assert [one.id for one in await records.scan()] == ["a"]
    assert [one.item.id for one in await records.near(axis(1, 8), 9)] == ["a"]
    store._db.execute("PRAGMA max_page_count = 1000000")
    await records.put([Record("c", "walrus")])
    await store.aclose()
    whole(tmp_path / "store.sqlite")


async def test_another_process_is_followed(tmp_path: Path) -> None:
    one, other = SQLiteStore(tmp_path / "s.sqlite"), SQLiteStore(tmp_path / "s.sqlite")
    mine, theirs = one.records("ann"), other.records("ann")
    await mine.put([Record(str(place), vector=axis(place, 8)) for place in range(4)])
    assert len(await mine.near(axis(0, 8), 9)) == len(await theirs.near(axis(0, 8), 9)) == 4
    await theirs.put([Record("0", vector=axis(5, 8)), Record("9", vector=axis(6, 8))], remove=["1"])
    assert [found.item.id for found in await mine.near(axis(5, 8), 1)] == ["0"]
    assert sorted(found.item.id for found in await mine.near(axis(0, 8), 9)) == ["0", "2", "3", "9"]
    await theirs.clear()
    await theirs.put([Record("new", vector=axis(0, 4))])
    assert [found.item.id for found in await mine.near(axis(0, 4), 9)] == ["new"]


async def test_what_is_forgotten_stands_in_no_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = SQLiteStore(path)
    secret = np.full(8, 0.123456, dtype=np.float32) / np.linalg.norm(np.full(8, 0.123456, dtype=np.float32))
    for owner in ("ann", "ben"):
        await store.records(owner).put([
            Record(f"{owner}-{place}", f"the {owner}walrus number {place}", data={"k": f"{owner}data"},
                   sources=(f"{owner}source",), vector=secret if owner == "ann" else axis(1, 8), head="h",
                   relation=f"{owner}relation", tail="t")
            for place in range(50)
        ])  # fmt: skip
    assert b"annwalrus" in held(tmp_path)
    assert await store.forget("ann") == 50
    for gone in (b"annwalrus", b"anndata", b"annsource", b"annrelation", b"ann-", secret.tobytes()):
        assert gone not in held(tmp_path), gone
    assert b"benwalrus" in held(tmp_path)
    assert len(await store.records("ben").match("benwalrus", 99)) == 50


async def test_a_file_that_is_no_store_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database at all, but long enough to be read as one" * 40)
    with pytest.raises(StoreFailed, match="not a database"):
        SQLiteStore(tmp_path / "text")
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StoreFailed, match="newer scrimp"):
        SQLiteStore(tmp_path / "newer")


async def test_common_words_are_learned_and_left_out(tmp_path: Path) -> None:
    store = SQLiteStore()
    records = store.records("ann")
    await records.put([Record(f"r{place}", f"walrus number{place} 海象") for place in range(1200)])
    common = {row[0] for row in store._db.execute("SELECT word FROM common")}
    assert common == {"walru", "海象"}, common
    found = await records.match("walrus number77 海象", 5)
    assert [one.item.id for one in found] == ["r77"], "a rare word decides alone"
    assert len(await records.match("walrus", 5)) == 5, "a common word is looked for where there is no other"
    assert await records.count(Filter(ended=True)) == 1200
