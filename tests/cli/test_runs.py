from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from scrimp.cli.recorded import excerpt


def test_the_list(scrimp, umbrella, recorded) -> None:
    other = scrimp(*umbrella, "--label", "team=other", "--json").json["run"]
    rows = scrimp("runs", "list", "--json").json
    assert [row["run"] for row in rows] == [other, recorded["run"]]
    assert rows[1]["cost"] == recorded["ledger"]["total"]["cost"]
    assert rows[1]["labels"] == {"team": "search"}
    assert [row["run"] for row in scrimp("runs", "list", "--label", "team=search", "--json").json] == [recorded["run"]]
    assert len(scrimp("runs", "list", "--limit", "1", "--json").json) == 1
    assert recorded["run"] in scrimp("runs", "list").out
    nothing = scrimp("runs", "list", "--label", "team=nobody")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "no run has these labels\n")


def test_show_says_what_run_said(scrimp, recorded) -> None:
    for name in (recorded["run"], recorded["run"][:20].lower(), "last"):
        shown = scrimp("runs", "show", name, "--json").json
        again = {key: shown[key] for key in recorded}
        again["ledger"]["wall_seconds"] = recorded["ledger"]["wall_seconds"]  # measured around, and around that
        assert again == recorded
    assert shown["task"] == "Umbrella in Oslo?"


def test_show_for_people(scrimp, recorded) -> None:
    out = scrimp("runs", "show", "last").out
    assert "team=search" in out
    assert 'weather({"city": "Oslo"})' in out
    assert "rain in Oslo" in out
    assert out.count("react@1") == 2


def test_a_run_that_its_budget_stopped(scrimp, umbrella) -> None:
    first = scrimp(*umbrella, "--budget", "model_calls=1", "--json").json
    shown = scrimp("runs", "show", "last", "--json")
    assert shown.code == 0
    assert shown.json["status"] == "budget"
    assert shown.json["error"] == first["error"]
    assert shown.json["budget"] == first["budget"]
    assert "stopped by" in scrimp("runs", "show", "last").out
    replayed = scrimp("runs", "replay", "last", "--json")
    assert (replayed.code, replayed.json["equal"], replayed.json["status"]) == (0, True, "budget")


def test_replay_needs_neither_model_nor_tool(scrimp, recorded, tmp_path: Path) -> None:
    (tmp_path / "script.json").unlink()
    (tmp_path / "tools.py").unlink()
    said = scrimp("runs", "replay", "last", "--json")
    assert said.code == 0
    assert (said.json["replayed"], said.json["equal"], said.json["answer"]) == (True, True, recorded["answer"])
    assert said.json["ledger"]["total"] == recorded["ledger"]["total"]
    assert len(scrimp("runs", "list", "--json").json) == 1
    assert "nothing was spent; equal" in scrimp("runs", "replay", "last").out


def test_replay_under_a_money_limit(scrimp, umbrella) -> None:
    scrimp(*umbrella, "--budget", "usd=0.02")
    assert scrimp("runs", "replay", "last", "--json").json["equal"]


def test_a_replay_that_differs_is_a_no(scrimp, recorded, scrimp_home: Path) -> None:
    with sqlite3.connect(scrimp_home / "journal.sqlite") as database:
        database.execute("UPDATE runs SET answer = json_set(answer, '$.text', 'Another.')")
    database.close()
    said = scrimp("runs", "replay", "last", "--json")
    assert (said.code, said.json["equal"]) == (1, False)
    assert said.err == f"scrimp: run {recorded['run']} was answered 'Another.' when it was recorded\n"


def test_a_replay_that_asks_for_something_else(scrimp, recorded, scrimp_home: Path) -> None:
    with sqlite3.connect(scrimp_home / "journal.sqlite") as database:
        database.execute("UPDATE runs SET task = json_set(task, '$.text', 'Another?')")
    database.close()
    said = scrimp("runs", "replay", "last")
    assert (said.code, said.out) == (4, "")
    assert "asks for something else than was recorded" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("show", "NOBODY"), 2, "no run is called 'NOBODY' (scrimp runs list shows those there are)"),
        (("show", "0"), 2, "no run is called '0' (several runs begin so; give more of it)"),
    ],
)
def test_wrong_words(scrimp, umbrella, recorded, arguments: tuple[str, ...], code: int, line: str) -> None:
    scrimp(*umbrella)
    said = scrimp("runs", *arguments)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"scrimp: {line}")
    assert said.err.count("\n") == 1


def test_no_runs_yet(scrimp) -> None:
    assert scrimp("runs", "list", "--json").json == []
    assert scrimp("runs", "list").err == "no runs yet\n"
    assert scrimp("runs", "show", "last").code == 2


def test_a_run_that_never_ended(scrimp, recorded, scrimp_home: Path) -> None:
    with sqlite3.connect(scrimp_home / "journal.sqlite") as database:
        database.execute("UPDATE runs SET status = 'running', answer = NULL, steps = NULL, wall_seconds = NULL")
        database.execute("DELETE FROM events WHERE kind = 'tool'")
    database.close()
    shown = scrimp("runs", "show", "last", "--json").json
    assert (shown["status"], shown["answer"], shown["steps"]) == ("running", "", None)
    assert shown["budget"]["tool_calls"] == {"limit": 3, "spent": 0, "reserved": 1, "kept": 0}
    assert "? steps" in scrimp("runs", "show", "last").out
    assert "never ended" in scrimp("runs", "replay", "last").err


def test_excerpts() -> None:
    assert excerpt(None) == ""
    assert excerpt({"error": {"message": "no\nfit"}}) == "no fit"
    assert excerpt({"message": {"parts": [{"type": "text", "text": "hi"}], "tool_calls": []}}) == "hi"
    assert excerpt({"shape": [3, 512], "float32": "AAAA"}) == "3 vectors"
    assert excerpt({"text": "rain", "status": "ok"}) == "rain"
    assert excerpt({"a": 1}) == '{"a": 1}'
    assert excerpt(1.5) == "1.5"
