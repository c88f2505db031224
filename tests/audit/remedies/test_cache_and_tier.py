"""Remedies that change how the same calls are served: cache, lifetime, batch, flex."""

from __future__ import annotations

from decimal import Decimal

import pytest
from billed import BOOK, BY_NAME, CLAUDE, cached, five_steps, long_run, saved
from recorded import trace, with_usage

from scrimp.audit.bill import Biller
from scrimp.audit.draft import Extra, draft
from scrimp.audit.measure import measure
from scrimp.audit.sums import net_of
from scrimp.core.usage import Usage


@pytest.mark.parametrize("name", ["prompt-cache", "cache-lifetime", "batch-tier", "flex-tier"])
def test_the_model_sees_the_same_bytes(name: str) -> None:
    assert BY_NAME[name].exactness == "exact"
    for found in (long_run(), long_run(CLAUDE), long_run("openai:gpt-5")):
        was = draft(found)
        assert [ask.request for ask in BY_NAME[name].apply(was).asks] == [ask.request for ask in was.asks]


def test_the_cache_is_switched_on_where_the_record_shows_none() -> None:
    assert saved(five_steps(), "prompt-cache") == Decimal("1.25e-6") * (1920 + 2432 + 2944 + 3456)
    for found in (cached(long_run()), long_run("acme:one"), long_run(steps=1)):
        made = draft(found)
        assert BY_NAME["prompt-cache"].apply(made) is made


def test_a_cache_that_finds_nothing_costs_its_writes() -> None:
    for model, lost in ((CLAUDE, True), ("openai:gpt-4o", False)):
        found = five_steps(model=model)
        biller = Biller(found)
        span = biller.span(biller.bill(draft(found)), biller.bill(BY_NAME["prompt-cache"].apply(draft(found))))
        assert span is not None
        assert (span[0] < 0) is lost


def test_an_hour_pays_where_gaps_are_longer_than_five_minutes() -> None:
    """By pencil: 600 s between calls. Each prompt is written anew at 1.25 times, or read and its end written at 2."""
    usages = [Usage(0, 0, 2000 + 500 * at, 50) for at in range(5)]
    found = measure(with_usage(five_steps(model=CLAUDE, gap=600.0).trace, *usages), BOOK)
    assert [line.served for line in Biller(found).bill(draft(found)).lines] == [0] * 5
    now = Decimal("0.3") * (2000 + 2500 + 3000 + 3500) + Decimal(6) * (2000 + 4 * 500)
    assert saved(found, "cache-lifetime") == (Decimal("3.75") * 15_000 - now).scaleb(-6)


def test_an_hour_costs_more_where_gaps_are_short() -> None:
    found = cached(five_steps(model=CLAUDE))
    assert saved(found, "cache-lifetime") == -(Decimal(6) - Decimal("3.75")) * 4000 / 1_000_000


def test_an_hour_is_not_offered_where_nobody_sells_it_or_no_times_are_known() -> None:
    never = with_usage(five_steps(model=CLAUDE).trace, *[Usage(2000, 0, 0, 9)] * 5)
    for found in (cached(five_steps()), cached(five_steps(model=CLAUDE, gap=None)), measure(never, BOOK)):
        made = draft(found)
        assert BY_NAME["cache-lifetime"].apply(made) is made
    # Once a remedy switches the cache on, there is something to keep.
    on = BY_NAME["prompt-cache"].apply(draft(measure(never, BOOK)))
    assert BY_NAME["cache-lifetime"].apply(on) is not on


def test_a_batch_is_half_the_price_and_finds_no_cache() -> None:
    plain, full = five_steps(model="openai:gpt-5"), cached(five_steps(model="openai:gpt-5"))
    assert saved(plain, "batch-tier") == (plain.money.amount or Decimal(0)) / 2
    # Cached input is a tenth of the price: half the price without a cache is dearer.
    assert saved(full, "batch-tier") < 0
    biller = Biller(full)
    before, after = biller.bill(draft(full)), biller.bill(BY_NAME["batch-tier"].apply(draft(full)))
    assert after.usage().cached_input == 0
    low, high = biller.span(before, after) or (Decimal(0), Decimal(0))
    assert low == net_of(before, after, "recorded")
    assert high == (full.money.amount or Decimal(0)) / 2  # were all of it found all the same
    assert after.seconds is None
    assert BY_NAME["batch-tier"].settings() == {}


def test_a_run_whose_models_have_no_such_rates_is_left_alone() -> None:
    for name, model in (
        ("flex-tier", "openai:gpt-4o"),
        ("batch-tier", "acme:one"),
        ("flex-tier", "openai:gpt-5?service=priority"),
    ):
        made = draft(long_run(model))
        assert BY_NAME[name].apply(made) is made
    mixed = trace("x", ("y",), "z", ("w",), model="openai:gpt-5")
    mixed.steps[1].model = "acme:one"
    made = draft(measure(mixed, BOOK))
    assert BY_NAME["batch-tier"].apply(made) is made


def test_calls_of_other_remedies_are_served_that_way_too() -> None:
    made = draft(long_run("openai:gpt-5")).with_(extra=[Extra("openai:gpt-5", Usage(10, 0, 0, 10))])
    assert [extra.model for extra in BY_NAME["batch-tier"].apply(made).extra] == ["openai:gpt-5?service=batch"]
    made = draft(long_run(CLAUDE)).with_(extra=[Extra(CLAUDE, Usage(10, 0, 0, 10))], caching=True)
    assert [extra.model for extra in BY_NAME["cache-lifetime"].apply(made).extra] == [f"{CLAUDE}?cache=1h"]
