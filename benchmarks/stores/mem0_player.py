"""Mem0 with its default local store (Qdrant in a folder). No model is asked, and its embedder looks vectors up.

`library` goes through `Memory.add(infer=False)` and `Memory.search`, as its users do; `vectors` calls the vector store
behind it alone.
"""

from __future__ import annotations

import os
import sys
import uuid
import warnings
from pathlib import Path
from typing import Any

os.environ.update(MEM0_TELEMETRY="False", OPENAI_API_KEY="none", ANONYMIZED_TELEMETRY="False")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
from play import play  # noqa: E402


class Known:
    """An embedder that knows the vector of one text."""

    def __init__(self) -> None:
        self.row: list[float] = []

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return self.row

    def embed_batch(self, texts: list[str], memory_action: str | None = None) -> list[list[float]]:
        return [self.row for _ in texts]


class Player:
    def __init__(self, folder: Path, variant: str) -> None:
        from mem0 import Memory

        self.variant, self.known = variant, Known()
        self.memory: Any = Memory.from_config({
            "vector_store": {"provider": "qdrant", "config": {
                "collection_name": "notes", "embedding_model_dims": 384, "path": str(folder / "qdrant"),
                "on_disk": True,
            }},
            "history_db_path": str(folder / "history.db"),
        })  # fmt: skip
        self.memory.embedding_model = self.known
        self.store: Any = self.memory.vector_store

    def load(self, texts: list[str], rows: np.ndarray) -> None:
        for start in range(0, len(texts), 500):
            part = texts[start : start + 500]
            ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, text)) for text in part]
            self.store.insert(rows[start : start + 500].tolist(), [payload(text) for text in part], ids)

    def write(self, text: str, row: np.ndarray) -> None:
        self.known.row = row.tolist()
        if self.variant == "library":
            self.memory.add(text, user_id="ann", infer=False)
        else:
            self.store.insert([self.known.row], [payload(text)], [str(uuid.uuid5(uuid.NAMESPACE_OID, text))])

    def search(self, text: str, row: np.ndarray, k: int) -> list[str]:
        self.known.row = row.tolist()
        if self.variant == "library":
            found = self.memory.search(text, filters={"user_id": "ann"}, top_k=k, threshold=0.0)
            return [one["memory"] for one in found["results"]]
        return [one.payload["data"] for one in self.store.search(text, self.known.row, top_k=k)]


def payload(text: str) -> dict[str, Any]:
    return {"data": text, "user_id": "ann", "hash": text, "created_at": "2026-01-01T00:00:00+00:00"}


if __name__ == "__main__":
    play(Player, sys.argv)
