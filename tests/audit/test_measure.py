"""What a record tells wins; sums are shared out exactly; what is missing is estimated and marked."""

from __future__ import annotations

import pickle
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import call, trace, with_usage, words

from scrimp.audit.audit import open_book
from scrimp.audit.measure import SPREAD, Book, measure, share, share_money
from scrimp.audit.names import model_name, named_in
from scrimp.audit.trace import Totals
from scrimp.core.money import Money
from scrimp.core.usage import Usage
from scrimp.models.prices import load

BOOK = Book(load())


def test_recorded_tokens_win_over_the_estimate() -> None:
    recorded = with_usage(trace(words(50), ("Hello.",)), Usage(input=77, cached_input=3, output=2))
    run = measure(recorded, BOOK)
    assert run.usage == Usage(77, 3, 0, 2)
    assert run.calls[0].told
    assert run.spread == 0
    assert run.scale == pytest.approx(80 / run.calls[0].prompt)


def test_what_is_not_told_is_estimated_and_marked() -> None:
    run = measure(trace(words(50), ("Hello.",)), BOOK)
    assert not run.calls[0].told
    assert run.spread == SPREAD


def test_sums_of_the_record_are_shared_out_to_the_token_and_the_digit() -> None:
    recorded = trace("hi", ("One.",), words(300), ("Two.",), words(40), ("Three.",))
    recorded.totals = Totals(Usage(input=1001, output=100), Money(Decimal("0.0101")))
    run = measure(recorded, BOOK)
    assert run.usage == Usage(input=1001, output=100)
    assert run.money.amount == Decimal("0.0101")
    assert run.money.state == "metered"
    assert run.calls[0].usage.input < run.calls[1].usage.input
    assert all(item.told for item in run.calls)


def test_a_model_that_nobody_named_is_found_by_the_bill() -> None:
    recorded = trace(words(900), ("One.",), model="")
    recorded.totals = Totals(Usage(input=100_000, output=2_000), Money(Decimal("0.27")))
    assert measure(recorded, BOOK).calls[0].model.startswith("openai:gpt-4o")


def test_a_model_that_nobody_named_is_read_off_the_file_else_unknown() -> None:
    recorded = trace("hi", ("One.",), model="")
    assert measure(recorded, BOOK).money.amount is None
    named = replace(recorded, path="folder/tau_bench_gpt-4o_airline.jsonl.gz")
    assert measure(named, BOOK).calls[0].model == "openai:gpt-4o"
    assert measure(recorded, Book(load(), "openai:gpt-4.1")).calls[0].model == "openai:gpt-4.1"


def test_a_record_that_contradicts_itself_is_told() -> None:
    recorded = with_usage(trace("hi", ("One.",)), Usage(input=10, output=2))
    recorded.totals = Totals(Usage(input=10, output=5), Money(Decimal("0.5")))
    says = measure(recorded, BOOK).disagreements
    assert "12 tokens, the record states 15" in says[0]
    assert "$0.5000" in says[1]


def test_tools_are_counted_and_priced_only_where_somebody_stated_a_price() -> None:
    recorded = trace("hi", [call("search", "a")], {"a": "x"}, [call("read", "b")], {"b": "y"}, ("Done.",))
    priced = Book(replace(load(), tools={"search": Decimal("0.005")}))
    tools = [event.money for event in measure(recorded, priced).events if event.kind == "tool"]
    assert [money.amount for money in tools] == [Decimal("0.005"), Decimal(0)]
    assert [event.component for event in measure(recorded, priced).events] == [
        "planning", "planning", "answer", "tools", "tools",
    ]  # fmt: skip


def test_a_book_goes_to_another_process_as_what_it_was_opened_with() -> None:
    data = pickle.dumps(open_book(None, "gpt-4o", None))
    assert len(data) < 200
    assert pickle.loads(data).default_model == "openai:gpt-4o"


@given(st.integers(0, 10_000), st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_shares_sum_to_the_whole(total: int, weights: list[int]) -> None:
    parts = share(total, weights)
    assert sum(parts) == total
    assert min(parts) >= 0
    money = share_money(Decimal(total).scaleb(-6), [Decimal(weight) for weight in weights])
    assert sum(money) == Decimal(total).scaleb(-6)


@pytest.mark.parametrize(
    ("raw", "provider", "name"),
    [
        ("gpt-4o", "", "openai:gpt-4o"),
        ("openai/gpt-4o-mini", "", "openai:gpt-4o-mini"),
        ("gpt-4o", "azure", "openai:gpt-4o"),
        ("claude-sonnet-4-5", "", "anthropic:claude-sonnet-4-5"),
        ("us.anthropic.claude-sonnet-4-5-v1:0", "bedrock", "anthropic:claude-sonnet-4-5"),
        ("claude-opus-4@20250514", "vertex", "anthropic:claude-opus-4"),
        ("openrouter/deepseek/deepseek-chat", "", "deepseek:deepseek-chat"),
        ("acme-1", "", "acme-1"),
        ("local", "", "local"),
        ("openai:gpt-4o?service=batch", "", "openai:gpt-4o?service=batch"),
        ("", "openai", ""),
    ],
)
def test_models_get_scrimps_names(raw: str, provider: str, name: str) -> None:
    assert model_name(raw, provider) == name


def test_a_files_name_may_name_a_model() -> None:
    assert named_in("tau_bench_gpt-4o_airline.jsonl") == "openai:gpt-4o"
    assert named_in("runs_claude-sonnet-4-5_2026.jsonl") == "anthropic:claude-sonnet-4-5"
    assert named_in("runs.jsonl") == ""
