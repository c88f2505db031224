"""LangGraph's stores: in memory, and SqliteStore (sqlite-vec), with an embedder that looks vectors up."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
from play import play


class Player:
    def __init__(self, folder: Path, variant: str) -> None:
        self.known: dict[str, list[float]] = {}
        index: Any = {"dims": 384, "embed": self.embed, "fields": ["text"]}
        if variant == "memory":
            from langgraph.store.memory import InMemoryStore

            self.store: Any = InMemoryStore(index=index)
        else:
            from langgraph.store.sqlite import SqliteStore

            connection = sqlite3.connect(folder / "store.sqlite", check_same_thread=False, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            self.store = SqliteStore(connection, index=index)
            self.store.setup()

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [self.known[text] for text in texts]

    def load(self, texts: list[str], rows: np.ndarray) -> None:
        from langgraph.store.base import PutOp

        for start in range(0, len(texts), 500):
            part = texts[start : start + 500]
            self.known = {text: row.tolist() for text, row in zip(part, rows[start : start + 500], strict=True)}
            self.store.batch([PutOp(("ann",), text, {"text": text}) for text in part])

    def write(self, text: str, row: np.ndarray) -> None:
        self.known = {text: row.tolist()}
        self.store.put(("ann",), text, {"text": text})

    def search(self, text: str, row: np.ndarray, k: int) -> list[str]:
        self.known = {text: row.tolist()}
        return [one.key for one in self.store.search(("ann",), query=text, limit=k)]


if __name__ == "__main__":
    play(Player, sys.argv)
