"""Inspect logs, of years of its format: what each call was sent, who paid for it, and archives of every make."""

from __future__ import annotations

import copy
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from trace_fixtures import document, inspect_sample

from scrimp.audit.inspect_sample import CACHED
from scrimp.audit.measure import Book, measure
from scrimp.audit.reading import Skipped, read
from scrimp.audit.trace import Trace
from scrimp.core.errors import InputError
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models.prices import load

LOG = {"version": 2, "status": "success", "eval": {"run_id": "r1", "task": "weather", "model": "openai/gpt-4o"}}


def log(folder: Path, *samples: Any) -> list[Trace]:
    return list(read(document(folder / "log.json", {**LOG, "samples": list(samples)})))


def changed(**fields: Any) -> Any:
    return {**inspect_sample(), **fields}


def archive(path: Path, members: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, value in {"header.json": LOG, **members}.items():
            packed.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return path


def told(trace: Trace) -> list[Any]:
    """All that must be the same however a sample was written down."""
    steps = [
        (step.request.hash, step.answer.hash, step.usage, step.component, step.started, step.seconds, step.model)
        for step in trace.steps
    ]
    return [*steps, *((use.call.to_json(), use.step, use.result) for use in trace.tools)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"total_tokens": 110, "input_tokens_cache_read": 64}, Usage(36, 64, 0, 10)),  # input holds the cached ones
        ({"total_tokens": 204, "input_tokens_cache_read": 64, "input_tokens_cache_write": 30}, Usage(100, 64, 30, 10)),
        ({"total_tokens": 110, "reasoning_tokens": 7}, Usage(100, 0, 0, 10, 7)),
        ({"input_tokens_cache_read": 64}, Usage(36, 64, 0, 10)),
        ({"total_tokens": 5110, "input_tokens_cache_read": 5000}, Usage(100, 5000, 0, 10)),
    ],
)  # fmt: skip
def test_whether_input_holds_what_the_cache_served_is_read_off_the_total(
    given: Any, expected: Usage, tmp_path: Path
) -> None:
    sample = inspect_sample()
    sample["events"][0]["output"]["usage"] = {"input_tokens": 100, "output_tokens": 10, **given}
    (trace,) = log(tmp_path, sample)
    assert trace.steps[0].usage == expected


def test_older_logs_mark_scorers_by_steps_and_keep_events_inside_events(tmp_path: Path) -> None:
    sample = inspect_sample()
    first, tool, second, _, judged = sample["events"]
    for event in (first, second, judged, tool):
        event.pop("span_id")
    inner = {**copy.deepcopy(judged), "model": "openai/gpt-4o-mini"}
    begun = {"event": "step", "type": "scorer", "action": "begin", "name": "graded"}
    sample["events"] = [first, {**tool, "events": [inner]}, second, begun, judged, {**begun, "action": "end"}]
    (trace,) = log(tmp_path, sample)
    assert [(step.model, step.component) for step in trace.steps] == [
        ("openai:gpt-4o", None), ("openai:gpt-4o-mini", None), ("openai:gpt-4o", None), ("openai:gpt-4o", "harness")
    ]  # fmt: skip
    assert trace.steps[1].where == "samples[0], events[1].events[0]"
    assert [use.step for use in trace.tools] == [0]


def test_a_judge_is_told_by_its_role_and_by_spans_inside_a_scorers(tmp_path: Path) -> None:
    sample = inspect_sample()
    events = sample["events"]
    inside = {"event": "span_begin", "id": "deep", "parent_id": "judge", "type": "solver", "name": "x"}
    events += [inside, {**events[-1], "span_id": "deep"}, {**events[0], "role": "grader"}]
    (trace,) = log(tmp_path, sample)
    assert [step.component for step in trace.steps] == [None, None, "harness", "harness", "harness"]


def test_agents_are_told_where_a_run_has_several(tmp_path: Path) -> None:
    sample = inspect_sample()
    begun = [{"event": "span_begin", "id": name, "parent_id": parent, "type": "agent", "name": name}
             for name, parent in (("lead", ""), ("helper", "lead"))]  # fmt: skip
    first, tool, second, *_ = sample["events"]
    sample["events"] = [*begun, {**first, "span_id": "lead"}, tool, {**second, "span_id": "helper"}]
    (trace,) = log(tmp_path, sample)
    assert [step.agent for step in trace.steps] == ["lead", "helper"]


@pytest.mark.parametrize("form", ["events_data", "message_pool"])
def test_messages_that_are_stored_once(form: str, tmp_path: Path) -> None:
    (plain,) = log(tmp_path, inspect_sample())
    sample = inspect_sample()
    pool = sample["events"][2]["input"]
    sample |= {"events_data": {"messages": pool, "calls": []}} if form == "events_data" else {"message_pool": pool}
    for event in sample["events"]:
        if event["event"] == "model":
            refs = [[0, 1]] if len(event["input"]) == 1 else [[0, 2], [2, 3]]
            event |= {"input": [], "input_refs": refs}
    sample["events"][4]["input_refs"] = [[0, 1], [7, 10**15], "x", [1, 2, 3]]  # what is out of the pool is none
    (trace,) = log(tmp_path, sample)
    assert told(trace) == told(plain)


