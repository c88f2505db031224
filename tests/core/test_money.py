from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.money import NOTHING, Money, PriceList, Rates, plain, total
from scrimp.core.usage import NO_USAGE, Usage

amounts = st.integers(0, 10**12).map(lambda n: Decimal(n).scaleb(-9))
moneys = st.one_of(
    amounts.map(Money), amounts.map(lambda a: Money.priced(a, "list-a")), st.just(Money.unknown()), st.just(NOTHING)
)
usages = st.builds(Usage, *[st.integers(0, 10**7)] * 6)


@given(st.lists(moneys, max_size=12))
def test_a_sum_with_an_unknown_part_is_unknown_and_keeps_what_is_known(items: list[Money]) -> None:
    result = total(items)
    known = sum((item.amount for item in items if item.amount is not None), start=Decimal(0))
    assert result.least == known
    if any(item.state == "unknown" for item in items):
        assert (result.amount, result.state, result.known) == (None, "unknown", known)
        assert result.to_json()["amount"] is None
        assert result.to_json()["known"] == plain(known)
    else:
        assert result.amount == known
        assert result.state == ("priced" if any(item.state == "priced" for item in items) else "metered")


@given(st.lists(moneys, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_a_sum_does_not_matter(items: list[Money], chance: object) -> None:
    shuffled = items[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert total(shuffled) == total(items)


def test_the_outward_form_of_money() -> None:
    assert Money(Decimal("0.01230")).to_json() == {"amount": "0.0123", "currency": "USD", "state": "metered"}
    priced = Money.priced(Decimal("1E-7"), "l 2026").to_json()
    assert priced == {"amount": "0.0000001", "currency": "USD", "state": "priced", "prices": "l 2026"}
    assert Money.unknown().to_json() == {"amount": None, "currency": "USD", "state": "unknown", "known": "0"}
    assert NOTHING.to_json()["amount"] == "0"


def test_money_in_words() -> None:
    assert str(Money(Decimal("0.50"))) == "$0.5"
    assert str(Money.unknown()) == "unknown"
    assert str(Money.unknown() + Money(Decimal("0.5"))) == "unknown (at least $0.5)"


def test_lists_of_prices_are_named_together() -> None:
    both = Money.priced(Decimal(1), "b") + Money.priced(Decimal(2), "a") + Money.priced(Decimal(3), "b")
    assert (both.amount, both.prices) == (Decimal(6), "a; b")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot add"):
        Money(Decimal(1)) + Money(Decimal(1), currency="EUR")


@pytest.mark.parametrize(
    ("amount", "text"), [("10", "10"), ("100", "100"), ("1E+3", "1000"), ("0.0", "0"), ("1.10", "1.1")]
)
def test_plain_decimals(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


RATES = Rates(Decimal("0.15"), Decimal("0.6"), Decimal("0.075"), Decimal("0.1875"))


@given(usages, usages)
def test_pricing_is_exact_and_additive(one: Usage, other: Usage) -> None:
    assert RATES.price(one) + RATES.price(other) == RATES.price(one + other)
    assert RATES.price(one) <= (RATES.worst_input * one.prompt + RATES.output * one.output).scaleb(-6)


def test_a_price_by_hand() -> None:
    usage = Usage(input=1000, cached_input=2000, cache_write=400, output=500, reasoning=100, images=1)
    assert RATES.price(usage) == Decimal("0.000675")
    assert (usage.prompt, usage.total) == (3400, 3900)


def test_whose_price_it_is() -> None:
    own = Rates(Decimal(1), Decimal(1), Decimal(1), Decimal(1))
    prices = PriceList("l", "2026", {"gpt": own}, reference=RATES, reference_embedding=own)
    assert prices.rates("http://127.0.0.1:1/v1#gpt") is own
    assert prices.rates("gpt-2026-01-31") is own
    assert prices.rates("gpt", local=True) is own
    assert prices.rates("mine") is None
    assert prices.rates("mine", local=True) is RATES
    assert prices.rates("mine", local=True, embedding=True) is own
    assert prices.price("mine", Usage(1)).state == "unknown"
    assert prices.price("mine", Usage(1), local=True).prices == "reference:l"
    assert prices.price("gpt", Usage(1)).prices == "l"
    assert prices.price("gpt", NO_USAGE) == Money.priced(Decimal(0), "l")
    borrowed = PriceList("l", "2026", reference=RATES, reference_label="other")
    assert borrowed.price("mine", Usage(1), local=True).prices == "reference:other"


@given(usages, usages)
def test_usage_adds_field_by_field(one: Usage, other: Usage) -> None:
    both = (one + other).to_json()
    assert both == {key: value + other.to_json()[key] for key, value in one.to_json().items()}
    assert list(both) == ["input", "cached_input", "cache_write", "output", "reasoning", "images"]


ONE = Decimal(1)
TIERED = Rates(ONE, ONE, ONE, ONE, above=0, tiers=(
    Rates(Decimal(3), Decimal(2), ONE, Decimal(4), above=100), Rates(Decimal(2), Decimal(5), ONE, ONE, above=1000),
))  # fmt: skip


@given(usages, st.integers(0, 10**5))
def test_no_prompt_within_a_bound_costs_more_than_the_worst_case_of_its_tiers(usage: Usage, more: int) -> None:
    reach = TIERED.within(usage.prompt + more)
    worst = (reach.worst_input * (usage.prompt + more) + reach.worst_output * usage.output).scaleb(-6)
    assert (
        TIERED.price(usage)
        <= worst
        <= (TIERED.worst_input * (usage.prompt + more) + TIERED.worst_output * usage.output).scaleb(-6)
    )


def test_a_tier_holds_above_its_threshold_for_all_tokens() -> None:
    assert [TIERED.at(prompt).input for prompt in (0, 100, 101, 1000, 1001)] == [1, 1, 3, 3, 2]
    assert TIERED.price(Usage(input=100)) == Decimal("0.0001")
    assert TIERED.price(Usage(input=60, cached_input=41)) == Decimal("0.000221")
    assert TIERED.within(100).tiers == ()
    assert (TIERED.worst_input, TIERED.worst_output) == (4, 5)


def test_services_and_lifetimes_without_a_price_are_unknown() -> None:
    half = Rates(ONE / 2, ONE, ONE, ONE)
    mine = Rates(ONE, ONE, ONE, ONE, Decimal(2), services=(("batch", half),))
    prices = PriceList("l", "2026", {"m": mine, "tiered": TIERED}, reference=RATES)
    assert prices.rates("m?service=batch") == half
    assert prices.rates("m?service=default") is mine
    assert prices.rates("m?service=flex") is None
    assert prices.rates("m?cache=1h") is not None
    assert prices.rates("m?cache=1h").cache_write == 2  # type: ignore[union-attr]
    assert prices.rates("tiered?cache=1h") is None
    assert prices.rates("http://h/v1?a=b#m") is mine
    assert prices.rates("http://h/v1#m?service=batch") == half
    assert prices.rates("oracle?error=0.1", local=True) is RATES
