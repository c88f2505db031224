"""One virtual environment per framework, made once and kept."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
INSTALL_SECONDS = 900


class Unavailable(Exception):
    """A framework could not be installed or started; the text says why, in one line."""


@dataclass(frozen=True)
class Framework:
    """A framework and what is measured of it.

    Attributes:
        requirements: exact versions; an empty tuple stands for this project itself.
        variants: label of a row, by the argument its process is started with. The first is the default.
        per_step: what it does in one step, besides asking the model and calling the tool.
    """

    name: str
    requirements: tuple[str, ...]
    variants: dict[str, str]
    per_step: str

    @property
    def script(self) -> Path:
        return HERE / "peers" / f"{self.name.replace('-', '_')}_peer.py"


FRAMEWORKS = (
    Framework(
        "scrimp",
        (),
        {
            "normal": "scrimp",
            "inline": "scrimp, tools declared inline",
            "full": "scrimp, synchronous FULL",
            "memory": "scrimp, journal in memory",
            "counted": "scrimp, ScriptedModel",
        },
        "two reservations and two events with their texts, four transactions in SQLite; the worst case of both calls "
        "reserved in a budget of six keys, both settled; a deadline over each; the tool in a worker thread",
    ),
    Framework(
        "smolagents",
        ("smolagents==1.26.0",),
        {"default": "smolagents"},
        "steps kept in memory; the tool in the caller's own thread; logging off",
    ),
    Framework(
        "langgraph",
        ("langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2", "langchain==1.4.7"),
        {
            "graph": "LangGraph, create_react_agent",
            "async": "LangGraph, the same with ainvoke",
            "agent": "LangGraph, langchain's create_agent",
            "sqlite": "LangGraph, create_react_agent, SqliteSaver",
        },
        "two nodes of a graph, state kept in memory; the tool in a pool of threads; with SqliteSaver a checkpoint "
        "after each node goes to SQLite (WAL)",
    ),
    Framework(
        "pydantic-ai",
        ("pydantic-ai-slim==2.68.0",),
        {"default": "Pydantic AI"},
        "two nodes of a graph, messages kept in memory; the tool in a worker thread; instrumentation off (the default)",
    ),
    Framework(
        "openai-agents",
        ("openai-agents==0.24.0",),
        {"quiet": "OpenAI Agents, tracing disabled", "traced": "OpenAI Agents"},
        "items kept in memory; the tool in a worker thread; by default a trace with spans, dropped for want of a key",
    ),
)


def ready(framework: Framework, folder: Path) -> Path:
    """The Python of a framework's environment, which is made where it is not there or holds other versions.

    Raises:
        Unavailable: pip could not install it.
    """
    place = folder / framework.name
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = list(framework.requirements) or ["-e", str(PROJECT)]
    stamp, text = place / "installed.txt", "\n".join([sys.version, *wanted, *_pins(framework)])
    if python.exists() and stamp.exists() and stamp.read_text() == text:
        return python
    print(f"installing {' '.join(wanted)}", file=sys.stderr)
    _command([sys.executable, "-m", "venv", "--clear", str(place)])
    pins = place / "pins.txt"
    pins.write_text("\n".join(_pins(framework)))
    _command([str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install",
              "--constraint", str(pins), *wanted])  # fmt: skip
    stamp.write_text(text)
    return python


def packages(python: Path) -> dict[str, str]:
    """Every package of an environment with its version."""
    listed = _command([str(python), "-m", "pip", "--disable-pip-version-check", "list", "--format", "freeze"])
    return dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)


def _pins(framework: Framework) -> list[str]:
    """The versions that this project itself is installed with."""
    if framework.requirements:
        return []
    return re.findall(r"^[\w.\-]+==[^\s;\\]+", (PROJECT / "constraints" / "run.txt").read_text(), re.MULTILINE)


def _command(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"not installed within {INSTALL_SECONDS} s") from None
    except OSError as error:
        raise Unavailable(f"{words[0]}: {error.strerror}") from None
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("ERROR")] or said[-1:]
        raise Unavailable((errors[0] if errors else f"{words[0]} failed")[:300])
    return done.stdout
