"""Counters: read by Prometheus' own parser, equal to the ledgers, and never falling while runs go on."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journaled import HOSTILE, SECRET, event, fill, record

from scrimp.core.events import Event
from scrimp.core.money import Money
from scrimp.core.usage import Usage
from scrimp.journal.journal import Journal
from scrimp.journal.prometheus import METRICS, exposition

parser = pytest.importorskip("prometheus_client.parser")

Sample = tuple[str, tuple[tuple[str, str], ...]]


def read(text: str) -> dict[Sample, float]:
    """Every sample by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_sums_are_the_ledgers(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    runs = fill(journal)
    text = exposition(journal, runs)
    sums: Counter[str] = Counter()
    exact = Decimal(0)
    for line in text.splitlines():
        if not line.startswith("#") and 'component="harness"' not in line:
            sums[line.partition("{")[0]] += float(line.rpartition(" ")[2])  # type: ignore[assignment]
            exact += Decimal(line.rpartition(" ")[2]) if line.startswith("scrimp_cost_total") else 0
    totals = [journal.ledger(run).total for run in runs]
    assert exact == sum((total.cost.least for total in totals), Decimal(0))
    assert sums["scrimp_tokens_total"] == sum(total.tokens.total for total in totals)
    assert sums["scrimp_calls_total"] == sum(total.calls for total in totals)
    assert sums["scrimp_busy_seconds_total"] == pytest.approx(sum(total.busy_us for total in totals) / 1e6)
    assert sums["scrimp_errors_total"] == 3
    assert sums["scrimp_unpriced_events_total"] == 1
    journal.close()


def test_prometheus_itself_reads_it_and_no_text_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    text = exposition(journal, fill(journal))
    assert SECRET not in text
    families = list(parser.text_string_to_metric_families(text))
    assert {family.name: family.type for family in families} == {
        (name.removesuffix("_total") if kind == "counter" else name): kind for name, (kind, _) in METRICS.items()
    }
    found = read(text)
    assert found["scrimp_runs", (("status", "done"), ("system", "mine"))] == 1
    assert HOSTILE in {dict(labels).get("name") for _, labels in found}
    judged = [labels for name, labels in found if name == "scrimp_cost_total" and ("component", "harness") in labels]
    assert len(judged) == 1
    journal.close()


FACTS = st.tuples(
    st.sampled_from(["model", "tool", "embed", "decision"]),
    st.sampled_from(["planning", "memory", "tools", "harness"]),
    st.sampled_from(["ok", "error", "cut"]),
    st.integers(0, 50),
    st.one_of(st.none(), st.decimals(0, 5, places=9)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACTS, min_size=1, max_size=8))
def test_no_counter_falls_while_runs_go_on(tmp_path_factory: pytest.TempPathFactory, facts: list[tuple]) -> None:  # type: ignore[type-arg]
    journal = Journal(tmp_path_factory.mktemp("counted") / "journal.sqlite")
    journal.begin(record("A"))
    before: dict[Sample, float] = {}
    for at, (kind, component, status, tokens, amount) in enumerate(facts):
        money = Money.unknown() if amount is None else Money.priced(amount, "list")
        happened: Event = event(
            "A", at, kind=kind, component=component, status=status, usage=Usage(tokens), money=money
        )
        anyio.run(journal.commit, happened, None, None)
        after = read(exposition(journal, ["A"]))
        assert all(after[sample] >= value for sample, value in before.items())
        before = after
    journal.close()
