"""How fast `scrimp audit` reads traces, and whether its memory depends on how many there are.

    python benchmarks/audit.py [--data $SCRIMP_DATA/agent_traces] [--copies 1,10,100] [--workers 0]

The bundled traces are copied so many times. Copies are made distinct, so that what is remembered of one text does not
help with another: in every text of more than 40 characters each word of four letters and more becomes another one of
the same length, the same for the same word within a copy (so that what referred to each other still does), and tasks
get other numbers. Names, roles and what calls are made with stay. Beside the audit stands what is only the reading of
the same JSON (`json.loads` of every line or document, one process): no audit in Python is faster.
Megabytes are those of the unpacked text. Memory is the largest resident set of any one process of the audit.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONG = 40
"""Characters above which a string is a text; ids, names and roles are shorter."""

KEPT = ("attachment://", "data:")
"""How strings begin that refer to something else in the file."""

SMALL, GREAT = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WORD = re.compile(r"(?<![A-Za-z0-9_\\])[A-Za-z]{4,}(?![A-Za-z0-9_])")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("SCRIMP_DATA")
    parser.add_argument("--data", type=Path, default=Path(data) / "agent_traces" if data else None, required=not data)
    parser.add_argument("--copies", default="1,10,100")
    parser.add_argument("--workers", default="0")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    print(HEAD, file=sys.stderr if given.json else sys.stdout)
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


HEAD = (
    f"{'copies':>6} {'MB':>7} {'runs':>6} {'simulated':>9} {'seconds':>8} {'MB/s':>6} {'MB/s a processor':>16} "
    f"{'MB held':>8} {'MB/s of json.loads':>18}"
)


def told(row: dict[str, Any]) -> str:
    size = row["megabytes"]
    return (
        f"{row['copies']:6} {size:7.1f} {row['runs']:6} {row['simulated']:9} {row['seconds']:8.2f} "
        f"{size / row['seconds']:6.1f} {size / row['processor_seconds']:16.1f} {row['memory_mb']:8.0f} "
        f"{size / row['parse_seconds']:18.1f}"
    )


def audited(folder: str, workers: str) -> dict[str, Any]:
    """One audit as a user would call it: seconds of the whole command, and the most memory a process of it held."""
    command = [sys.executable, "-m", "scrimp.cli.main", "audit", folder, "--json", "--workers", workers]
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)  # of this audit and its own processes alone
        seconds = time.perf_counter() - started
        if status:
            raise SystemExit(f"the audit ended with {os.waitstatus_to_exitcode(status)}")
        out.seek(0)
        document = json.load(out)
    return {
        "seconds": seconds, "memory_mb": usage.ru_maxrss / 1024, "processor_seconds": usage.ru_utime + usage.ru_stime,
        "runs": document["runs"], "simulated": document["simulated_runs"], "dollars": document["cost"]["amount"],
    }  # fmt: skip


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
    """A JSON document with other words."""
    if not copy:
        return text
    shift, turn = copy % 25 + 1, copy // 25
    letters = str.maketrans(SMALL + GREAT, "".join(half[shift:] + half[:shift] for half in (SMALL, GREAT)))
    words: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        word = found[0]
        if word not in words:
            made = word.translate(letters)
            words[word] = made[turn % len(made) :] + made[: turn % len(made)]
        return words[word]

    return json.dumps(changed(json.loads(text), other, copy), ensure_ascii=False)


def changed(value: Any, other: Callable[[re.Match[str]], str], copy: int) -> Any:
    """The same value with other words in its texts."""
    if isinstance(value, dict):
        return {
            key: inner if key == "arguments"
            else inner + 1000 * copy if key == "task_id" and isinstance(inner, int)
            else changed(inner, other, copy)
            for key, inner in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [changed(inner, other, copy) for inner in value]
    if isinstance(value, str) and len(value) > LONG and not value.startswith(KEPT):
        return WORD.sub(other, value)
    return value


if __name__ == "__main__":
    raise SystemExit(main())
