"""`scrimp audit`: the document, the summary, the page, and what it says of bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from trace_fixtures import inspect_json, swe_agent, tau

from scrimp.core.system import System

Command = Any

KEYS = {"runs", "successes", "success_rate", "tokens", "cost", "cost_of_pass", "components", "terms", "causes",
        "by_source", "skipped", "waste", "remedies"}  # fmt: skip


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    folder = tmp_path / "traces"
    folder.mkdir()
    for write in (tau, swe_agent, inspect_json):
        write(folder)
    (folder / "README.md").write_text("# Notes\n", encoding="utf-8")
    return folder


def test_one_document_with_what_is_promised(scrimp: Command, traces: Path) -> None:
    said = scrimp("audit", str(traces), "--json", "--runs-per-month", "1000")
    assert said.code == 0
    document = said.json
    assert document.keys() >= KEYS
    assert (document["runs"], document["files"]) == (6, 3)
    assert [Path(item["path"]).name for item in document["skipped"]] == ["README.md"]
    for row in document["remedies"]:
        assert row.keys() >= {"name", "saves", "net", "exactness", "assumes", "how"}
        assert row["saves"].keys() == {"tokens", "cost", "seconds"}
        assert row["exactness"] in ("exact", "hindsight bound", "behavioural")
    assert document["by_source"]["swe-agent"]["recorded"]["cost"]["amount"] == "0.0106"


def test_the_summary_fits_a_terminal(scrimp: Command, traces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = scrimp("audit", str(traces), "--runs-per-month", "1000")
    assert said.code == 0
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert "a month" in said.out
    assert "system prompt" in said.out
    assert "exact" in said.out


def test_page_and_system_are_written_whole(scrimp: Command, traces: Path, tmp_path: Path) -> None:
    said = scrimp("audit", str(traces), "--html", "page.html", "--emit-config", "system.toml", "--failure-cost", "2")
    assert said.code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert System.from_toml(tmp_path / "system.toml").name == "system"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["page.html", "system.toml", "traces"]


def test_what_if_on_another_model(scrimp: Command, traces: Path) -> None:
    other = scrimp("audit", str(traces), "--model", "openai:gpt-4o-mini", "--json").json["what_if"]
    assert 0 < other["ratio"] < 0.2
    wrong = scrimp("audit", str(traces), "--model", "acme:one")
    assert wrong.code == 2
    assert "no price is known of 'acme:one'" in wrong.err


def test_a_model_for_runs_that_name_none(scrimp: Command, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    said = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}
    path.write_text(json.dumps(said), encoding="utf-8")
    assert scrimp("audit", str(path), "--json").json["cost"]["amount"] is None
    assert scrimp("audit", str(path), "--default-model", "gpt-4o", "--json").json["cost"]["state"] == "priced"


def one_line(said: Any, words: str) -> None:
    assert said.code == 2
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert len(lines) == 1, said.err
    assert words in lines[0]


def test_bad_input_is_one_line(scrimp: Command, traces: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    one_line(scrimp("audit", "empty"), "no recorded run in empty")
    one_line(scrimp("audit", "gone.jsonl"), "gone.jsonl: cannot be read")
    one_line(scrimp("audit", str(traces), "--format", "opentelemetri"), "trace format")
    one_line(scrimp("audit", str(traces), "--html", "gone/page.html"), "--html: there is no folder gone")
    one_line(scrimp("audit", str(traces), "--failure-cost", "much"), "--failure-cost much is no amount")
    one_line(scrimp("audit", str(traces), "--prices", "gone.toml"), "gone.toml cannot be read")
    one_line(scrimp("audit", str(traces), "--tools", "gone.json"), "gone.json cannot be read")


def test_a_named_file_that_fails_is_told_and_the_others_are_audited(scrimp: Command, traces: Path) -> None:
    bad = traces / "bad.jsonl"
    bad.write_bytes(b"\x00\x01\x02" * 50)
    said = scrimp("audit", str(traces / "log.json"), str(bad), "--json")
    assert said.code == 2
    assert said.json["runs"] == 1
    assert "bad.jsonl: binary" in said.err
    assert scrimp("audit", str(traces), "--json").code == 0


def test_secrets_are_not_copied_unless_asked_for(scrimp: Command, tmp_path: Path) -> None:
    secret = "sk-" + "proj-Zx8Qp0LmN4vR7sT2yB6wD1hJ9"
    call = {"id": "a", "type": "function", "function": {"name": "get_key", "arguments": "{}"}}
    again = {**call, "id": "b"}
    text = f"the key is {secret} " * 30
    messages = [
        {"role": "user", "content": "key?"}, {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": text}, {"role": "assistant", "tool_calls": [again]},
        {"role": "tool", "tool_call_id": "b", "content": text}, {"role": "assistant", "content": "done"},
    ]  # fmt: skip
    path = tmp_path / "gpt-4o.jsonl"
    path.write_text(json.dumps({"messages": messages}), encoding="utf-8")
    said = scrimp("audit", str(path), "--json", "--html", "page.html")
    assert said.json["waste"]
    assert secret not in said.out
    assert secret not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert secret in scrimp("audit", str(path), "--json", "--show-secrets").out


def test_reconcile(scrimp: Command, traces: Path, tmp_path: Path) -> None:
    header = "date,model,input_tokens,cached_input_tokens,output_tokens\n"
    (tmp_path / "right.csv").write_text(header + "2026-05-12,gpt-4o,360,64,30\n", encoding="utf-8")
    (tmp_path / "wrong.csv").write_text(header + "2026-05-12,gpt-4o,999,0,30\n", encoding="utf-8")
    right = scrimp("audit", "reconcile", "right.csv", str(traces / "log.json"))
    assert right.code == 0, right.out
    assert "1 of 1 lines agree" in right.out
    wrong = scrimp("audit", "reconcile", "wrong.csv", str(traces / "log.json"), "--json")
    assert wrong.code == 1
    assert wrong.json["lines"][0]["state"] == "different"
    one_line(scrimp("audit", "reconcile", "gone.csv", str(traces)), "gone.csv cannot be read")
    one_line(scrimp("audit", "reconcile", "right.csv", "gone"), "there is no gone")


def test_help_speaks_of_paths(scrimp: Command) -> None:
    assert "--runs-per-month" in scrimp("audit", "--help").out


@pytest.mark.skipif("SCRIMP_DATA" not in os.environ, reason="SCRIMP_DATA is not set")
def test_several_processes_give_the_same(scrimp: Command) -> None:
    folder = str(Path(os.environ["SCRIMP_DATA"]) / "agent_traces")
    alone = scrimp("audit", folder, "--json", "--workers", "1").json
    together = scrimp("audit", folder, "--json", "--workers", "2").json
    for document in (alone, together):
        document.pop("command")
    assert alone == together


def test_remedies_of_runs_without_a_price_are_told_in_tokens(scrimp: Command, tmp_path: Path) -> None:
    said = [{"role": role, "content": f"{at} {'word ' * 300}"} for at in range(9) for role in ("user", "assistant")]
    path = tmp_path / "unpriced.jsonl"
    path.write_text(json.dumps({"model": "acme-9", "messages": said}) + "\n", encoding="utf-8")
    out = scrimp("audit", str(path)).out
    assert "window: " in out
    assert "No dollars: nobody states a price of these models." in out
