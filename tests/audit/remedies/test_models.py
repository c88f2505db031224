"""Remedies that change what is written and by which model: cascade, effort, length; and what every remedy says."""

from __future__ import annotations

from decimal import Decimal

import pytest
from billed import BOOK, BY_NAME, CLAUDE, five_steps, long_run, saved
from recorded import call, run, trace, with_usage, words

from scrimp.audit.bill import Biller
from scrimp.audit.draft import draft
from scrimp.audit.measure import Book, measure
from scrimp.audit.remedies.cheaper_model import ESCALATED, PRICE, nearest
from scrimp.audit.remedies.table import EITHER, REMEDIES
from scrimp.audit.remedy import with_option
from scrimp.core.money import PriceList, Rates
from scrimp.core.registry import create
from scrimp.core.usage import Usage


def test_every_remedy_says_what_it_is() -> None:
    assert len(REMEDIES) >= 16
    assert len({remedy.name for remedy in REMEDIES}) == len(REMEDIES)
    assert {name for group in EITHER for name in group} <= set(BY_NAME)
    for remedy in REMEDIES:
        assert remedy.exactness in ("exact", "behavioural", "hindsight bound")
        assert len(remedy.assumes) > 20
        assert len(remedy.how) > 10


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda remedy: remedy.name)
def test_settings_open_as_they_are_written(remedy) -> None:  # type: ignore[no-untyped-def]
    for table in remedy.settings().get("transform", ()):
        parameters = dict(table)
        assert parameters.pop("name") == remedy.name
        create("transform", remedy.name, parameters)


def test_a_cascade_by_pencil() -> None:
    """All calls on a model of a quarter of the price, and three in ten on the recorded one as well."""
    rates = Rates(Decimal(4), Decimal(16), Decimal(4), Decimal(4))
    quarter = Rates(Decimal(1), Decimal(4), Decimal(1), Decimal(1))
    book = Book(
        PriceList("own", "2026", models={"openai:gpt-4o": rates, "openai:small": quarter, "acme:tiny": quarter})
    )
    found = measure(five_steps().trace, book)
    whole = found.money.amount or Decimal(0)
    assert saved(found, "cheaper-model") == whole - whole / 4 - whole * 3 / 10
    made = BY_NAME["cheaper-model"].apply(draft(found))
    assert {ask.model for ask in made.asks} == {"openai:small"}
    assert {extra.model for extra in made.extra} == {"openai:gpt-4o"}
    # Who waits for the recorded model waits twice.
    assert made.extra_seconds == pytest.approx(5 * ESCALATED)
    own = Biller(found).bill(made).own() or Decimal(0)
    # Up to three in four calls may be escalated until nothing is saved.
    assert (whole - whole / 4) / (own / Decimal(str(ESCALATED))) == Decimal("0.75")


def test_the_cheaper_model_is_the_providers_own_and_far_cheaper() -> None:
    for model in ("openai:gpt-4o", CLAUDE):
        cheaper = nearest(BOOK, model)
        now, then = BOOK.rates(model), BOOK.rates(cheaper)
        assert cheaper.split(":")[0] == model.split(":")[0]
        assert now is not None
        assert then is not None
        assert then.input * PRICE <= now.input * Decimal("1.3")
    assert nearest(BOOK, "acme:one") == nearest(BOOK, "local") == ""
    other = Book(PriceList("own", "2026", models={"openai:gpt-4o": BOOK.rates("openai:gpt-4o")}))  # type: ignore[dict-item]
    assert nearest(other, "openai:gpt-4o") == ""  # lists are not mixed up
    assert nearest(BOOK, "openai:gpt-4o") != ""


def test_lower_effort_only_where_there_is_reasoning() -> None:
    recorded = with_usage(trace("x", ("y",), gap=1.0, seconds=10.0), Usage(input=100, output=400, reasoning=300))
    found = measure(recorded, BOOK)
    changed = BY_NAME["lower-effort"].apply(draft(found))
    assert (changed.asks[0].output, changed.asks[0].reasoning) == (250, 150)
    assert changed.asks[0].seconds == pytest.approx(6.25)
    assert saved(found, "lower-effort") == Decimal(10) * 150 / 1_000_000
    made = draft(five_steps())
    assert BY_NAME["lower-effort"].apply(made) is made


def test_shorter_answers_are_answers_in_words() -> None:
    calls_only = draft(run("x", [call("get", "a")], {"a": "1"}, ("Yes.",)))
    assert BY_NAME["shorter-output"].apply(calls_only) is calls_only
    found = run("x", (words(300),))
    written = found.calls[0].usage.output
    [ask] = BY_NAME["shorter-output"].apply(draft(found)).asks
    assert ask.output == written - int(0.3 * written)


def test_options_stand_behind_the_name() -> None:
    assert with_option("openai:gpt-5", "service", "flex") == "openai:gpt-5?service=flex"
    assert with_option("anthropic:x?cache=1h", "service", "batch") == "anthropic:x?cache=1h&service=batch"
    assert with_option("https://host/v1?a=1#name", "service", "flex") == "https://host/v1?a=1#name?service=flex"


def test_remedies_leave_the_draft_that_they_were_given() -> None:
    for found in (long_run(), long_run(CLAUDE)):
        made = draft(found)
        asks, extra, tools = list(made.asks), list(made.extra), list(made.tools)
        for remedy in REMEDIES:
            remedy.apply(made)
        assert (made.asks, made.extra, made.tools) == (asks, extra, tools)
        assert (made.caching, made.warm, made.extra_seconds) == (None, True, 0.0)