def test_a_large_sample_in_pieces_is_the_same_run(tmp_path: Path) -> None:
    (plain,) = log(tmp_path, inspect_sample())
    sample = json.loads(json.dumps(inspect_sample()).replace("attachment://abc", "attachment://1"))
    pool, events = sample["events"][2]["input"], sample.pop("events")
    sample.pop("attachments")
    for event in events:
        if event["event"] == "model":
            event["input_refs"] = [[0, len(event.pop("input"))]]
    chunks = {
        "events/0.json": events[:2],
        "events/10.json": events[3:],
        "events/2.json": events[2:3],
        "messages/0.json": pool[:2],
        "messages/2.json": pool[2:],
        "calls/0.json": [1],
        "attachments/0.json": ["no"],
        "attachments/1.json": ["Weather in Oslo?"],
        "events/stats.json": {},
    }
    members = {f"samples/a/b_epoch_1/{name}": value for name, value in chunks.items()}
    members |= {"samples/a/b_epoch_1/sample.json": sample, "samples/2_epoch_1.json": inspect_sample("I")}
    path = archive(tmp_path / "log.eval", members)
    skipped: list[Skipped] = []
    whole, pieces = read(path, "", skipped)
    assert skipped == []
    assert told(pieces) == told(plain)
    assert (whole.reward, pieces.reward) == (0.0, 1.0)


def test_what_inspects_own_cache_answered_cost_nothing(tmp_path: Path) -> None:
    sample = inspect_sample()
    sample["events"][0]["cache"] = "read"
    sample["model_usage"]["openai/gpt-4o"] = {"input_tokens": 260, "output_tokens": 20, "total_tokens": 280,
                                              "input_tokens_cache_read": 64}  # fmt: skip
    (trace,) = log(tmp_path, sample)
    run = measure(trace, Book(load()))
    assert run.calls[0].usage == NO_USAGE
    assert run.calls[0].money.amount == 0
    assert run.disagreements == []
    assert trace.notes == [CACHED]


def test_calls_that_gave_nothing_are_none(tmp_path: Path) -> None:
    sample = inspect_sample()
    sample["events"].insert(1, {"event": "model", "input": [], "output": {"choices": []}, "error": "rate limit"})
    sample["events"].insert(1, {"event": "model", "pending": True})
    (trace,) = log(tmp_path, sample)
    assert len(trace.steps) == 3


def test_failed_tools_are_keyed_by_the_kind_of_error(tmp_path: Path) -> None:
    sample = inspect_sample()
    sample["events"][1] |= {
        "error": {"type": "timeout", "message": "after 5 s"},
        "arguments": {"city": "attachment://abc"},
    }
    (trace,) = log(tmp_path, sample)
    assert [(use.failed, use.error, use.call.arguments) for use in trace.tools] == [
        (True, "timeout", {"city": "Weather in Oslo?"})
    ]


@pytest.mark.parametrize(
    ("value", "reward"),
    [("P", 0.5), ("N", 0.0), (True, 1.0), (0.25, 0.25), (7, None), ("fine", None), ({"x": 1}, None), (None, None)],
)
def test_the_first_scorer_gives_the_reward(value: Any, reward: float | None, tmp_path: Path) -> None:
    (trace,) = log(tmp_path, changed(scores={"a": {"value": value}, "b": {"value": "C"}}))
    assert trace.reward == reward


def test_samples_are_read_one_by_one_and_damaged_ones_left_out(tmp_path: Path) -> None:
    path = archive(tmp_path / "log.eval", {
        "samples/1_epoch_1.json": inspect_sample(), "samples/2_epoch_1.json": b'{"id": 2, "events"',
        "samples/3_epoch_1.json": b"[1]", "samples/4_epoch_1.json": changed(events=None)})  # fmt: skip
    skipped: list[Skipped] = []
    assert len(list(read(path, "", skipped))) == 1
    assert [(item.path.rpartition("/")[2], item.why) for item in skipped] == [
        ("2_epoch_1.json", "cut or damaged"), ("3_epoch_1.json", "no sample"),
        ("4_epoch_1.json", "no call of a model"),
    ]  # fmt: skip


def why(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        list(read(path))
    assert "\n" not in caught.value.message
    return caught.value.message


def patched(path: Path, offset: int, value: int) -> Path:
    """The archive with a two-byte field of every member set, in its directory and in the members' own heads."""
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", offset), (b"PK\x01\x02", offset + 2)):
        found = data.find(mark)
        while found >= 0:
            data[found + at : found + at + 2] = value.to_bytes(2, "little")
            found = data.find(mark, found + 4)
    path.write_bytes(data)
    return path


def test_an_archive_that_cannot_be_unpacked_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zipfile_zstd", None)  # as where it is not installed
    members = {f"samples/{at}_epoch_1.json": inspect_sample() for at in range(3)}
    if not hasattr(zipfile, "ZIP_ZSTANDARD"):
        assert why(patched(archive(tmp_path / "a.eval", members), 8, 93)).startswith("packed with Zstandard")
    assert why(patched(archive(tmp_path / "b.eval", members), 6, 1)) == "encrypted"
    cut = archive(tmp_path / "c.eval", members)
    cut.write_bytes(cut.read_bytes()[:-40])
    assert why(cut) == "the archive is cut or damaged"
    assert why(archive(tmp_path / "d.eval", {"_journal/start.json": LOG})) == "a log without samples"
    assert why(document(tmp_path / "e.json", LOG)).startswith("a log without samples")


@pytest.mark.skipif("SCRIMP_DATA" not in os.environ, reason="SCRIMP_DATA is not set")
def test_graders_of_a_real_log_are_harness() -> None:
    path = Path(os.environ["SCRIMP_DATA"]) / "agent_traces" / "inspect_security-guide.json.gz"
    for trace in read(path):
        assert [step.component for step in trace.steps] == [None, "harness"]
        run = measure(trace, Book(load()))
        assert run.disagreements == []
        assert trace.totals.usage is not None
        assert sum(call.usage.total for call in run.calls) == trace.totals.usage.total
        assert 0 < run.usage.total < trace.totals.usage.total
        assert trace.started is not None
