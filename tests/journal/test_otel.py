"""Spans: read back by OpenTelemetry's own messages and by the audit, with the totals that the ledger has."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from journaled import SECRET, fill

from scrimp.agent import Agent
from scrimp.audit.audit import Options, audit_paths
from scrimp.core.messages import Request, Response, ToolCall, assistant
from scrimp.core.system import System
from scrimp.journal.journal import Journal
from scrimp.journal.otel import requests
from scrimp.outfit import Parts
from scrimp.testing import PRICES, ScriptedModel
from scrimp.tools.sources.python import tool


@tool(price="0.0015")
def rate(a: str, b: str) -> float:
    """Exchange rate."""
    return 2.0


def answer(asked: Request) -> Response | str:
    if not any(message.role == "tool" for message in asked.messages):
        return Response(assistant("先查。", [ToolCall("c", "rate", {"a": "EUR", "b": "NOK"})]), "tool_calls")
    return "2.0 克朗"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    for text in ("Rate?", "汇率是多少？"):
        parts = Parts(models={"main": ScriptedModel(answer)}, prices=PRICES)
        Agent(System(name="mine"), tools=[rate], parts=parts, journal=opened).run(text, labels={"team": "fx"})
    yield opened
    opened.close()


def exported(journal: Journal, *, content: bool = False) -> list[dict[str, Any]]:
    return list(requests(journal, journal.ids(), content=content))


def spans(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [span for one in found for span in one["resourceSpans"][0]["scopeSpans"][0]["spans"]]


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_every_event_is_a_span_below_its_run(journal: Journal) -> None:
    found = spans(exported(journal))
    roots = [span for span in found if "parentSpanId" not in span]
    assert len(roots) == 2
    assert len({span["spanId"] for span in found}) == len(found)
    for root in roots:
        below = [span for span in found if span["traceId"] == root["traceId"] and span is not root]
        assert [span["name"] for span in below] == ["chat scripted", "execute_tool rate", "chat scripted"]
        assert {span["parentSpanId"] for span in below} == {root["spanId"]}
        assert attributes(root)["scrimp.label.team"] == "fx"
        assert all(len(span["traceId"]) == 32 and len(span["spanId"]) == 16 for span in below)
        assert all(int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]) for span in below)


def test_costs_and_tokens_are_the_ledgers(journal: Journal) -> None:
    for record in journal.runs():
        ledger = journal.ledger(record.id)
        own = [attributes(span) for span in spans(list(requests(journal, [record.id])))]
        cost = sum((Decimal(repr(one.get("gen_ai.usage.cost", 0.0))) for one in own), Decimal(0))
        assert cost == ledger.total.cost.amount
        for key, tokens in (
            ("input_tokens", ledger.total.tokens.prompt),
            ("output_tokens", ledger.total.tokens.output),
        ):
            assert sum(int(one.get(f"gen_ai.usage.{key}", 0)) for one in own) == tokens


def test_words_are_told_only_where_they_are_asked_for(journal: Journal) -> None:
    quiet, told = json.dumps(exported(journal)), json.dumps(exported(journal, content=True), ensure_ascii=False)
    assert "EUR" not in quiet
    assert "gen_ai.input.messages" not in quiet
    assert "汇率是多少" in told
    assert "2.0 克朗" in told


def test_the_audit_reads_it_with_equal_totals(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "spans.json"
    lines = [json.dumps(one, ensure_ascii=False) for one in exported(journal, content=True)]
    file.write_text("\n".join(lines), encoding="utf-8")
    document = audit_paths([file], Options(workers=1)).to_json()
    own = [journal.ledger(record.id) for record in journal.runs()]
    assert document["runs"] == 2
    assert Decimal(document["cost"]["amount"]) == sum(ledger.total.cost.amount or 0 for ledger in own)
    assert document["tokens"]["output"] == sum(ledger.total.tokens.output for ledger in own)
    terms = {name: Decimal(cell["cost"]["amount"]) for name, cell in document["terms"].items()}
    assert terms["tools"] == Decimal("0.003")
    assert (document["cost"]["state"], document["cost"]["prices"]) == ("priced", own[0].total.cost.prices)


def test_opentelemetry_itself_reads_it(journal: Journal) -> None:
    pb2 = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    found = exported(journal, content=True)
    for span in spans(found):  # protobuf's JSON writes ids in base64, OTLP's in hex
        for key in ("traceId", "spanId", "parentSpanId"):
            if key in span:
                span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    messages = [json_format.ParseDict(one, pb2.ExportTraceServiceRequest()) for one in found]
    read = [span for message in messages for scope in message.resource_spans[0].scope_spans for span in scope.spans]
    assert len(read) == 8
    own = {key.key: key.value for span in read for key in span.attributes}
    assert own["gen_ai.operation.name"].string_value in ("chat", "execute_tool", "invoke_agent")
    total = sum(key.value.double_value for span in read for key in span.attributes if key.key == "gen_ai.usage.cost")
    ledgers = [journal.ledger(record.id).total.cost.amount or Decimal(0) for record in journal.runs()]
    assert total == pytest.approx(float(sum(ledgers)))


@pytest.fixture
def mixed(tmp_path: Path) -> Iterator[Journal]:
    """Failures, nested calls, a judge, unknown prices, hostile names."""
    opened = Journal(tmp_path / "mixed.sqlite")
    fill(opened)
    yield opened
    opened.close()


def test_names_are_the_conventions(mixed: Journal) -> None:
    semconv = pytest.importorskip("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    error = pytest.importorskip("opentelemetry.semconv.attributes.error_attributes").ERROR_TYPE
    server = pytest.importorskip("opentelemetry.semconv.attributes.server_attributes")
    known = {value for name, value in vars(semconv).items() if name.startswith("GEN_AI_")}
    known |= {error, server.SERVER_ADDRESS, server.SERVER_PORT, "gen_ai.usage.cost"}  # the last is proposed
    told = [attributes(span) for span in spans(exported(mixed, content=True))]
    names = {name for own in told for name in own}
    assert {name for name in names if not name.startswith("scrimp.")} <= known
    assert {own.get("gen_ai.operation.name") for own in told} - {None, "evaluation"} <= {
        value.value for value in semconv.GenAiOperationNameValues
    }
    chats = [own for own in told if own.get("gen_ai.operation.name") == "chat"]
    assert {(own["gen_ai.provider.name"], own["gen_ai.request.model"]) for own in chats} == {
        ("scrimp", "small"), ("openai", "gpt-5"), ("openai", "qwen"),
    }  # fmt: skip
    assert [(own["server.address"], own["server.port"]) for own in chats if "server.port" in own] == [
        ("me.example", "8080")
    ]
    assert sorted(own[error] for own in told if error in own) == ["cut", "error"]


def test_a_span_is_not_over_before_what_happened_in_it(mixed: Journal) -> None:
    found = {span["spanId"]: span for span in spans(exported(mixed))}
    inside = [span for span in found.values() if span.get("parentSpanId")]
    assert len(inside) == len(found) - 3
    for span in inside:
        above = found[span["parentSpanId"]]
        assert int(above["endTimeUnixNano"]) >= int(span["endTimeUnixNano"])
    assert SECRET not in json.dumps(list(found.values()))


def test_what_judges_cost_is_beside_the_total_also_in_the_audit(mixed: Journal, tmp_path: Path) -> None:
    run = mixed.ids()[0]
    lines = [json.dumps(one) for one in requests(mixed, [run], content=True)]
    (tmp_path / "spans.jsonl").write_text("\n".join(lines), encoding="utf-8")
    document = audit_paths([tmp_path / "spans.jsonl"], Options(workers=1)).to_json()
    ledger = mixed.ledger(run)
    assert Decimal(document["cost"]["amount"]) == ledger.total.cost.amount
    assert document["tokens"]["output"] == ledger.total.tokens.output
    exact = [attributes(span) for span in spans([json.loads(line) for line in lines])]
    told = [own for own in exact if "scrimp.cost.amount" in own]
    amounts = {"agent": Decimal(0), "harness": Decimal(0)}
    for own in told:
        amounts["harness" if own["scrimp.component"] == "harness" else "agent"] += Decimal(own["scrimp.cost.amount"])
    assert amounts == {"agent": ledger.total.cost.amount, "harness": ledger.harness.cost.amount}


def test_a_long_run_is_several_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrimp.journal.otel.BATCH", 4)
    journal = Journal(tmp_path / "long.sqlite")
    fill(journal)
    found = exported(journal)
    sizes = [len(one["resourceSpans"][0]["scopeSpans"][0]["spans"]) for one in found]
    assert sizes == [4, 4, 3, 2]
    assert len({span["spanId"] for span in spans(found)}) == sum(sizes)
    journal.close()
