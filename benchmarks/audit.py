"""How fast `scrimp audit` reads traces, and whether its memory depends on how many there are.

    python benchmarks/audit.py [--data $SCRIMP_DATA/agent_traces] [--copies 1,10,100] [--workers 0]

The bundled traces are copied so many times. Copies are made distinct, so that nothing that is remembered of one text
helps with another: in every string of more than a few words the words are rotated by the copy's number. Beside the
audit stands what is only the reading of the same JSON (`json.loads` of every line or document, one process): no audit
in Python is faster.
Megabytes are those of the unpacked text. Memory is the largest resident set of any one process of the audit.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

LONG = 40
"""Characters from which on a string is rotated; ids, names and roles are shorter."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SCRIMP_DATA")
    parser.add_argument("--data", type=Path, default=Path(data) / "agent_traces" if data else None, required=not data)
    parser.add_argument("--copies", default="1,10,100")
    parser.add_argument("--workers", default="0")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    for copies in map(int, given.copies.split(",")):
        with tempfile.TemporaryDirectory(prefix="scrimp-traces-") as folder:
            size = multiply(given.data, Path(folder), copies)
            row = {"copies": copies, "megabytes": size / 1e6, **audited(folder, given.workers), **parsed(Path(folder))}
            rows.append(row)
            print(told(row), file=sys.stderr if given.json else sys.stdout, flush=True)
    if given.json:
        machine = {"processors": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        print(json.dumps({"machine": machine, "rows": rows}, indent=1))
    return 0


def told(row: dict[str, Any]) -> str:
    return (
        f"{row['copies']:4} copies {row['megabytes']:7.1f} MB  audit {row['seconds']:7.2f} s "
        f"{row['megabytes'] / row['seconds']:6.1f} MB/s  {row['memory_mb']:6.0f} MB held  {row['runs']:6} runs, "
        f"{row['simulated']} simulated  json.loads alone {row['megabytes'] / row['parse_seconds']:6.1f} MB/s"
    )


def audited(folder: str, workers: str) -> dict[str, Any]:
    """One audit as a user would call it: seconds of the whole command, and the most memory a process of it held."""
    command = [sys.executable, "-m", "scrimp.cli.main", "audit", folder, "--json", "--workers", workers]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=True)
    seconds = time.perf_counter() - started
    held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    document = json.loads(done.stdout)
    return {"seconds": seconds, "memory_mb": held, "runs": document["runs"], "simulated": document["simulated_runs"]}


def parsed(folder: Path) -> dict[str, float]:
    """Seconds to parse the same JSON and do nothing with it."""
    started = time.perf_counter()
    for path in sorted(folder.iterdir()):
        if path.suffix == ".eval":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    json.loads(archive.read(name))
        elif path.suffix == ".jsonl":
            with path.open("rb") as lines:
                for line in lines:
                    json.loads(line)
        else:
            json.loads(path.read_bytes())
    return {"parse_seconds": time.perf_counter() - started}


def multiply(data: Path, folder: Path, copies: int) -> int:
    """Write the copies; bytes of text in all."""
    size = 0
    for path in sorted(data.iterdir()):
        name = path.name.removesuffix(".gz")
        if path.suffix == ".md":
            continue
        for copy in range(copies):
            target = folder / f"{copy:03}_{name}"
            if name.endswith(".eval"):
                size += archive(path, target, copy)
                continue
            packed = path.read_bytes()
            text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8")
            if name.endswith(".jsonl"):
                made = "".join(salted(line, copy) + "\n" for line in text.splitlines())
            else:
                made = salted(text, copy)
            target.write_text(made, encoding="utf-8")
            size += len(made.encode())
    return size


def archive(path: Path, target: Path, copy: int) -> int:
    size = 0
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            text = salted(source.read(name).decode(), copy)
            out.writestr(name, text)
            size += len(text.encode())
    return size


def salted(text: str, copy: int) -> str:
    return json.dumps(rotated(json.loads(text), copy), ensure_ascii=False)


def rotated(value: Any, copy: int) -> Any:
    if isinstance(value, dict):
        return {key: inner if key == "arguments" else rotated(inner, copy) for key, inner in value.items()}
    if isinstance(value, list):
        return [rotated(inner, copy) for inner in value]
    if isinstance(value, str) and len(value) > LONG and copy:
        words = value.split(" ")
        at = copy % len(words)
        return " ".join([*words[at:], *words[:at]])
    return value


if __name__ == "__main__":
    raise SystemExit(main())
