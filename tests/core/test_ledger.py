from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.events import COMPONENTS, PHASES, RETRIES, Event, Key, ulid
from scrimp.core.ledger import EMPTY, TERMS, Cell, Ledger, term
from scrimp.core.money import Money
from scrimp.core.usage import Usage

KINDS = ("model", "embed", "tool", "memory_read", "memory_write", "memory_manage", "message", "environment", "decision",
         "now")  # fmt: skip


@st.composite
def events(draw: Any) -> Event:
    attempt = draw(st.integers(1, 3))
    money = draw(st.sampled_from([Money(), Money.unknown(), Money(Decimal("0.1"))]) | st.integers(0, 10**9).map(
        lambda n: Money.priced(Decimal(n).scaleb(-12), "p")))  # fmt: skip
    return Event(
        "e", Key("r", "/", "d", 0), draw(st.sampled_from(KINDS)), draw(st.sampled_from((*COMPONENTS, "harness"))), "m",
        prompt=draw(st.sampled_from(["", "p@1", "q@1"])), phase=draw(st.sampled_from(["", *PHASES])), attempt=attempt,
        retry=draw(st.sampled_from(RETRIES)) if attempt > 1 else "",
        usage=Usage(*draw(st.tuples(*[st.integers(0, 999)] * 6))), money=money, busy_us=draw(st.integers(0, 10**6)),
    )  # fmt: skip


@given(st.lists(events(), max_size=25))
def test_both_partitions_are_exact(happened: list[Event]) -> None:
    ledger = Ledger.of(happened)
    assert sum(ledger.components.values(), start=EMPTY) == ledger.total
    assert sum(ledger.terms.values(), start=EMPTY) == ledger.total
    assert sum(ledger.retries.values(), start=EMPTY) == ledger.terms["retries"]
    assert list(ledger.components) == list(COMPONENTS)
    assert list(ledger.terms) == list(TERMS)
    assert list(ledger.phases) == list(PHASES)
    assert list(ledger.retries) == list(RETRIES)
    assert ledger.events == len(happened)


@given(st.lists(events(), max_size=25))
def test_the_harness_stands_apart(happened: list[Event]) -> None:
    agents = [event for event in happened if event.component != "harness"]
    assert Ledger.of(happened).total == Ledger.of(agents).total
    assert Ledger.of(agents).harness == EMPTY
    judged = Ledger.of(event for event in happened if event.component == "harness")
    assert judged.total == EMPTY
    assert judged.harness == Ledger.of(happened).harness
    assert judged.harness.tokens.total == sum(event.usage.total for event in happened if event.component == "harness")


@given(st.lists(events(), max_size=20), st.integers(0, 20))
def test_ledgers_of_parts_add_up_to_the_ledger_of_all(happened: list[Event], cut: int) -> None:
    assert Ledger.of(happened[:cut], 1.5) + Ledger.of(happened[cut:], 2.0) == Ledger.of(happened, 3.5)


def event(kind: Any, component: Any, **more: Any) -> Event:
    return Event("e", Key("r", "/", "d", 0), kind, component, "n", usage=Usage(10), **more)


def test_the_term_an_event_belongs_to() -> None:
    assert term(event("model", "planning")) == "generation"
    assert term(event("model", "answer")) == "generation"
    assert term(event("message", "team")) == "generation"
    assert term(event("tool", "tools")) == "tools"
    assert term(event("environment", "planning")) == "tools"
    assert term(event("embed", "tools")) == "tools"
    assert term(event("model", "memory", phase="write")) == "memory"
    assert term(event("embed", "memory")) == "memory"
    assert term(event("model", "memory", attempt=2, retry="repair")) == "retries"


def test_a_retry_counts_once_and_under_its_kind() -> None:
    happened = [event("model", "planning"), event("model", "planning", attempt=2, retry="replan"),
                event("model", "planning", attempt=3, retry="transport")]  # fmt: skip
    ledger = Ledger.of(happened)
    assert {kind: cell.calls for kind, cell in ledger.retries.items()} == {
        "transport": 1, "repair": 0, "replan": 1, "restart": 0
    }  # fmt: skip
    assert (ledger.terms["generation"].calls, ledger.terms["retries"].calls) == (1, 2)
    assert ledger.components["planning"].calls == 3


def test_decisions_and_clock_readings_are_no_calls() -> None:
    ledger = Ledger.of([event("decision", "planning"), event("now", "planning"), event("tool", "tools")])
    assert (ledger.total.calls, ledger.events) == (1, 3)


def test_phases_and_prompts() -> None:
    ledger = Ledger.of([event("model", "memory", phase="write", prompt="extract@1"),
                        event("memory_write", "memory"), event("model", "planning", prompt="react@1")])  # fmt: skip
    assert ledger.phases["write"].tokens.input == 10
    assert ledger.phases["read"] == EMPTY
    assert set(ledger.prompts) == {"extract@1", "react@1"}


def test_the_outward_form() -> None:
    data = Ledger.of([event("model", "planning", busy_us=1_500_000)], 2.0).to_json()
    assert set(data) == {
        "total", "components", "terms", "phases", "retries", "prompts", "harness", "wall_seconds", "events"
    }  # fmt: skip
    assert set(data["components"]) == {"memory", "planning", "tools", "team", "answer"}
    assert set(data["phases"]) == {"write", "manage", "read"}
    assert data["total"] == {
        "cost": {"amount": "0", "currency": "USD", "state": "metered"},
        "tokens": {"input": 10, "cached_input": 0, "cache_write": 0, "output": 0, "reasoning": 0, "images": 0},
        "calls": 1,
        "busy_seconds": "1.5",
    }
    assert data["wall_seconds"] == 2.0


def test_an_unknown_price_makes_the_sum_unknown_and_keeps_the_known_part() -> None:
    cell = Cell(Money(Decimal("0.25"))) + Cell(Money.unknown())
    assert cell.to_json()["cost"] == {"amount": None, "currency": "USD", "state": "unknown", "known": "0.25"}


def test_ulids_sort_by_their_making() -> None:
    made = [ulid() for _ in range(2000)]
    assert made == sorted(set(made))
    assert {len(item) for item in made} == {26}
