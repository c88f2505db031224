"""Bills of drafts by hand, and savings that are differences of bills."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from billed import BOOK, BY_NAME, CLAUDE, cached, five_steps, long_run
from recorded import call, run, trace, with_usage, words

from scrimp.audit.bill import Biller
from scrimp.audit.draft import Draft, apply_all, draft
from scrimp.audit.measure import Book, measure
from scrimp.audit.remedies.prompt_cache import switch_on
from scrimp.audit.sums import CASES, net_of, open_cases
from scrimp.core.money import Money, PriceList
from scrimp.core.usage import Usage


def test_the_cache_by_pencil() -> None:
    found = five_steps()
    biller = Biller(found)
    was = biller.bill(draft(found)).dollars()
    # 15,000 prompt tokens at 2.50 dollars and 250 written at 10 dollars per million.
    assert was == Decimal("0.0375") + Decimal("0.0025")
    now = biller.bill(switch_on(draft(found)))
    # The first four prompts are served again, in blocks of 128, at half the price: 1920, 2432, 2944 and 3456 tokens.
    served = [line.served for line in now.lines]
    assert served == [0, 1920, 2432, 2944, 3456]
    assert now.dollars() == was - Decimal("1.25e-6") * sum(served)


def test_a_marked_cache_by_pencil() -> None:
    """Every prompt is read up to the end of the one before, and what is new is written at 1.25 times the price."""
    found = five_steps(model=CLAUDE)
    biller = Biller(found)
    on = biller.bill(switch_on(draft(found)))
    assert [(line.served, line.written) for line in on.lines] == [
        (0, 2000), (2000, 500), (2500, 500), (3000, 500), (3500, 500)
    ]  # fmt: skip
    answers = Decimal(250) * 15
    assert on.dollars() == (Decimal("0.3") * 11_000 + Decimal("3.75") * 4_000 + answers).scaleb(-6)
    # With no hit, all of it is written, and the cache costs more than none.
    assert on.dollars("worst") == (Decimal("3.75") * 15_000 + answers).scaleb(-6)
    was = biller.bill(draft(found))
    assert was.dollars() == (Decimal(3) * 15_000 + answers).scaleb(-6)
    assert net_of(was, on, "worst") == -Decimal("0.75e-6") * 15_000


def test_an_unchanged_draft_saves_nothing_at_all() -> None:
    for found in (five_steps(), five_steps(told=True), long_run(), cached(long_run(CLAUDE))):
        before = Biller(found).bill(draft(found))
        after = Biller(found).bill(draft(found))
        assert [net_of(before, after, case) for case in CASES] == [0, 0, 0]


def test_the_bill_as_it_was_is_the_record() -> None:
    found = five_steps(told=True)
    bill = Biller(found).bill(draft(found))
    assert bill.dollars() == found.money.amount
    assert bill.hit_rate == Fraction(4000, 1920 + 2432 + 2944 + 3456)
    assert bill.usage() == found.usage
    for model in (CLAUDE, "openai:gpt-4o"):
        full = cached(long_run(model))
        bill = Biller(full).bill(draft(full))
        assert bill.hit_rate == 1
        assert bill.dollars() == full.money.amount
        assert bill.usage() == full.usage


def test_writes_are_as_often_as_recorded() -> None:
    """Half of the possible hits happened; what was not found was written again, as the record shows."""
    usages = [Usage(0, 0, 2000, 50)] + [Usage(0, 1000 + 250 * at, 1000 + 250 * at, 50) for at in range(1, 5)]
    found = measure(with_usage(five_steps(model=CLAUDE).trace, *usages), BOOK)
    bill = Biller(found).bill(draft(found))
    assert bill.hit_rate == Fraction(sum(usage.cached_input for usage in usages), 11_000)
    assert bill.shares["recorded"][1] == 1
    assert bill.usage() == found.usage
    assert bill.dollars() == found.money.amount


def test_gaps_longer_than_the_lifetime_are_no_hits_and_unknown_gaps_are_short() -> None:
    served: dict[float | None, int] = {}
    for gap in (2.0, 400.0, None):
        found = five_steps(gap=gap)
        served[gap] = sum(line.served for line in Biller(found).bill(draft(found)).lines)
    assert served[400.0] == 0
    assert served[None] == served[2.0] > 0


def test_where_nothing_could_be_hit_an_automatic_cache_is_taken_to_work() -> None:
    """Its beginning changed with every call, so the record shows no hit: that says nothing about another layout."""
    turns: list[object] = [words(60)]
    for at in range(4):
        turns += [[call("search", f"c{at}", q=at)], {f"c{at}": words(400)}]
    recorded = trace(*turns, ("ok",), instructions="x", gap=2.0)
    for number, step in enumerate(recorded.steps):
        first = replace(step.request.messages[0], parts=(replace(step.request.messages[0].parts[0],
                        text=f"Now: 10:0{number}\n" + words(1500)),))  # fmt: skip
        step.request = step.request.with_(messages=(first, *step.request.messages[1:]))
    found = measure(with_usage(recorded, *[Usage(1700 + 500 * at, 0, 0, 50) for at in range(5)]), BOOK)
    biller = Biller(found)
    was = biller.bill(draft(found))
    laid = biller.bill(BY_NAME["cache-layout"].apply(draft(found)))
    assert sum(line.served for line in was.lines) == 0
    assert was.dollars() == found.money.amount
    assert (net_of(was, laid, "recorded") or 0) > 0


def test_a_window_that_breaks_the_cache_costs_more_though_it_sends_less() -> None:
    """The most repeated complaint of 2026: fewer tokens, a larger bill."""
    found = cached(long_run(CLAUDE))
    biller = Biller(found)
    before = biller.bill(draft(found))
    every_turn = replace(BY_NAME["window"], parameters={"turns": 6, "hop": 1})  # type: ignore[type-var]
    after = biller.bill(every_turn.apply(draft(found)))
    assert after.usage().prompt < 0.8 * before.usage().prompt
    assert after.usage().cached_input < before.usage().cached_input / 2
    net = net_of(before, after, "recorded")
    assert net is not None
    assert net < 0
    low, high = biller.span(before, after) or (Decimal(1), Decimal(1))
    assert low < net < high < 0


def test_savings_do_not_add_up() -> None:
    found = long_run()
    names = ("window", "prompt-cache")
    biller = Biller(found)
    was = biller.bill(draft(found)).dollars() or Decimal(0)
    alone = [was - (biller.bill(BY_NAME[name].apply(draft(found))).dollars() or 0) for name in names]
    together = was - (biller.bill(apply_all([BY_NAME[name] for name in names], found)).dollars() or 0)
    assert max(alone) < together < sum(alone)


def test_which_cases_are_open() -> None:
    assert open_cases(True, None) == (("recorded", "recorded"),)
    assert set(open_cases(False, None)) == {(case, case) for case in CASES}
    assert ("recorded", "worst") in open_cases(True, True)  # switched on, and nothing found
    assert ("best", "worst") in open_cases(False, False)  # it had served all, and serves nothing any more


@pytest.mark.parametrize("model", [CLAUDE, "openai:gpt-4o"])
def test_a_system_prompt_that_no_record_holds_is_shared_by_all_prompts(model: str) -> None:
    """As logs of coding agents have it: 20,000 tokens stand before everything, and a window does not break them."""
    shown = long_run(model)
    fully = cached(measure(with_usage(shown.trace, *(
        Usage(20_000 + one.prompt, 0, 0, one.usage.output) for one in shown.calls
    )), BOOK))  # fmt: skip
    assert draft(fully).hidden[""] == pytest.approx(20_000, rel=0.01)
    biller = Biller(fully)
    before, after = (biller.bill(one) for one in (draft(fully), BY_NAME["window"].apply(draft(fully))))
    assert before.dollars() == fully.money.amount
    assert min(line.served for line in after.lines[1:]) >= 20_000
    assert before.usage().prompt - after.usage().prompt < 0.1 * before.usage().prompt
    assert draft(shown).hidden == draft(cached(shown)).hidden == {}


def test_estimated_tokens_widen_the_interval() -> None:
    told, guessed = cached(long_run()), long_run()
    for found, remedy, wide in (
        (told, "flex-tier", False), (told, "shorter-output", False), (told, "window", True),
        (guessed, "shorter-output", True), (guessed, "window", True),
    ):  # fmt: skip
        biller = Biller(found)
        before = biller.bill(draft(found))
        after = biller.bill(BY_NAME[remedy].apply(draft(found)))
        net = net_of(before, after, "recorded")
        span = biller.span(before, after)
        assert net is not None
        assert span is not None
        if wide:
            assert span[1] - span[0] >= Decimal("0.28") * abs(net)
        else:
            assert span == (net, net)


def test_what_was_paid_wins_over_the_list() -> None:
    """A run that was billed at half the list saves half as much."""
    full = five_steps(told=True)
    half = [replace(step, cost=Money.priced((one.money.amount or Decimal(0)) / 2, "invoice"))
            for step, one in zip(full.trace.steps, full.calls, strict=True)]  # fmt: skip
    paid = measure(replace(full.trace, steps=half), BOOK)
    nets = []
    for found in (full, paid):
        biller = Biller(found)
        before = biller.bill(draft(found))
        assert before.dollars() == found.money.amount
        nets.append(
            net_of(before, biller.bill(BY_NAME["shorter-output"].apply(draft(found))), "recorded") or Decimal(0)
        )
    assert nets[0] > 0
    assert nets[1] == nets[0] / 2


def test_tools_with_a_price_are_on_the_bill() -> None:
    prices = PriceList("own", "2026", models=dict(BOOK.prices.models), tools={"get_x": Decimal("0.25")})
    recorded = trace("x", [call("get_x", "a")], {"a": words(9)}, [call("get_x", "b")], {"b": words(9)}, ("y",))
    found = measure(recorded, Book(prices))
    biller = Biller(found)
    before = biller.bill(draft(found))
    assert before.dollars() == found.money.amount
    assert before.beside == Decimal("0.5")
    after = biller.bill(BY_NAME["deduplicate-calls"].apply(draft(found)))
    assert after.beside == Decimal("0.25")
    assert (net_of(before, after, "recorded") or 0) > Decimal("0.25")


def test_long_prompts_pay_their_tier() -> None:
    found = run("x", ("y",), model="anthropic:claude-sonnet-4-5")
    long = measure(with_usage(found.trace, Usage(250_000, 0, 0, 1000)), BOOK)
    assert Biller(long).bill(draft(long)).dollars() == long.money.amount


def test_seconds_are_unknown_where_a_call_has_none() -> None:
    timeless = five_steps(gap=None)
    assert isinstance(switch_on(draft(timeless)), Draft)
    found = five_steps()
    one = draft(found)
    assert Biller(found).bill(one).seconds == 5.0
    assert Biller(found).bill(one.with_(asks=[one.asks[0].with_(seconds=None), *one.asks[1:]])).seconds is None


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    found = run("x", ("y",), model="acme:one")
    bill = Biller(found).bill(draft(found))
    assert [bill.dollars(case) for case in CASES] == [None, None, None]
    assert Biller(found).span(bill, bill) is None
    assert bill.usage().prompt == found.usage.prompt


def test_bills_of_many_drafts_do_not_mix() -> None:
    """Only the run as it was and the last draft are remembered; every bill is as from a fresh start."""
    found = cached(long_run(CLAUDE))
    biller = Biller(found)
    names = [name for name in BY_NAME if BY_NAME[name].apply(one := draft(found)) is not one]
    assert len(names) > 5
    for name in [*names, *names]:
        alone = Biller(found).bill(BY_NAME[name].apply(draft(found)))
        mixed = biller.bill(BY_NAME[name].apply(draft(found)))
        assert mixed.dollars() == alone.dollars(), name


@pytest.mark.parametrize("case", CASES)
def test_own_cost_is_part_of_the_bill(case: str) -> None:
    found = cached(long_run(CLAUDE))
    after = Biller(found).bill(BY_NAME["clear-tool-results"].apply(draft(found)))
    own, calls, whole = after.own(case), after.calls(case), after.dollars(case)
    assert own is not None
    assert calls is not None
    assert own > 0
    assert whole == own + calls
    # A call that asks again is served from the cache like any other.
    if case == "worst":
        assert own > (after.own("best") or own)
