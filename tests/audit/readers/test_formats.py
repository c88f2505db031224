"""Every trace format: told by its own reader only, and read with the figures that its maker meant."""

from __future__ import annotations

import os
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from trace_fixtures import WRITERS, lines

from scrimp.audit.measure import Book, measure
from scrimp.audit.reading import READERS, Skipped, head_of, read, reader_of
from scrimp.audit.trace import Trace
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models.prices import load

BOOK = Book(load())


def traces(name: str, folder: Path, skipped: list[Skipped] | None = None) -> list[Trace]:
    return list(read(WRITERS[name][1](folder), "", skipped))


def usage(trace: Trace) -> Usage:
    total = NO_USAGE
    for step in trace.steps:
        assert step.usage is not None
        total = total + (NO_USAGE if step.component == "harness" else step.usage)
    return total


@pytest.mark.parametrize("name", WRITERS)
def test_each_file_is_told_by_its_own_reader(name: str, tmp_path: Path) -> None:
    expected, write = WRITERS[name]
    path = write(tmp_path)
    assert reader_of(path).__name__ == f"scrimp.audit.readers.{expected.replace('-', '_')}"
    for trace in read(path):
        assert trace.source == expected
    head = head_of(path)
    claims = [reader for reader in READERS if reader_of(path, reader.replace("_", "-")).sniff(head)]
    assert claims[0] == expected.replace("-", "_"), claims


@pytest.mark.parametrize("name", WRITERS)
def test_messages_that_are_sent_again_are_the_same_objects(name: str, tmp_path: Path) -> None:
    for trace in traces(name, tmp_path):
        agents = [step for step in trace.steps if step.component != "harness"]
        for before, after in pairwise(agents):
            shared = after.request.messages[: len(before.request.messages)]
            assert all(one is other for one, other in zip(before.request.messages, shared, strict=True))
            assert any(message is before.answer for message in after.request.messages)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "openinference"])
def test_the_tool_call_is_linked_to_its_step_and_its_result(name: str, tmp_path: Path) -> None:
    trace = max(traces(name, tmp_path), key=lambda one: len(one.steps))
    use = trace.tools[0]
    assert use.step == 0
    assert use.message is not None
    assert use.message in trace.steps[1].request.messages
    assert use.result


def test_tau_bench_transcripts(tmp_path: Path) -> None:
    found = traces("tau", tmp_path)
    assert [(trace.task, trace.reward) for trace in found] == [("0", 1.0), ("0", 0.0), ("1", 1.0), ("1", 0.0)]
    assert found[0].tools_told is False
    assert [step.answer.text for step in found[0].steps] == ["", "It rains in Oslo, 11 degrees."]
    run = measure(found[0], BOOK)
    assert run.calls[0].model == "openai:gpt-4o"  # read off the file's name
    harness = [event for event in run.events if event.component == "harness"]
    assert harness[0].money.amount == Decimal("0.001")
    assert run.money.amount is not None
    assert run.money.state == "priced"


def test_request_logs_are_put_together_by_how_messages_go_on(tmp_path: Path) -> None:
    first, second = sorted(traces("openai_log", tmp_path), key=lambda trace: -len(trace.steps))
    assert [len(first.steps), len(second.steps)] == [2, 1]
    assert usage(first) == Usage(input=180, cached_input=100, output=32, reasoning=8)
    assert first.steps[0].seconds == 1.5
    assert first.steps[0].request.tools[0].name == "get_weather"
    assert first.steps[0].request.effort == "low"


def test_anthropic_logs(tmp_path: Path) -> None:
    (trace,) = traces("anthropic_log", tmp_path)
    assert usage(trace) == Usage(input=55, cached_input=1100, cache_write=1160, output=47)
    assert trace.steps[0].model == "anthropic:claude-sonnet-4-5-20250929"
    assert trace.steps[0].reasoning == "Where is that?"
    assert trace.steps[1].started == trace.steps[0].started + 5  # type: ignore[operator]
    assert (trace.tools[0].failed, trace.tools[0].error) == (True, "Error: no such city")
    run = measure(trace, BOOK)
    expected = (3 * Decimal(55) + Decimal("0.3") * 1100 + Decimal("3.75") * 1160 + 15 * Decimal(47)).scaleb(-6)
    assert run.money.amount == expected


def test_swe_agent_bills_to_the_cent_and_the_token(tmp_path: Path) -> None:
    (trace,) = traces("swe_agent", tmp_path)
    run = measure(trace, BOOK)
    assert run.usage == Usage(input=1000, output=20)
    assert run.money.amount == Decimal("0.0106")
    assert run.money.state == "metered"
    assert run.calls[0].model == "openai:gpt-4-turbo"  # 10 and 30 dollars per million give the recorded cost
    assert run.disagreements == []
    assert [use.call.name for use in trace.tools] == ["python", "submit"]
    assert (trace.tools[0].failed, trace.tools[0].error) == (True, "ValueError")
    assert trace.reward is None
    assert len(trace.steps[0].request.messages) == 3  # the demonstration is part of the prompt


@pytest.mark.parametrize(("name", "reward"), [("inspect_json", 1.0), ("inspect_eval", 0.0)])
def test_inspect_logs(name: str, reward: float, tmp_path: Path) -> None:
    (trace,) = traces(name, tmp_path)
    assert trace.reward == reward
    assert trace.steps[0].request.messages[0].text == "Weather in Oslo?"  # from the attachments
    assert [step.component for step in trace.steps] == [None, None, "harness"]
    assert usage(trace) == Usage(input=196, cached_input=64, output=20)
    run = measure(trace, BOOK)
    assert run.disagreements == []  # the agent's and the judge's calls sum to what the sample states
    assert trace.tools[0].seconds == 0.5


