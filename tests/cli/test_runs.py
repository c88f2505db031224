from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from scrimp.cli.recorded import excerpt


@pytest.fixture
def recorded(scrimp, umbrella):
    """The document of a run that is in the journal."""
    return scrimp(*umbrella, "--label", "team=search", "--budget", "tokens=5000,tool_calls=3,steps=9", "--json").json


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


def test_export(scrimp, recorded, tmp_path: Path) -> None:
    said = scrimp("runs", "export", recorded["run"], "--format", "jsonl")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert lines[0]["format"] == "scrimp-run/1"
    assert lines[0]["id"] == recorded["run"]
    assert len(lines) == 4
    told = scrimp("runs", "export", "last", "--out", "x.jsonl", "--json").json
    assert told == {"run": recorded["run"], "format": "jsonl", "out": "x.jsonl", "events": 3, "runs": 1}
    assert (tmp_path / "x.jsonl").read_text(encoding="utf-8") == said.out
    assert not list(tmp_path.glob(".*"))


def test_spans_of_all_runs_go_to_a_file_or_a_collector(scrimp, umbrella, recorded, tmp_path: Path, httpserver) -> None:
    scrimp(*umbrella)
    told = scrimp("runs", "export", "all", "--format", "otel", "--out", "spans.json", "--json").json
    assert (told["run"], told["runs"]) == ("all", 2)
    written = json.loads((tmp_path / "spans.json").read_text(encoding="utf-8"))
    names = [span["name"] for span in written["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    assert sum(name.startswith("invoke_agent") for name in names) == 2
    httpserver.expect_oneshot_request("/v1/traces", method="POST", json=written).respond_with_json({})
    said = scrimp("runs", "export", "all", "--format", "otel", "--to", httpserver.url_for(""))
    assert said.code == 0
    assert "written to http://" in said.err
    httpserver.check_assertions()
    audited = scrimp("audit", "spans.json", "--json").json
    assert audited["runs"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("export", "last", "--format", "parquet"), 2, "--format is 'parquet' (known: jsonl, otel)"),
        (("export", "last", "--to", "http://127.0.0.1:9"), 2, "--to sends spans (--format otel)"),
        (
            ("export", "last", "--format", "otel", "--to", "http://127.0.0.1:9"),
            4,
            "the collector did not take the spans",
        ),
        (("export", "last", "--json"), 2, "--json would stand in the exported lines"),
        (("export", "last", "--out", "no/such/folder/x"), 4, "no/such/folder/x cannot be written: No such file"),
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
