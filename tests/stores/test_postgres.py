"""The PostgreSQL store keeps every promise of a store, on a real server."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time

import anyio
import numpy as np
import pytest

from scrimp.core.errors import InputError, StoreFailed
from scrimp.core.records import Filter, Record
from scrimp.journal.postgres import escaped, plain
from scrimp.stores.open import open_store
from scrimp.stores.postgres import PostgresStore
from scrimp.testing import conformance

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("postgres")]


@pytest.mark.anyio
async def test_it_keeps_the_promises(postgres: str, schema: str) -> None:
    numbers = itertools.count()
    await conformance.store(lambda: PostgresStore(postgres, schema=f"{schema}_{next(numbers)}"))


@pytest.mark.anyio
async def test_above_a_size_an_index_finds_what_the_scan_finds(postgres: str, schema: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1500, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    store = PostgresStore(postgres, schema=schema, approximate_from=1000)
    records = store.records("ann")
    await records.put(
        [Record(str(n), f"note {n}", "a" if n % 50 else "rare", vector=row) for n, row in enumerate(rows)]
    )
    hits = 0
    for asked in rows[:20]:
        found = [int(one.item.id) for one in await records.near(asked, 10)]
        hits += len(set(found) & set(np.argsort(-(rows @ asked))[:10].tolist()))
    assert hits >= 0.95 * 200
    rare = await records.near(rows[0], 20, Filter(kinds=("rare",)))
    assert len(rare) == 20, "where the index finds too few, the scan answers"
    await store.aclose()


def _write(url: str, schema: str, writer: int, count: int) -> None:
    async def main() -> None:
        store = PostgresStore(url, schema=schema)
        for number in range(count):
            await store.records("ann").put(
                [Record(f"{writer}-{number}", f"note {number}"), Record(f"{writer}", "last")]
            )
        await store.aclose()

    anyio.run(main)


def test_processes_that_write_at_once_lose_nothing(postgres: str, schema: str) -> None:
    workers = [multiprocessing.get_context("spawn").Process(target=_write, args=(postgres, schema, n, 10))
               for n in range(8)]  # fmt: skip
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert [one.exitcode for one in workers] == [0] * 8
    store = PostgresStore(postgres, schema=schema)
    assert anyio.run(store.records("ann").count) == 88


def test_a_writer_that_is_killed_leaves_whole_writes(postgres: str, schema: str) -> None:
    store = PostgresStore(postgres, schema=schema)
    worker = multiprocessing.get_context("spawn").Process(target=_write, args=(postgres, schema, 0, 100_000))
    worker.start()
    until = time.monotonic() + 30
    while anyio.run(store.records("ann").count) < 20 and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    records = anyio.run(store.records("ann").scan)
    notes = [record for record in records if "-" in record.id]
    assert len(records) == len(notes) + 1, "each write put two, or none"
    found = anyio.run(store.records("ann").match, "last", 5)
    assert len(found) == 1


def test_the_password_stands_in_no_message() -> None:
    with pytest.raises(StoreFailed) as error:
        PostgresStore("postgresql://ann:s3cr3t-word@127.0.0.1:9/db")
    assert "s3cr3t-word" not in str(error.value)
    assert "127.0.0.1:9/db" in str(error.value)
    with pytest.raises(InputError, match="no name of a schema"):
        PostgresStore("postgresql://x/y", schema="a; drop")


def test_it_is_opened_by_its_name(postgres: str, schema: str) -> None:
    store = open_store(postgres)
    assert isinstance(store, PostgresStore)
    assert anyio.run(store.scopes) == []


@pytest.mark.parametrize("value", ["a\x00b", "\ue000", "\ue0000\x00\ue0001", {"k\x00": ["\ue000x", 1, None]}])
def test_nul_goes_there_and_back(value: object) -> None:
    assert plain(escaped(value)) == value
    assert "\x00" not in str(escaped(value))
