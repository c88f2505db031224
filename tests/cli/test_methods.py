from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from scrimp.cli import methods
from scrimp.core.registry import Card, Entry

ROW = {"name", "family", "title", "paper", "needs", "saves", "against", "verdict", "provides", "package"}


def test_the_list(scrimp, scrimp_home: Path) -> None:
    rows = {row["name"]: row for row in scrimp("methods", "list", "--json").json}
    assert {"react", "plan-then-execute", "everything", "sliding-window", "all-tools", "top-k"} <= set(rows)
    assert set(rows["react"]) == ROW
    assert rows["react"]["paper"] == "2210.03629"
    assert (scrimp_home / "cache" / "catalogue.json").is_file()
    out = scrimp("methods", "list").out
    assert "plan-then-execute" in out
    planners = scrimp("methods", "list", "--family", "planner", "--json").json
    assert {row["family"] for row in planners} == {"planner"}


def test_a_card(scrimp) -> None:
    found = scrimp("methods", "show", "plan-then-execute", "--json").json
    assert found["measured"]["name"] == found["name"]
    assert (found["workload"], found["n"], found["margin"]) == ("toolworld", 250, 5.0)
    assert {"claim", "notes", "verdicts"} <= set(found)
    out = scrimp("methods", "show", "plan-then-execute").out
    assert "n = 250, margin 5 points" in out
    assert "planner (provides Planner)" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("show", "reat"), "no method is called 'reat' (did you mean react?)"),
        (("list", "--family", "planer"), "no family is called 'planer' (did you mean planner or trainer?)"),
        (("list", "--json", "--markdown"), "--markdown and --json exclude each other"),
    ],
)
def test_wrong_words(scrimp, arguments: tuple[str, ...], line: str) -> None:
    said = scrimp("methods", *arguments)
    assert (said.code, said.out, said.err) == (2, "", f"scrimp: {line}\n")


def test_a_strangers_broken_method_is_a_row(scrimp, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Entry(Card("odd", "planner", "odd"), "odd", "Odd", "odd-package", "ImportError: no\nmodule")
    monkeypatch.setattr(methods, "_entries", lambda **_: [broken])
    (row,) = scrimp("methods", "list", "--json").json
    assert (row["name"], row["package"], row["error"]) == ("odd", "odd-package", "ImportError: no\nmodule")
    out = " ".join(scrimp("methods", "list").out.split())
    assert "cannot be loaded: ImportError: no module" in out
    assert "(package odd-package)" in out
    assert scrimp("methods", "show", "odd").code == 0


def test_the_page(scrimp, monkeypatch: pytest.MonkeyPatch) -> None:
    page = scrimp("methods", "list", "--markdown").out
    assert page.startswith("# Methods\n")
    assert "\n## planner\n" in page
    assert "| `react` | ReAct | 2210.03629 |" in page
    assert methods.page([Entry(Card("a", "gate", "x | y"), "m", "A")]).endswith("| `a` | x \\| y |  |  |  | - |\n")


def test_checking_a_method(scrimp) -> None:
    said = scrimp("methods", "check", "plan-then-execute", "--n", "30", "--json")
    assert said.code == 0
    (found,) = said.json
    assert set(found) == {
        "name",
        "baseline",
        "workload",
        "model",
        "n",
        "effectiveness",
        "cost",
        "claim",
        "verdict",
        "stated",
    }
    assert found["verdict"] == found["stated"] == "structure only"


def test_a_run_that_disagrees_with_its_card_is_a_no(scrimp) -> None:
    said = scrimp("methods", "check", "plan-then-execute", "--n", "2")
    assert said.code == 1
    assert "distinguishable" in said.out
    assert scrimp("methods", "check", "react").code == 2
    assert scrimp("methods", "check").code == 2


def test_a_card_shows_what_was_measured(scrimp) -> None:
    assert scrimp("methods", "show", "top-k", "--json").json["measured"]["verdict"] == "contradicted"
    assert "of the baseline's tokens on oracle" in scrimp("methods", "show", "plan-then-execute").out


@pytest.mark.skipif(find_spec("torch") is not None, reason="the extra whitebox is here")
def test_a_missing_extra_does_not_lose_the_other_checks(scrimp_home: Path) -> None:
    jobs = [("toolkengpt", "", None, 5), ("sliding-window", "", None, 5)]
    found, missing = methods._side_by_side(jobs)
    assert [one.name for one in found] == ["sliding-window"]
    assert ["torch" in str(error) for error in missing] == [True]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_checks_at_once_end_with_who_asked_for_them(tmp_path: Path) -> None:
    asked = subprocess.Popen(
        [sys.executable, "-m", "scrimp.cli.main", "methods", "check", "--all"],
        env={**os.environ, "SCRIMP_HOME": str(tmp_path)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    children = Path(f"/proc/{asked.pid}/task/{asked.pid}/children")
    try:
        workers = _once(lambda: [pid for pid in children.read_text().split() if _works(pid)])
    finally:
        asked.kill()
        asked.wait()
    _once(lambda: not any(map(_works, workers)))


def _works(pid: str) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _once(found: Callable[[], Any]) -> Any:
    """What it gives, as soon as it gives something."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError("it never came")
