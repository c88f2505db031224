"""The command line called in this process, and small scripts for the model to follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scrimp.cli.main import main

TOOLS = '''\
from scrimp.tools.sources.python import tool


@tool
def weather(city: str) -> str:
    """Today's weather in a city."""
    return f"rain in {city}"


@tool(price="0.001")
def rate(a: str, b: str) -> float:
    """Exchange rate."""
    return 2.0


def helper() -> int:
    return 1
'''

UMBRELLA = [[{"tool": "weather", "arguments": {"city": "Oslo"}}], "Take an umbrella. 带伞"]


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output; anything else beside it fails to parse."""
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def scrimp(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command in a folder of its own; every failure must be one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Said(code, printed.out, printed.err)

    return call


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Write what a model says and give the model's name."""

    def write(answers: Any, name: str = "script.json") -> str:
        (tmp_path / name).write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")
        return f"scripted:{name}"

    return write


@pytest.fixture
def umbrella(tmp_path: Path, script: Callable[..., str]) -> tuple[str, ...]:
    """Arguments of a run that calls one tool and answers."""
    (tmp_path / "tools.py").write_text(TOOLS, encoding="utf-8")
    return ("run", "Umbrella in Oslo?", "--tools", "tools.py", "--model", script(UMBRELLA))


@pytest.fixture
def recorded(scrimp: Command, umbrella: tuple[str, ...]) -> Any:
    """The document of a run that is in the journal."""
    return scrimp(*umbrella, "--label", "team=search", "--budget", "tokens=5000,tool_calls=3,steps=9", "--json").json
