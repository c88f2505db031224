"""What every player does: load, write one by one, search; in its own process, from the same file of vectors."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WRITES, SEARCHES, K = 200, 200, 10
BATCH = 20_000


def text_of(number: int) -> str:
    return f"note {number}: the {number % 977} walrus of town {number % 4051} likes tea number {number}"


def play(make: Any, arguments: list[str]) -> None:
    """`player.py VARIANT FOLDER VECTORS QUERIES SIZE...`: a line of JSON for each size."""
    variant, folder, vectors, queries, *sizes = arguments[1:]
    rows, asked = np.load(vectors, mmap_mode="r"), np.load(queries)
    player = make(Path(folder), variant)
    held = 0
    for size in map(int, sizes):
        began = time.perf_counter()
        while held < size - WRITES:
            until = min(held + BATCH, size - WRITES)
            player.load([text_of(number) for number in range(held, until)], np.asarray(rows[held:until]))
            held = until
        loaded = time.perf_counter() - began
        writes = []
        for number in range(held, size):
            row, text = np.asarray(rows[number]), text_of(number)
            before = time.perf_counter()
            player.write(text, row)
            writes.append(time.perf_counter() - before)
        held = size
        before = time.perf_counter()
        more = player.ready(asked[0]) if hasattr(player, "ready") else {}
        built = time.perf_counter() - before
        player.search("first", asked[0], K)
        searches, hits = [], 0
        for number, row in enumerate(asked[:SEARCHES]):
            before = time.perf_counter()
            found = player.search(f"question {number}", row, K)
            searches.append(time.perf_counter() - before)
            if number < 20:
                truth = np.argsort(-(rows[:size] @ row), kind="stable")[:K] if size <= 200_000 else None
                if truth is not None:
                    hits += len({text_of(int(one)) for one in truth} & set(found))
                else:
                    hits = -1
        lexical = []
        if hasattr(player, "words"):
            for number in range(SEARCHES):
                before = time.perf_counter()
                player.words(f"which walrus likes tea number {number * 37 % size}?", K)
                lexical.append(time.perf_counter() - before)
        print(json.dumps({
            "size": size, "load_seconds": round(loaded, 2), "index_seconds": round(built, 2), **more,
            "write_ms": [ms(writes, 50), ms(writes, 95)], "search_ms": [ms(searches, 50), ms(searches, 95)],
            "words_ms": [ms(lexical, 50), ms(lexical, 95)] if lexical else None,
            "recall": hits / (20 * K) if hits >= 0 else None,
        }), flush=True)  # fmt: skip
    sys.stdout.flush()


def ms(seconds: list[float], percentile: int) -> float:
    return round(float(np.percentile(seconds, percentile)) * 1000, 3)
