"""The same weights under two names: `local`, and `URL#local` through `scrimp models serve`. Are the answers equal?

Runs one System on n BFCL tasks under both names, twice each, and compares the second, warm round: local output may
differ after a cold prefix. Prints how many answers are equal and lists those that are not.

    python benchmarks/served_equals_local.py --data $SCRIMP_DATA/bfcl --n 20
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from scrimp import compare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--model", default="local")
    parser.add_argument("--system", default="baseline")
    given = parser.parse_args()
    command = [sys.executable, "-m", "scrimp.cli.main", "models", "serve", given.model, "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = announced(server)
        names = [given.model, f"{address}#{given.model}"]
        answers = {name: run(given, name) for name in names for _ in range(2)}  # the second round overwrites the first
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
    here, there = (answers[name] for name in names)
    different = [task for task in here if here[task] != there[task]]
    print(f"{given.system} on {len(here)} BFCL tasks, both warm: {len(here) - len(different)} equal answers")
    for task in different:
        print(f"  {task}\n    {names[0]}: {here[task]}\n    {names[1]}: {there[task]}")
    return 0


def announced(server: "subprocess.Popen[str]") -> str:
    """The address that the server prints when it is ready."""
    assert server.stdout is not None
    for line in server.stdout:
        print(line, end="", file=sys.stderr)
        if found := re.search(r"http://[\w.:]+/v1", line):
            return found.group()
    raise SystemExit("the server ended without an address")


def run(given: argparse.Namespace, model: str) -> dict[str, str]:
    """Answers by task."""
    result = compare([given.system], "bfcl", data=given.data, model=model, n=given.n)
    row = result["systems"][0]
    success, latency, tokens = row["effectiveness"], row["latency"], row["tokens"]
    print(f"{model}: success {success['mean']:.2f} {success['interval']}, {latency['mean']:.1f} s a task, {tokens}")
    answers = {}
    for line in (Path(result["folder"]) / "trials.jsonl").read_text(encoding="utf-8").splitlines():
        trial = json.loads(line)
        calls = [(call["name"], call["arguments"]) for call in trial.get("calls", ())]
        answers[trial["task"]] = json.dumps([trial["answer"], calls], sort_keys=True, ensure_ascii=False)
    return answers


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    raise SystemExit(main())