def test_otel_spans(tmp_path: Path) -> None:
    (trace,) = traces("otel", tmp_path)
    assert usage(trace) == Usage(input=196, cached_input=64, output=20)
    assert trace.steps[0].model == "openai:gpt-4o"
    assert (trace.steps[1].seconds, trace.seconds) == (3.0, 9.0)
    assert trace.labels == {"service.name": "weather-bot"}
    assert trace.tools_told is False
    assert trace.tools[0].call.arguments == {"city": "Oslo"}


def test_openinference_names(tmp_path: Path) -> None:
    (trace,) = traces("openinference", tmp_path)
    assert usage(trace) == Usage(input=80, cached_input=20, output=10)
    assert trace.steps[0].answer.text == "Rain."
    assert [(event.kind, event.component) for event in trace.others] == [("memory_read", "memory")]


def test_langsmith_exports(tmp_path: Path) -> None:
    (trace,) = traces("langsmith", tmp_path)
    assert usage(trace) == Usage(input=196, cached_input=64, output=20)
    assert trace.reward == 1.0
    assert trace.labels["team"] == "search"
    assert measure(trace, BOOK).money.amount == Decimal("0.001")
    assert trace.tools[0].seconds == 1.0


def test_langfuse_exports(tmp_path: Path) -> None:
    (trace,) = traces("langfuse", tmp_path)
    assert usage(trace) == Usage(input=196, cached_input=64, output=20)
    assert trace.reward == 1.0
    assert measure(trace, BOOK).money.amount == Decimal("0.0008")
    assert trace.labels["userId"] == "u7"


def test_claude_code_counts_an_answer_once(tmp_path: Path) -> None:
    (trace,) = traces("claude_code", tmp_path)
    assert len(trace.steps) == 2
    assert usage(trace) == Usage(input=20, cached_input=24000, cache_write=2100, output=180)
    assert [call.name for call in trace.steps[0].answer.tool_calls] == ["Read"]
    assert trace.steps[0].answer.text == "I will."


def test_codex_rollouts(tmp_path: Path) -> None:
    (trace,) = traces("codex", tmp_path)
    assert usage(trace) == Usage(input=1100, cached_input=9000, output=90, reasoning=10)
    assert trace.steps[0].model == "openai:gpt-5-codex"
    assert (trace.tools[0].failed, trace.tools[0].error) == (True, "exit 2")
    assert trace.id == "c1"


def test_what_a_reader_cannot_use_is_left_out_and_told(tmp_path: Path) -> None:
    skipped: list[Skipped] = []
    path = lines(tmp_path / "mixed.jsonl", {"messages": [{"role": "user", "content": "hi"},
                                                         {"role": "assistant", "content": "ho"}]}, [1, 2],
                 {"messages": [{"role": "user", "content": "alone"}]}, {"x": 1})  # fmt: skip
    assert len(list(read(path, "", skipped))) == 1
    assert [item.why for item in skipped] == ["no object", "no message of a model", "neither messages nor a request"]


@pytest.mark.skipif("SCRIMP_DATA" not in os.environ, reason="SCRIMP_DATA is not set")
class TestRealTraces:
    folder = Path(os.environ.get("SCRIMP_DATA", "")) / "agent_traces"

    def runs(self, name: str) -> list[Trace]:
        return list(read(self.folder / name))

    def test_tau_bench(self) -> None:
        found = self.runs("tau_bench_gpt-4o_airline.jsonl.gz")
        assert len(found) == 160
        assert sum(trace.reward or 0 for trace in found) / 160 == 0.4125
        assert len({trace.id for trace in found}) == 160

    @pytest.mark.parametrize(
        ("name", "sent", "received", "cost"),
        [("pydicom-1458", 122612, 1369, "1.26719"), ("test-repo-i1", 52861, 326, "0.53839")],
    )
    def test_swe_agent(self, name: str, sent: int, received: int, cost: str) -> None:
        (trace,) = self.runs(f"sweagent_gpt4_{name}.traj.gz")
        run = measure(trace, BOOK)
        assert run.usage == Usage(input=sent, output=received)
        assert run.money.amount == Decimal(cost)
        ours = sum((BOOK.price(call.model, call.usage).amount or 0 for call in run.calls), Decimal(0))
        assert abs(ours - Decimal(cost)) < Decimal("0.005")
        assert len(run.calls) == trace.totals.calls

    def test_a_replays_zeros_are_unknown(self) -> None:
        (trace,) = self.runs("sweagent_marshmallow-1867_function_calling.traj.gz")
        assert trace.totals.usage is None
        assert trace.totals.cost is None
        run = measure(trace, BOOK)
        assert run.usage.total > 0
        assert not run.calls[0].told

    @pytest.mark.parametrize(
        ("name", "runs", "sent", "cached", "written"),
        [("inspect_browser.json.gz", 1, 15235, 9088, 281), ("inspect_popularity.eval", 10, None, 0, 20)],
    )
    def test_inspect(self, name: str, runs: int, sent: int | None, cached: int, written: int) -> None:
        found = self.runs(name)
        assert len(found) == runs
        total = NO_USAGE
        for trace in found:
            assert measure(trace, BOOK).disagreements == []
            total = total + usage(trace)
        assert (total.cached_input, total.output) == (cached, written)
        if sent is not None:
            assert total.prompt == sent
