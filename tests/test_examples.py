"""Every example runs: on the scripted model where it names a packaged one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ARGUMENTS = {"compare_two_systems": ["20"]}
SAYS = {
    "run_within_a_budget": ["done 1009650", "tools"],
    "compare_two_systems": ["controls not run"],
    "audit_recorded_runs": ["3 runs", "waste: The same call again, with the same result, 3 times", "remedy: "],
}


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_it_runs(example: Path, tmp_path: Path) -> None:
    ask = [{"tool": "population", "arguments": {"city": city}} for city in ("Oslo", "Bergen")]
    add = {"tool": "add", "arguments": {"a": 717710, "b": 291940}}
    script = tmp_path / "script.json"
    script.write_text(json.dumps([ask, add, "1009650"]))
    environment = {**os.environ, "SCRIMP_MODEL": f"scripted:{script}", "SCRIMP_HOME": str(tmp_path / "home")}
    command = [sys.executable, str(example), *ARGUMENTS.get(example.stem, [])]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    for words in SAYS[example.stem]:
        assert words in done.stdout


def test_the_stock_server_is_an_openapi_document_and_what_it_says(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(EXAMPLES / "servers" / "stock.py"), str(port)])
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"tool": "stock_of", "arguments": {"fruit": "apples"}}, "12"]))
    command = [sys.executable, "-m", "scrimp.cli.main", "run", "How many apples?", "--model", f"scripted:{script}",
               "--openapi", f"http://127.0.0.1:{port}/openapi.json", "--json"]  # fmt: skip
    environment = {**os.environ, "SCRIMP_HOME": str(tmp_path / "home")}
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    finally:
        server.kill()
        server.wait()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == "12"
