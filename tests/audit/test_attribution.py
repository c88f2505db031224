"""Partitions sum to the total exactly, and each cause is where it should be."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import call, run, spec, trace, with_usage, words

from scrimp.audit.attribution import CAUSES, NAMES, OTHERS, VALUES, Attribution, by_kind
from scrimp.audit.audit import runs_of
from scrimp.audit.measure import Book, Run, measure
from scrimp.core.ledger import Ledger
from scrimp.core.messages import Image
from scrimp.core.money import Money
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models.prices import load

BOOK = Book(load())


def attributed(*runs: Run) -> Attribution:
    found = Attribution(BOOK)
    for item in runs:
        found.add(item)
    return found


def tool_run(**fields: object) -> Run:
    tools = [spec("search", "Search the web for pages.", query={"type": "string"})]
    return run(
        words(100), [call("search", "a", query="oslo")], {"a": words(300)}, [call("search", "b", query="bergen")],
        {"b": words(50)}, ("Rain.",), tools=tools, **fields,
    )  # fmt: skip


def cells(found: Attribution) -> dict[str, tuple[Usage, Money]]:
    return {cause: (heap.cell(BOOK).tokens, heap.cell(BOOK).cost) for cause, heap in found.causes.items()}


def test_causes_components_and_terms_sum_to_the_total() -> None:
    found = attributed(tool_run(), tool_run(id="run-2"))
    total = found.ledger.total
    tokens, money = NO_USAGE, Decimal(0)
    for usage, cost in cells(found).values():
        tokens, money = tokens + usage, money + cost.least
    assert tokens == total.tokens
    assert money == total.cost.amount
    for partition in (found.ledger.components, found.ledger.terms, found.models):
        summed = sum((cell.cost.least for cell in partition.values()), Decimal(0))
        assert summed == total.cost.amount


def test_each_cause_is_told_by_where_it_stands() -> None:
    found = tool_run()
    by = {cause: usage.prompt for cause, (usage, _) in cells(attributed(found)).items()}
    sizes = found.sizes
    messages = found.calls[-1].step.request.messages
    asked, first, result, second, later = (sizes.message(message) for message in messages[1:6])
    # Whole tokens are shared out by rounding, so each figure may be one off for each call.
    assert by["user text"] == pytest.approx(asked, abs=3)
    assert by["tool results"] == pytest.approx(result + later, abs=3)
    assert by["re-sent history"] == pytest.approx(asked + (asked + first + result) + first + second, abs=6)
    assert by["tool schemas"] == pytest.approx(3 * sizes.tools(found.calls[0].step.request.tools), abs=6)
    assert cells(attributed(found))["output"][0].output == found.usage.output


def test_recorded_cache_hits_are_at_the_beginning_of_the_prompt() -> None:
    recorded = with_usage(
        trace(words(200), ("One.",), "more", ("Two.",), instructions=words(400)),
        Usage(input=600, output=5),
        Usage(input=120, cached_input=500, output=5),
    )
    by = cells(attributed(measure(recorded, BOOK)))
    assert by["system prompt"][0].cached_input > 0
    assert by["user text"][0].cached_input == 0
    assert by["user text"][0].input > 0
    assert sum(usage.cached_input for usage, _ in by.values()) == 500


def test_a_recorded_bill_is_shared_out_to_the_last_digit() -> None:
    recorded = trace(words(100), ("One.",), "more", ("Two.",))
    steps = [replace(step, cost=Money(Decimal("0.0123457"))) for step in recorded.steps]
    found = attributed(measure(replace(recorded, steps=steps), BOOK))
    assert found.ledger.total.cost == Money(Decimal("0.0246914"))
    assert sum((cost.least for _, cost in cells(found).values()), Decimal(0)) == Decimal("0.0246914")


def test_an_unknown_price_stays_unknown() -> None:
    found = attributed(run("hi", ("Hello.",), model="acme:one"))
    document = found.to_json()
    assert document["cost"]["amount"] is None
    assert document["cost"]["interval"] is None
    assert document["causes"]["output"]["cost"]["state"] == "unknown"
    assert document["causes"]["images"]["cost"]["amount"] == "0"


def test_pictures_count_as_pictures_whenever_they_are_sent() -> None:
    found = run("look", Image(width=1024, height=1024), ("A cat.",), "sure?", ("Yes.",))
    images = cells(attributed(found))["images"][0]
    assert images.prompt == pytest.approx(2 * found.sizes.images(found.calls[0].step.request.messages[2]), abs=6)
    assert images.images == 2


def test_growth_is_by_step_and_what_is_sent_again_is_counted() -> None:
    found = attributed(tool_run(), tool_run(id="run-2"))
    curve = found.to_json()["growth"]
    assert [row["runs"] for row in curve] == [2, 2, 2]
    assert curve[0]["prompt_tokens"] < curve[1]["prompt_tokens"] < curve[2]["prompt_tokens"]
    assert 0.5 < found.to_json()["resent_share"] < 0.9


def test_two_halves_merge_to_the_whole() -> None:
    runs = [tool_run(id=str(at), labels={"team": "ab"[at % 2]}) for at in range(5)]
    whole, left, right = attributed(*runs), attributed(*runs[:2]), attributed(*runs[2:])
    left.merge(right)
    assert left.to_json() == whole.to_json()
    assert set(whole.to_json()["labels"]) == {"team=a", "team=b"}


def test_the_ledger_is_the_fold_of_the_events() -> None:
    found = tool_run()
    assert attributed(found).ledger.total == Ledger.of(found.events).total


@given(
    st.builds(Usage, *[st.integers(0, 5000)] * 4),
    st.lists(st.tuples(st.sampled_from(CAUSES[:6]), st.integers(0, 900)), max_size=8),
)
def test_the_parts_of_a_call_sum_to_it(usage: Usage, parts: list[tuple[str, int]]) -> None:
    summed = [sum(kinds) for kinds in zip(*(kinds for _, kinds in by_kind(usage, parts)), strict=True)]
    assert summed == [usage.input, usage.cached_input, usage.cache_write, usage.output, 0, 0]


def test_labels_of_every_runs_own_are_counted_together() -> None:
    cell = Ledger.of(tool_run().events).total
    found = Attribution(BOOK)
    for at in range(VALUES + 30):
        found._label("session", str(at), cell)
    found._label("team", "a", cell)
    for at in range(NAMES + 5):
        found._label(f"name-{at}", "x", cell)
    assert len(found.labels["session"]) == VALUES + 1
    assert found.labels["session"][OTHERS].calls == 30 * cell.calls
    assert found.labels["team"] == {"a": cell}
    assert found.labels[OTHERS][OTHERS].calls == 7 * cell.calls
    whole = Attribution(BOOK)
    whole.merge(found)
    whole.merge(found)
    assert sum(one.calls for one in whole.labels["session"].values()) == 2 * (VALUES + 30) * cell.calls


@pytest.mark.skipif("SCRIMP_DATA" not in os.environ, reason="SCRIMP_DATA is not set")
def test_every_bundled_run_is_partitioned_to_the_last_digit() -> None:
    runs = list(runs_of([Path(os.environ["SCRIMP_DATA"]) / "agent_traces"]))
    assert len(runs) == 177
    for item in runs:
        found = attributed(item)
        total = found.ledger.total
        causes = [heap.cell(BOOK) for heap in found.causes.values()]
        for cells_ in (found.ledger.components.values(), found.ledger.terms.values(), found.models.values(), causes):
            assert sum(cell.tokens.total for cell in cells_) == total.tokens.total
            assert sum((cell.cost.least for cell in cells_), Decimal(0)) == total.cost.least
