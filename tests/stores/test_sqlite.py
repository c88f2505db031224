"""The SQLite store keeps every promise of a store."""

from pathlib import Path

import pytest

from scrimp.stores.sqlite import SQLiteStore
from scrimp.testing import conformance


@pytest.mark.anyio
async def test_in_memory_it_keeps_the_promises() -> None:
    await conformance.store(SQLiteStore)


@pytest.mark.anyio
async def test_in_a_file_it_keeps_the_promises(tmp_path: Path) -> None:
    files = iter(range(99))
    await conformance.store(lambda: SQLiteStore(tmp_path / f"{next(files)}.sqlite"))
