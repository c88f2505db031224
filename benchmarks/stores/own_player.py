"""scrimp's SQLite store, in a file, one put a write."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
from play import play

from scrimp.core.records import Record
from scrimp.stores import ann
from scrimp.stores.sqlite import SQLiteStore


class Player:
    def __init__(self, folder: Path, variant: str) -> None:
        if variant == "exact":
            ann.WORTH_IT = 10**12
        self.loop = asyncio.new_event_loop()
        self.records: Any = SQLiteStore(folder / "store.sqlite")._records("ann", "notes")

    def load(self, texts: list[str], rows: np.ndarray) -> None:
        made = [Record(text, text, vector=row) for text, row in zip(texts, rows, strict=True)]
        self.loop.run_until_complete(self.records.put(made))

    def write(self, text: str, row: np.ndarray) -> None:
        self.loop.run_until_complete(self.records.put([Record(text, text, vector=row)]))

    def search(self, text: str, row: np.ndarray, k: int) -> list[str]:
        return [one.item.id for one in self.loop.run_until_complete(self.records.near(row, k))]

    def words(self, text: str, k: int) -> None:
        self.loop.run_until_complete(self.records.match(text, k))

    def ready(self, row: np.ndarray) -> dict[str, Any]:
        """Wait for the approximate index, where there is one."""
        self.search("", row, 10)
        near = self.records._near
        if near is None:
            return {}
        near.wait()
        return {"index": "IVF", "lists": near._index.nlist, "probes": near._index.nprobe}


if __name__ == "__main__":
    play(Player, sys.argv)
