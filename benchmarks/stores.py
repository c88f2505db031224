"""Search and write times of memory stores, side by side in one run, on the same vectors.

    python benchmarks/stores.py [--sizes 1000,10000,100000,1000000] [--patience 300] [--json] [--envs FOLDER]

scrimp's SQLite store (exact, and with the extra `ann`), Mem0's default local store (Qdrant in a folder) and LangGraph's
two (in memory, and SQLite with sqlite-vec). No model is asked, and every store is given the query's vector. Each runs
in a process of its own, one after the other; one that has not answered for `--patience` seconds is stopped there, and
the row says so. Vectors: unit length, 384 dimensions, 1,000 clusters, made by seed. Writes are one record each,
durable against a killed process where the store is a file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from overhead.environments import Framework, Unavailable, packages, ready

HERE = Path(__file__).parent / "stores"
DIMENSIONS, CLUSTERS, QUERIES = 384, 1000, 200
OWN = Framework("scrimp", (), {}, "")
MEM0 = Framework("mem0", ("mem0ai==2.2.1",), {}, "")
LANGGRAPH = Framework("langgraph-store", ("langgraph==1.2.24", "langgraph-checkpoint-sqlite==3.1.2", "numpy"), {}, "")
PEERS = (
    (OWN, "own_player.py", "exact", "scrimp, exact"),
    (OWN, "own_player.py", "ann", "scrimp, extra ann"),
    (MEM0, "mem0_player.py", "library", "Mem0 2.2.1"),
    (MEM0, "mem0_player.py", "vectors", "Mem0 2.2.1, its vector store alone"),
    (LANGGRAPH, "langgraph_player.py", "memory", "LangGraph 1.2.24, InMemoryStore"),
    (LANGGRAPH, "langgraph_player.py", "sqlite", "LangGraph 1.2.24, SqliteStore"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument(
        "--patience", type=float, default=300.0, help="seconds without a line after which one is stopped"
    )
    parser.add_argument("--only", default="", help="labels to run, by a part of them")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--envs", type=Path)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    folder = options.envs or Path(os.environ.get("SCRIMP_HOME") or Path.home() / ".scrimp") / "bench-envs"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    result: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "machine": machine, "load_before": os.getloadavg()[0]}
    result["rows"] = []
    with tempfile.TemporaryDirectory() as scratch:
        vectors, queries = Path(scratch) / "vectors.npy", Path(scratch) / "queries.npy"
        make_vectors(vectors, queries, max(sizes))
        for framework, script, variant, label in PEERS:
            if options.only and options.only not in label:
                continue
            home = Path(tempfile.mkdtemp(dir=scratch))
            try:
                python = Path(sys.executable) if framework.name == "scrimp" else ready(framework, folder)
                versions = packages(python)
                rows = run([str(python), str(HERE / script), variant, str(home), str(vectors), str(queries)], sizes,
                           options.patience)  # fmt: skip
            except Unavailable as error:
                versions, rows = {}, [{"stopped": str(error)}]
            named = ("numpy", "faiss-cpu", "mem0ai", "qdrant-client", "langgraph", "sqlite-vec")
            held = {name: versions[name] for name in named if name in versions}
            result["rows"].append({"store": label, "versions": held, "sizes": rows})
            print(f"{label}: {rows[-1]}", file=sys.stderr)
    print(json.dumps(result, indent=1) if options.json else table(result, sizes))
    return 0


def make_vectors(vectors: Path, queries: Path, count: int) -> None:
    """Clustered unit vectors, and queries near to some of them."""
    rng = np.random.default_rng(17)
    centres = rng.normal(size=(CLUSTERS, DIMENSIONS)).astype(np.float32)
    made = np.lib.format.open_memmap(vectors, mode="w+", dtype=np.float32, shape=(count, DIMENSIONS))
    for start in range(0, count, 50_000):
        size = min(50_000, count - start)
        rows = centres[rng.integers(0, CLUSTERS, size)] + 0.7 * rng.normal(size=(size, DIMENSIONS)).astype(np.float32)
        made[start : start + size] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    made.flush()
    rows = centres[rng.integers(0, CLUSTERS, QUERIES)] + 0.7 * rng.normal(size=(QUERIES, DIMENSIONS))
    np.save(queries, (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))


def run(command: list[str], sizes: list[int], patience: float) -> list[dict[str, Any]]:
    """The lines of a player, until it ends or says nothing for too long."""
    process = subprocess.Popen([*command, *map(str, sizes)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    rows: list[dict[str, Any]] = []
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            process.kill()
            return [*rows, {"size": sizes[len(rows)], "stopped": f"nothing within {patience:.0f} s"}]
        if line is None:
            break
        if line.startswith("{"):
            rows.append(json.loads(line))
    assert process.stderr is not None
    if process.wait() != 0:
        said = process.stderr.read().strip().splitlines()
        rows.append({"size": sizes[len(rows)], "stopped": said[-1] if said else f"exit {process.returncode}"})
    return rows


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def table(result: dict[str, Any], sizes: list[int]) -> str:
    out = [
        "| store | records | search p50 / p95 (ms) | write p50 / p95 (ms) | writes/s | recall@10 | words p50 / p95 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        for one in row["sizes"]:
            if "stopped" in one:
                out.append(f"| {row['store']} | {one.get('size', 0):,} | {one['stopped']} | | | | |")
                continue
            words = "" if one["words_ms"] is None else f"{one['words_ms'][0]:.2f} / {one['words_ms'][1]:.2f}"
            recall = "" if one["recall"] is None else f"{one['recall']:.3f}"
            search, write = (f"{low:.2f} / {high:.2f}" for low, high in (one["search_ms"], one["write_ms"]))
            rate = f"{1000 / one['write_ms'][0]:,.0f}"
            out.append(f"| {row['store']} | {one['size']:,} | {search} | {write} | {rate} | {recall} | {words} |")
    return "\n".join(out)


if __name__ == "__main__":
    sys.exit(main())
