"""`runs export` and `runs query`: every format has the totals that the ledgers have."""

from __future__ import annotations

import base64
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ORACLE = ("--bench", "toolworld?tools=16", "--model", "oracle?error=0.1", "--n", "3")


def test_lines(scrimp, recorded, tmp_path: Path) -> None:
    said = scrimp("runs", "export", recorded["run"], "--format", "jsonl")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert lines[0]["format"] == "scrimp-run/1"
    assert lines[0]["id"] == recorded["run"]
    assert len(lines) == 4
    told = scrimp("runs", "export", "last", "--out", "x.jsonl", "--json").json
    assert told == {"run": recorded["run"], "format": "jsonl", "out": "x.jsonl", "events": 3, "runs": 1}
    assert (tmp_path / "x.jsonl").read_text(encoding="utf-8") == said.out
    assert not list(tmp_path.glob(".*"))


def test_spans_of_all_runs_go_to_a_file_or_a_collector(
    scrimp, umbrella, recorded, tmp_path: Path, httpserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrimp(*umbrella)
    told = scrimp("runs", "export", "all", "--format", "otel", "--out", "spans.jsonl", "--json").json
    assert (told["run"], told["runs"]) == ("all", 2)
    written = [json.loads(line) for line in (tmp_path / "spans.jsonl").read_text(encoding="utf-8").splitlines()]
    names = [span["name"] for one in written for span in one["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    assert sum(name.startswith("invoke_agent") for name in names) == 2
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=a%20key,team=blue")
    for one in written:
        httpserver.expect_ordered_request(
            "/v1/traces", method="POST", json=one, headers={"x-api-key": "a key", "team": "blue"}
        ).respond_with_json({"partialSuccess": {}})
    said = scrimp("runs", "export", "all", "--format", "otel", "--to", httpserver.url_for(""))
    assert said.code == 0
    assert "written to http://" in said.err
    assert "a key" not in said.err
    httpserver.check_assertions()
    assert scrimp("audit", "spans.jsonl", "--json").json["runs"] == 2


def test_spans_that_a_collector_refuses_are_told(scrimp, recorded, httpserver) -> None:
    partial = {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too\nold"}}
    httpserver.expect_oneshot_request("/v1/traces").respond_with_json(partial)
    said = scrimp("runs", "export", "last", "--format", "otel", "--to", httpserver.url_for(""))
    assert said.code == 4
    assert said.err.startswith("scrimp: the collector did not take all spans: 2 were refused, too old")


@pytest.fixture
def compared(scrimp) -> Any:
    """The document of a comparison of two Systems, whose journal stands in `out`."""
    return scrimp("compare", "--systems", "baseline,efficient", *ORACLE, "--no-controls", "--out", "out", "--json").json


def test_a_comparison_has_the_same_totals_in_every_format(scrimp, compared, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra analytics is not installed")
    ledgers = [system["ledger"]["total"] for system in compared["systems"]]
    cost = sum(Decimal(ledger["cost"]["amount"]) for ledger in ledgers)
    output = sum(ledger["tokens"]["output"] for ledger in ledgers)
    export = ("runs", "export", "all", "--experiment", "out")
    scrimp(*export, "--format", "otel", "--content", "--out", "spans.jsonl")
    scrimp(*export, "--format", "parquet", "--out", "events.parquet")
    scrimp(*export, "--format", "duckdb", "--out", "runs.duckdb")

    audited = scrimp("audit", "spans.jsonl", "--json").json
    assert (Decimal(audited["cost"]["amount"]), audited["tokens"]["output"]) == (cost, output)
    assert otlp_totals(tmp_path / "spans.jsonl") == pytest.approx((float(cost), output))
    query = "SELECT sum(amount), sum(output) FROM '{}' WHERE component <> 'harness'"
    assert duckdb.sql(query.format(tmp_path / "events.parquet")).fetchall() == [(cost, output)]
    with duckdb.connect(str(tmp_path / "runs.duckdb"), read_only=True) as database:
        assert database.sql("SELECT sum(amount), sum(output_tokens) FROM ledgers").fetchall() == [(cost, output)]
    counters = [line for line in scrimp(*export, "--format", "prometheus").out.splitlines() if "harness" not in line]
    assert sum(Decimal(line.split()[-1]) for line in counters if line.startswith("scrimp_cost_total{")) == cost
    written = [line for line in counters if line.startswith("scrimp_tokens_total{") and 'type="output"' in line]
    assert sum(int(line.split()[-1]) for line in written) == output


def otlp_totals(path: Path) -> tuple[float, int]:
    """Dollars and tokens written, as OpenTelemetry's own messages hold them."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    cost, output = 0.0, 0
    for line in path.read_text(encoding="utf-8").splitlines():
        request = json.loads(line)
        for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            for key in {"traceId", "spanId", "parentSpanId"} & set(span):  # hex in OTLP, base64 in protobuf's JSON
                span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
        message = json_format.ParseDict(request, service.ExportTraceServiceRequest())
        for span in message.resource_spans[0].scope_spans[0].spans:
            own = {one.key: one.value for one in span.attributes}
            if "gen_ai.usage.cost" in own:
                cost += own["gen_ai.usage.cost"].double_value
            if "gen_ai.usage.output_tokens" in own:
                output += own["gen_ai.usage.output_tokens"].int_value
    return cost, output


def test_a_query(scrimp, recorded) -> None:
    pytest.importorskip("duckdb", reason="the extra analytics is not installed")
    sql = "SELECT amount, tokens, team FROM (SELECT *, labels['team'] AS team FROM runs JOIN ledgers USING (run))"
    total = recorded["ledger"]["total"]
    tokens = sum(total["tokens"][key] for key in ("input", "cached_input", "cache_write", "output"))
    row = {"amount": total["cost"]["amount"], "tokens": tokens, "team": "search"}
    assert scrimp("runs", "query", sql, "--json").json == [row]
    table = scrimp("runs", "query", sql)
    assert total["cost"]["amount"] in table.out
    assert "Umbrella" not in scrimp("runs", "query", "FROM runs JOIN events USING (run)").out
    assert "Umbrella in Oslo?" in scrimp("runs", "query", "SELECT question FROM runs", "--content").out
    assert scrimp("runs", "query", "SELECT run FROM runs WHERE false", "--json").json == []


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ("export", "last", "--format", "xml"),
            2,
            "--format is 'xml' (known: jsonl, otel, parquet, duckdb, prometheus)",
        ),
        (("export", "last", "--format", "parquet"), 2, "parquet is no text (give --out FILE)"),
        (("export", "last", "--format", "prometheus", "--content"), 2, "counters hold no content"),
        (("export", "last", "--to", "http://127.0.0.1:9"), 2, "--to sends spans (--format otel)"),
        (
            ("export", "last", "--format", "otel", "--to", "http://127.0.0.1:9"),
            4,
            "the collector did not take the spans",
        ),
        (("export", "last", "--json"), 2, "--json would stand in the exported lines"),
        (("export", "last", "--out", "no/such/folder/x"), 4, "no/such/folder/x cannot be written: No such file"),
        (("query", "DROP"), 2, "the query failed: Parser Error"),
    ],
)
def test_wrong_words(scrimp, recorded, arguments: tuple[str, ...], code: int, line: str) -> None:
    if arguments[0] == "query":
        pytest.importorskip("duckdb", reason="the extra analytics is not installed")
    said = scrimp("runs", *arguments)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"scrimp: {line}")
    assert said.err.count("\n") == 1


def test_without_duckdb_the_extra_is_named(scrimp, recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    for arguments in (("query", "FROM runs"), ("export", "last", "--format", "duckdb", "--out", "x")):
        said = scrimp("runs", *arguments)
        assert (said.code, said.err) == (2, "scrimp: this needs the package duckdb (pip install 'scrimp[analytics]')\n")
