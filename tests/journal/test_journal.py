"""The journal: what is written is there, once, to the last digit, whoever else writes."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrimp.core.errors import JournalFailed, UnknownName
from scrimp.core.events import COMPONENTS, PHASES, RETRIES, Event, Key, ulid
from scrimp.core.ledger import Ledger
from scrimp.core.messages import Request, ToolSpec, assistant, system, user
from scrimp.core.money import Money
from scrimp.core.task import Task, task_to_json
from scrimp.core.tool import Tool
from scrimp.core.usage import Usage
from scrimp.journal.export import FORMAT, jsonl
from scrimp.journal.journal import Journal, RunRecord
from scrimp.testing import Bench, ScriptedModel


@pytest.fixture
def journal(place: Path | str) -> Iterator[Journal]:
    opened = Journal(place)
    yield opened
    opened.close()


def record(run: str = "", **more: Any) -> RunRecord:
    task = task_to_json(Task("t1", "今天会下雨吗？", (Tool("look", "看", {"type": "object"}),)))
    return RunRecord(run or ulid(), task, {"model": "local"}, **more)


def event(run: str, ordinal: int = 0, **more: Any) -> Event:
    facts = {"kind": "model", "component": "planning", "name": "m", **more}
    return Event(ulid(), Key(run, "/", "complete", ordinal), **facts)


# -- runs ------------------------------------------------------------------------------------------


def test_a_run_is_read_as_it_was_written(journal: Journal) -> None:
    written = record(system_hash="h", models={"main": {"name": "m"}}, prices="p", budget={"usd": "0.02"}, seed=3,
                     version="v", experiment="e", labels={"类": "天气"}, started=12.5)  # fmt: skip
    journal.begin(written)
    read = journal.run(written.id)
    assert read.status == "running"
    assert read.answer is None
    assert read.owner
    journal.end(written.id, "done", {"text": "会"}, 1.25, 4)
    read = journal.run(written.id)
    assert (read.status, read.answer, read.wall_seconds, read.steps) == ("done", {"text": "会"}, 1.25, 4)
    for name in ("id", "task", "system", "system_hash", "models", "prices", "budget", "seed", "version", "experiment",
                 "labels", "started"):  # fmt: skip
        assert getattr(read, name) == getattr(written, name)


def test_runs_are_found_by_a_beginning_by_label_by_experiment_and_as_the_last(journal: Journal) -> None:
    made = [record(labels={"n": str(number % 2)}, experiment="e" if number > 2 else "") for number in range(5)]
    for item in made:
        journal.begin(item)
    assert [item.id for item in journal.runs()] == [item.id for item in reversed(made)]
    assert [item.id for item in journal.runs(labels={"n": "1"})] == [made[3].id, made[1].id]
    assert [item.id for item in journal.runs(experiment="e", labels={"n": "0"})] == [made[4].id]
    assert len(journal.runs(limit=2)) == 2
    assert journal.run("last").id == made[4].id
    assert journal.run(made[2].id.lower()).id == made[2].id
    with pytest.raises(UnknownName, match="several runs begin so"):
        journal.run(made[0].id[:4])
    with pytest.raises(UnknownName, match="scrimp runs list"):
        journal.run("zzz")


def test_an_empty_journal_has_no_last_run(journal: Journal) -> None:
    assert journal.runs() == []
    with pytest.raises(UnknownName):
        journal.run("last")


# -- events and ledgers ----------------------------------------------------------------------------


@st.composite
def events(draw: Any) -> list[dict[str, Any]]:
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        attempt = draw(st.integers(1, 2))
        digits = draw(st.integers(0, 10**20))
        money = draw(st.sampled_from([Money(), Money.unknown(), Money.priced(Decimal(digits).scaleb(-18), "p 2026"),
                                      Money(None, "unknown", "p", known=Decimal(digits).scaleb(-9))]))  # fmt: skip
        rows.append({
            "kind": draw(st.sampled_from(["model", "tool", "decision"])),
            "component": draw(st.sampled_from(COMPONENTS)),
            "phase": draw(st.sampled_from(["", *PHASES])), "attempt": attempt, "money": money,
            "retry": draw(st.sampled_from(RETRIES)) if attempt > 1 else "",
            "prompt": draw(st.sampled_from(["", "p@1"])),
            "usage": Usage(*draw(st.tuples(*[st.integers(0, 10**9)] * 6))), "busy_us": draw(st.integers(0, 10**12)),
            "name": draw(st.sampled_from(["m", "名"])), "started": draw(st.floats(0, 2e9)), "round": 3, "agent": "a",
            "parent": "p", "status": "ok", "request_hash": "r",
        })  # fmt: skip
    return rows


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=events())
def test_the_ledger_from_the_journal_is_the_ledger_of_the_run_to_the_last_digit(
    journal: Journal, rows: list[dict[str, Any]]
) -> None:
    run = record()
    journal.begin(run)
    live = [event(run.id, ordinal, **row) for ordinal, row in enumerate(rows)]

    async def write() -> None:
        for item in live:
            await journal.commit(item, None, {"x": 1})

    anyio.run(write)
    assert journal.events(run.id) == live
    ledger = journal.ledger(run.id)
    assert ledger == Ledger.of(live)
    assert ledger.to_json() == Ledger.of(live).to_json()


def test_texts_are_stored_once_and_come_back_whole(journal: Journal) -> None:
    run = record()
    journal.begin(run)
    before = _count(journal, "payloads")
    spec = ToolSpec("look", "看", {"type": "object"})
    messages = [system("很长的说明 " * 100), user("q")]

    async def write() -> None:
        for ordinal in range(4):
            request = Request(tuple(messages), (spec,), max_output=5, logprobs=2)
            await journal.commit(event(run.id, ordinal), request, {"n": ordinal})
            messages.append(assistant(f"a{ordinal}"))

    anyio.run(write)
    # 2 + 3 messages and 1 list of tools; what belongs to one call alone, and is short, stands in its event.
    assert _count(journal, "payloads") - before == 5 + 1
    steps = list(journal.steps(run.id))
    assert [step["response"] for step in steps] == [{"n": ordinal} for ordinal in range(4)]
    last = steps[-1]["request"]
    assert last["messages"] == [message.to_json() for message in messages[:-1]]
    assert last["tools"] == [spec.to_json()]
    assert (last["max_output"], last["logprobs"]) == (5, 2)
    long = journal._connection.execute("SELECT max(length(data)) FROM payloads").fetchone()[0]
    assert long < len("很长的说明 ".encode()) * 100 / 4, "and compressed"


def _count(journal: Journal, table: str) -> int:
    return int(journal._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_calls_in_flight_are_known_with_their_worst(journal: Journal) -> None:
    run = record()
    journal.begin(run)
    sent = [event(run.id, ordinal, usage=Usage(100, output=9), money=Money.priced(Decimal("0.1"), "p"), status="cut")
            for ordinal in range(3)]  # fmt: skip

    async def write() -> None:
        for item in sent:
            await journal.reserve(item, {"tokens": 109, "usd": Decimal("0.1")})
        await journal.commit(sent[1], None, {})

    anyio.run(write)
    assert journal.in_flight(run.id) == [sent[0], sent[2]]
    assert journal.events(run.id) == [sent[1]]


def test_what_does_not_commit_is_not_there_and_can_be_written_again(journal: Journal) -> None:
    run = record()
    journal.begin(run)
    one = event(run.id)

    async def write() -> None:
        await journal.commit(one, None, {"first": 1})
        with pytest.raises(JournalFailed, match=r"(?i)unique"):
            await journal.commit(one, Request((user("新"),)), {"second": 2})
        await journal.commit(event(run.id, 1), Request((user("新"),)), {"second": 2})

    anyio.run(write)
    steps = list(journal.steps(run.id))
    assert [step["response"] for step in steps] == [{"first": 1}, {"second": 2}]
    assert steps[1]["request"]["messages"] == [user("新").to_json()]


def test_a_text_that_is_no_unicode_survives(journal: Journal) -> None:
    run = record()
    journal.begin(run)
    anyio.run(journal.commit, event(run.id), Request((user("bad \ud800"),)), {"text": "\udcff"})
    (step,) = journal.steps(run.id)
    assert step["response"] == {"text": "\udcff"}


# -- files -----------------------------------------------------------------------------------------


def test_a_newer_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(JournalFailed, match=r"newer scrimp \(schema 99.*update scrimp"):
        Journal(path)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    path.write_text("precious notes " * 100, encoding="utf-8")
    with pytest.raises(JournalFailed, match=r"not a database.*move the file away"):
        Journal(path)
    assert path.read_text(encoding="utf-8").startswith("precious")


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal = Journal(path)
    for _ in range(30):
        journal.begin(record(labels={"x": "y" * 500}))
    journal.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)

    def use() -> None:
        damaged = Journal(path)
        try:
            damaged.runs()
        finally:
            damaged.close()

    with pytest.raises(JournalFailed) as caught:
        use()
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(JournalFailed, match="set SCRIMP_HOME"):
        Journal(tmp_path / "file" / "deep" / "j.sqlite")


def test_a_place_that_is_opened_again_still_holds_everything(place: Path | str) -> None:
    run = record()
    first = Journal(place, full=True)
    first.begin(run)
    first.close()
    again = Journal(place)
    assert again.run(run.id).task["text"] == "今天会下雨吗？"
    again.close()


RUNS, CALLS = 4, 15


def _write(place: str, number: int) -> None:
    """What one of several processes does."""
    journal = Journal(place)

    async def work() -> None:
        for run in range(RUNS):
            item = RunRecord(ulid(), {"tools": [{"shared": True}]}, {}, labels={"process": str(number)})
            journal.begin(item)
            for ordinal in range(CALLS):
                made = event(item.id, ordinal, usage=Usage(input=number + 1))
                await journal.reserve(made, {"tokens": 1})
                await journal.commit(made, Request((user("the same 一样"),)), {"n": ordinal, "p": number})
            journal.end(item.id, "done", {"text": str(run)}, 0.1, 1)

    anyio.run(work)
    journal.close()


def test_several_processes_share_a_journal(place: Path | str) -> None:
    """They even make it at once."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write, args=(str(place), number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    journal = Journal(place)
    for number in range(3):
        runs = journal.runs(labels={"process": str(number)})
        assert len(runs) == RUNS
        for item in runs:
            assert journal.ledger(item.id).total.tokens.input == CALLS * (number + 1)
            assert not journal.in_flight(item.id)
            assert [step["response"]["p"] for step in journal.steps(item.id)] == [number] * CALLS
    journal.close()


