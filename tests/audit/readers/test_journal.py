"""scrimp's own runs: an audit of a journal, or of its export, gives the very ledgers that the runs had."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scrimp.agent import Agent
from scrimp.audit.audit import Options, audit_paths
from scrimp.audit.measure import measure
from scrimp.audit.reading import Skipped, read
from scrimp.core.budget import Budget
from scrimp.core.ledger import Ledger
from scrimp.core.messages import Request, Response, ToolCall, assistant
from scrimp.core.system import System
from scrimp.evaluate.experiment import compare
from scrimp.journal.export import jsonl
from scrimp.journal.journal import Journal
from scrimp.outfit import Parts
from scrimp.testing import ScriptedModel
from scrimp.tools.sources.python import tool

PARTITIONS = ("total", "components", "terms", "phases", "retries", "prompts", "harness")


@tool(price="0.001")
def rate(a: str, b: str) -> float:
    """Exchange rate."""
    return 2.0


def answer(request: Request) -> Response | str:
    """Two calls of the priced tool, then an answer."""
    asked = sum(message.role == "tool" for message in request.messages)
    if asked < 2:
        return Response(assistant("", [ToolCall(f"c{asked}", "rate", {"a": "EUR", "b": "NOK"})]), "tool_calls")
    return "2.0 克朗"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    for text in ("Rate?", "汇率是多少？", "Again?"):
        parts = Parts(models={"main": ScriptedModel(answer)})
        agent = Agent(System(name="mine"), tools=[rate], parts=parts, journal=opened, budget=Budget(usd="1"))
        agent.run(text, labels={"team": "fx"})
    yield opened
    opened.close()


def exported(journal: Journal, path: Path) -> Path:
    runs = reversed(journal.runs())
    path.write_text("".join(f"{line}\n" for run in runs for line in jsonl(journal, run.id)), encoding="utf-8")
    return path


def ledgers(path: Path) -> dict[str, Ledger]:
    return {trace.id: Ledger.of(measure_events(trace), trace.seconds or 0.0) for trace in read(path)}


def measure_events(trace):  # type: ignore[no-untyped-def]
    from scrimp.audit.audit import open_book

    return measure(trace, open_book()).events


@pytest.mark.parametrize("form", ["journal", "export"])
def test_the_ledger_is_the_runs_own_to_the_last_digit(form: str, journal: Journal, tmp_path: Path) -> None:
    path = journal.path if form == "journal" else exported(journal, tmp_path / "runs.jsonl")
    found = ledgers(path)
    assert len(found) == 3
    for run, ledger in found.items():
        own = journal.ledger(run).to_json()
        mine = ledger.to_json()
        assert {key: mine[key] for key in PARTITIONS} == {key: own[key] for key in PARTITIONS}
        assert mine["wall_seconds"] == own["wall_seconds"]
        assert mine["events"] == own["events"]


@pytest.mark.parametrize("form", ["journal", "export"])
def test_the_audit_sums_the_ledgers(form: str, journal: Journal, tmp_path: Path) -> None:
    path = journal.path if form == "journal" else exported(journal, tmp_path / "runs.jsonl")
    document = audit_paths([path], Options(workers=1)).to_json()
    whole = Ledger.of(())
    for run in journal.runs():
        whole = whole + journal.ledger(run.id)
    own = whole.to_json()
    assert document["runs"] == 3
    assert document["tokens"] == own["total"]["tokens"]
    assert {key: document["cost"][key] for key in own["total"]["cost"]} == own["total"]["cost"]
    for partition in ("components", "terms", "phases", "retries", "prompts"):
        assert document[partition] == own[partition]
    assert document["labels"]["team=fx"]["calls"] == own["total"]["calls"]
    assert document["estimated"] == 0


def test_the_journal_is_not_touched(journal: Journal) -> None:
    before = {item.name: item.stat().st_mtime_ns for item in journal.path.parent.iterdir()}
    list(read(journal.path))
    assert {item.name: item.stat().st_mtime_ns for item in journal.path.parent.iterdir()} == before


def test_a_copy_without_its_log_is_read_and_a_packed_one_too(journal: Journal, tmp_path: Path) -> None:
    journal.close()  # the log goes into the file
    alone, packed = tmp_path / "alone" / "j.db", tmp_path / "packed" / "j.sqlite.gz"
    for path, data in ((alone, journal.path.read_bytes()), (packed, gzip.compress(journal.path.read_bytes()))):
        path.parent.mkdir()
        path.write_bytes(data)
        assert len(list(read(path))) == 3
        assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_journal_that_is_written_meanwhile_is_read_whole(journal: Journal) -> None:
    assert (journal.path.parent / "journal.sqlite-wal").stat().st_size > 0
    assert len(list(read(journal.path))) == 3


def test_an_sqlite_file_of_something_else_is_one_line(tmp_path: Path) -> None:
    path, skipped = tmp_path / "other.sqlite", list[Skipped]()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE things (name)")
    assert list(read(path, "", skipped)) == []
    assert skipped == [Skipped(str(path), "an SQLite file without runs of scrimp")]


def test_damaged_events_are_left_out_and_the_rest_is_told(journal: Journal, tmp_path: Path) -> None:
    path = exported(journal, tmp_path / "runs.jsonl")
    text = path.read_text(encoding="utf-8").splitlines()
    damaged = json.loads(text[1])
    text[1] = json.dumps({**damaged, "component": "elsewhere"})
    text[2] = text[2][:100]
    text.insert(0, text[3])  # an event before any run
    path.write_text(
        "\n".join([*text, '{"format": "scrimp-run/1", "id": 7, "task": [], "labels": 3}']), encoding="utf-8"
    )
    skipped: list[Skipped] = []
    found = list(read(path, "journal", skipped))
    assert [len(trace.steps) for trace in found] == [2, 3, 3, 0]
    assert {item.why for item in skipped} == {
        "no event of a run", "an event that is damaged, or of another version", "the JSON is cut off"
    }  # fmt: skip


def test_steps_hold_what_the_model_saw(journal: Journal) -> None:
    trace = next(iter(read(journal.path)))
    assert trace.steps[0].request.tools[0].name == "rate"
    assert [use.call.arguments for use in trace.tools] == [{"a": "EUR", "b": "NOK"}] * 2
    assert [use.step for use in trace.tools] == [0, 1]
    assert trace.tools[0].message in trace.steps[1].request.messages
    assert any(message is trace.steps[0].answer for message in trace.steps[1].request.messages)


def test_rewards_come_from_an_experiments_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path))
    result = compare(["baseline"], "toolworld", model="oracle?error=0.3", n=6, out=tmp_path / "out")
    document = audit_paths([tmp_path / "out" / "journal.sqlite"], Options(workers=1)).to_json()
    assert document["runs"] == 6
    assert document["success_rate"]["mean"] == pytest.approx(result["systems"][0]["effectiveness"]["mean"])
    journal = Journal(tmp_path / "out" / "journal.sqlite")
    path = exported(journal, tmp_path / "out" / "runs.jsonl")
    journal.close()
    told = {trace.id: trace.reward for trace in read(tmp_path / "out" / "journal.sqlite")}
    assert {trace.id: trace.reward for trace in read(path)} == told
    assert None not in told.values()
