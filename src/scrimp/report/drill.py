"""From a System to its tasks to the steps of one: what the page shows of single trials.

Read from an experiment's folder: every trial as a line; steps only of the trials that failed or cost most, so that
the page stays small. Texts are cut, and what looks like a secret is struck out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrimp.audit.secrets import redact
from scrimp.core.usage import Usage
from scrimp.evaluate.folder import JOURNAL, trials_of
from scrimp.journal.journal import Journal
from scrimp.journal.said import answered, spoken
from scrimp.report.data import clean

WITH_STEPS = 24
"""Trials of a System whose steps are shown."""
LETTERS = 500
"""Letters of a text that are shown."""
MOST_TRIALS = 1500
"""Trials of a System that are listed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a run."""

    what: str
    component: str
    tokens: str
    dollars: float | None
    seconds: float
    asked: str
    answered: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One trial; `steps` is None where the page does not hold them."""

    task: str
    run: str
    solved: bool
    status: str
    dollars: float | None
    tokens: int
    seconds: float
    count: int
    answer: str
    detail: str
    steps: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class Listed:
    """The trials of one System."""

    name: str
    trials: tuple[Shown, ...]
    left_out: int


def read(folder: Path, names: Iterable[str]) -> list[Listed]:
    """The trials of these Systems in an experiment's folder; none where it holds none."""
    lines = list(trials_of(folder).values())
    journal = Journal(folder / JOURNAL) if lines and (folder / JOURNAL).is_file() else None
    try:
        return [found for name in names if (found := _system(name, lines, journal)).trials]
    finally:
        if journal is not None:
            journal.close()


def _system(name: str, lines: list[dict[str, Any]], journal: Journal | None) -> Listed:
    own = [line for line in lines if clean(line.get("system")) == name]
    # Failures first, the dearest before the others: that is what one looks for.
    own.sort(key=lambda line: (bool(line["success"]), -_dollars(line)))
    shown = tuple(_trial(line, journal if place < WITH_STEPS else None) for place, line in enumerate(own[:MOST_TRIALS]))
    return Listed(name, shown, len(own) - len(shown))


def _dollars(line: Mapping[str, Any]) -> float:
    return float(line["ledger"]["total"]["cost"]["amount"] or 0)


def _trial(line: Mapping[str, Any], journal: Journal | None) -> Shown:
    total = line["ledger"]["total"]
    amount = total["cost"]["amount"]
    steps = None if journal is None else tuple(_step(step) for step in journal.steps(line["run"]))
    answer = line["answer"] or json.dumps(line.get("calls", ""), ensure_ascii=False)
    detail = line.get("detail") or ""
    return Shown(
        clean(line["task"]), clean(line["run"]), bool(line["success"]), clean(line["status"]),
        None if amount is None else float(amount), Usage(**total["tokens"]).total,
        float(line["ledger"]["wall_seconds"]), int(line["steps"]),
        cut(answer), cut(detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)), steps or None,
    )  # fmt: skip


def _step(step: Mapping[str, Any]) -> Step:
    used, amount = step["tokens"], step["cost"]["amount"]
    kinds = (("input", ""), ("cached_input", " cached"), ("cache_write", " written"), ("output", " out"))
    tokens = ", ".join(f"{int(used[kind]):,}{word}" for kind, word in kinds if used[kind])
    tried = f" ({step['retry']} {step['attempt']})" if step["attempt"] > 1 else ""
    failed = "" if step["status"] == "ok" else f" [{step['status']}]"
    return Step(
        clean(f"{step['kind']} {step['name']}{tried}{failed}"), clean(step["component"]), tokens,
        None if amount is None else float(amount), float(step["busy_seconds"]), cut(_asked(step["request"])),
        cut(answered(step["response"])),
    )  # fmt: skip


def _asked(request: Any) -> str:
    """What a request asks: its last message, or the arguments of a call."""
    if isinstance(request, Mapping) and request.get("messages"):
        return spoken(request["messages"][-1])
    if isinstance(request, Mapping) and "arguments" in request:
        return json.dumps(request["arguments"], ensure_ascii=False)
    return "" if request is None else json.dumps(request, ensure_ascii=False)


def cut(text: Any) -> str:
    """The beginning of a text, without secrets, its lines kept."""
    lines = "\n".join(clean(line) for line in redact(str(text)).splitlines())
    return lines if len(lines) <= LETTERS else f"{lines[:LETTERS]}…"