# -- reads of it -----------------------------------------------------------------------------------


def recorded_run(journal: Journal) -> Bench:
    bench = Bench(ScriptedModel(["会下雨。"]), sink=journal)
    journal.begin(RunRecord(bench.run_id, task_to_json(Task("t", "天气？")), {"model": "local"}))

    async def work() -> None:
        from scrimp.core.prompt import Prompt

        await bench.ctx.now()
        await bench.ctx.complete([user("天气？")], prompt=Prompt("p", 1, ""))

    anyio.run(work)
    return bench


def test_a_run_as_lines_of_json(journal: Journal) -> None:
    bench = recorded_run(journal)
    lines = list(jsonl(journal, bench.run_id[:10]))
    assert all("\n" not in line for line in lines)
    head, clock, call = map(json.loads, lines)
    assert (head["format"], head["id"], head["task"]["text"]) == (FORMAT, bench.run_id, "天气？")
    assert head["ledger"]["total"] == bench.ledger.to_json()["total"]
    assert (clock["kind"], clock["response"]) == ("now", bench.clock.now())
    assert call["request"]["messages"][0]["parts"][0]["text"] == "天气？"
    assert call["response"]["message"]["parts"][0]["text"] == "会下雨。"
    assert "天气" in lines[2], "readable as it is"


def test_recorded_answers_are_found_by_identity_and_attempt(journal: Journal) -> None:
    bench = recorded_run(journal)
    recording = journal.recording(bench.run_id, strict=True)
    found = recording.find(Key("any", "/", "complete", 0), 1)
    assert found is not None
    assert found.event == bench.events[1]
    assert found.response["message"]["parts"][0]["text"] == "会下雨。"
    assert recording.find(Key("any", "/", "complete", 1), 1) is None
    assert recording.find(Key("any", "/", "complete", 0), 2) is None
