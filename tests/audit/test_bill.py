"""Bills of drafts by hand, and savings that are differences of bills."""

from __future__ import annotations

from decimal import Decimal

import pytest
from recorded import call, run, spec, trace, with_usage, words

from scrimp.audit.bill import Biller
from scrimp.audit.combination import combine, config, emit_config
from scrimp.audit.draft import Draft, apply_all, draft
from scrimp.audit.measure import Book, Run, measure
from scrimp.audit.remedies.prompt_cache import switch_on
from scrimp.audit.remedies.table import REMEDIES
from scrimp.audit.savings import Savings, net_of
from scrimp.core.errors import InputError
from scrimp.core.messages import Image
from scrimp.core.money import Money
from scrimp.core.system import System
from scrimp.core.usage import Usage
from scrimp.models.prices import load

BOOK = Book(load())
BY_NAME = {remedy.name: remedy for remedy in REMEDIES}
ANSWER = ("A short answer.",)


def five_steps(*, told: bool = False, gap: float | None = 2.0) -> Run:
    """Prompts of 2,000, 2,500, 3,000, 3,500 and 4,000 tokens, 50 written each."""
    turns: list[object] = [words(60)]
    for at in range(4):
        turns += [[call("search", f"c{at}", q=at)], {f"c{at}": words(400)}]
    recorded = trace(*turns, ANSWER, instructions=words(1500), gap=gap, seconds=1.0)
    usages = [Usage(input=2000 + 500 * at, output=50) for at in range(5)]
    if told:
        usages = [Usage(2000 + 500 * at - 1000, 1000, 0, 50) if at else usages[0] for at in range(5)]
    return measure(with_usage(recorded, *usages), BOOK)


def long_run() -> Run:
    turns: list[object] = [words(60)]
    for at in range(14):
        turns += [[call("search", f"c{at}", q=at)], {f"c{at}": words(400)}]
    return run(*turns, ANSWER, instructions=words(1500), gap=2.0)


def saved(found: Run, name: str) -> dict[str, Decimal]:
    savings = Savings()
    savings.add(found, [BY_NAME[name]])
    return savings.remedies[name].net


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


def test_an_unchanged_draft_saves_nothing_at_all() -> None:
    for found in (five_steps(), five_steps(told=True), long_run()):
        before = Biller(found).bill(draft(found))
        after = Biller(found).bill(draft(found))
        assert [net_of(before, after, case) for case in ("recorded", "best", "worst")] == [0, 0, 0]
    same = draft(long_run())
    assert same.rewritten(lambda request: request) is same


def test_the_bill_as_it_was_is_the_record() -> None:
    found = five_steps(told=True)
    bill = Biller(found).bill(draft(found))
    assert bill.dollars() == found.money.amount
    assert bill.hit_rate == Decimal(4000) / (1920 + 2432 + 2944 + 3456)


def test_a_window_that_breaks_the_cache_costs_more_though_it_sends_less() -> None:
    """The most repeated complaint of 2026: fewer tokens, a larger bill."""
    found = long_run()
    on = switch_on(draft(found))
    biller = Biller(found)
    cached, windowed = biller.bill(on), biller.bill(BY_NAME["window"].apply(on))
    assert windowed.usage().prompt < cached.usage().prompt
    from dataclasses import replace

    every_turn = replace(BY_NAME["window"], parameters={"turns": 6, "hop": 1})  # type: ignore[type-var]
    broken = biller.bill(every_turn.apply(on))
    assert broken.usage().prompt < cached.usage().prompt
    assert broken.usage().cached_input < cached.usage().cached_input / 2


def test_savings_do_not_add_up() -> None:
    found = long_run()
    names = ("window", "prompt-cache")
    biller = Biller(found)
    was = biller.bill(draft(found)).dollars() or Decimal(0)
    alone = [was - (biller.bill(BY_NAME[name].apply(draft(found))).dollars() or 0) for name in names]
    together = was - (biller.bill(apply_all([BY_NAME[name] for name in names], found)).dollars() or 0)
    assert max(alone) < together < sum(alone)


def test_the_interval_holds_the_cases_and_the_estimate() -> None:
    told, guessed = five_steps(told=True), long_run()
    for found, width in ((told, 0.0), (guessed, 0.28)):
        savings = Savings()
        savings.add(found, [BY_NAME["clear-tool-results"], BY_NAME["batch-tier"]])
        batch = savings.remedies["batch-tier"]
        assert batch.low <= batch.net["recorded"] <= batch.high
        relative = float((batch.high - batch.low) / batch.net["recorded"])
        assert relative == pytest.approx(0.0) if not width else relative >= width


def test_what_a_remedy_costs_itself_is_counted() -> None:
    found = long_run()
    savings = Savings()
    savings.add(found, [BY_NAME["rolling-summary"], BY_NAME["cheaper-model"]])
    document = savings.to_json(Money.priced(found.money.amount or Decimal(0), "x"), 1.0, Decimal(10))
    for row in document["remedies"]:
        gross, own, net = (float(row[key]["amount"]) for key in ("own_cost", "own_cost", "net"))
        assert own > 0
        assert float(row["saves"]["cost"]["amount"]) - own == pytest.approx(net)
        assert gross == own
        assert row["per_month"] == pytest.approx(10 * net)
    cheaper = next(row for row in document["remedies"] if row["name"] == "cheaper-model")
    assert 0.3 < cheaper["break_even"] <= 1


@pytest.mark.parametrize(
    ("name", "turns", "fields"),
    [
        ("drop-images", ("go", Image(width=1024, height=1024), ("a",), Image(width=1024, height=1024), ("b",)), {}),
        ("downscale-images", ("go", Image(width=1500, height=1500), ("a",), "x", ("b",)),
         {"model": "anthropic:claude-sonnet-4-5"}),
        ("top-k-tools", ("weather?", ("a",)), {"tools": [spec(f"get_{at}", "About " * 9) for at in range(20)]}),
        ("shorten-schemas", ("x", ("a",)), {"tools": [spec("get", "A very long description. " * 9)]}),
        ("shorter-output", ("x", (words(200),)), {}),
        ("early-stop", None, {}),
        ("deduplicate-calls", ("x", [call("get", "a")], {"a": words(99)}, [call("get", "b")], {"b": words(99)},
                               ("y",)), {}),
        ("parallel-calls", ("Oslo and Bergen", [call("get", "a", c="Oslo")], {"a": "1"}, [call("get", "b", c="Bergen")],
                            {"b": "2"}, ("y",)), {}),
        ("offload-outputs", ("x", [call("cat", "a")], {"a": words(3000)}, ("y",)), {}),
        ("flex-tier", ("x", ("y",)), {"model": "openai:gpt-5"}),
    ],
)  # fmt: skip
def test_every_remedy_saves_where_it_applies_and_nothing_elsewhere(
    name: str, turns: object, fields: dict[str, object]
) -> None:
    if turns is None:
        recorded = trace(
            "x", *(part for at in range(5) for part in ([call("book", f"c{at}")], {f"c{at}": "Error: full"})), ("y",)
        )
        for use in recorded.tools:
            use.failed, use.error = True, "Error: full"
        found = measure(recorded, BOOK)
    else:
        found = run(*turns, **fields)  # type: ignore[misc]
    assert saved(found, name)["recorded"] > 0
    if name not in ("flex-tier",):
        plain = run("hi", ("Hello.",))
        assert BY_NAME[name].apply(same := draft(plain)) is same


def test_lower_effort_only_where_there_is_reasoning() -> None:
    recorded = with_usage(trace("x", ("y",), gap=1.0, seconds=10.0), Usage(input=100, output=400, reasoning=300))
    found = measure(recorded, BOOK)
    changed = BY_NAME["lower-effort"].apply(draft(found))
    assert (changed.asks[0].output, changed.asks[0].reasoning) == (250, 150)
    assert changed.asks[0].seconds == pytest.approx(6.25)


def test_every_remedy_says_what_it_is() -> None:
    assert len(REMEDIES) >= 16
    assert len({remedy.name for remedy in REMEDIES}) == len(REMEDIES)
    for remedy in REMEDIES:
        assert remedy.exactness in ("exact", "behavioural", "hindsight bound")
        assert len(remedy.assumes) > 20
        assert len(remedy.how) > 10


def test_a_combination_is_chosen_and_billed_together(tmp_path) -> None:  # type: ignore[no-untyped-def]
    runs = [long_run(), long_run()]
    found = combine(runs)
    names = [remedy.name for remedy in found.chosen]
    assert "prompt-cache" in names
    assert not {"window", "clear-tool-results"} <= set(names)
    assert 0 < found.net < found.cost
    assert found.to_json(found.cost, None)["sum_of_single"] == pytest.approx(float(found.alone))
    savings = Savings()
    for one in runs:
        savings.add(one)
    rows = savings.to_json(Money.priced(found.cost, "x"), 1.0, None)["remedies"]
    path = tmp_path / "system.toml"
    emit_config(rows, [*names, "top-k-tools", "lower-effort", "cache-lifetime"], path, "openai:gpt-4o")
    system = System.from_toml(path)
    assert system.model == "openai:gpt-4o"
    emitted = [part.name for part in system.transforms]  # type: ignore[union-attr]
    assert emitted == [name for name in names if BY_NAME[name].settings().get("transform")]
    assert emitted
    with pytest.raises(InputError, match="there is no folder"):
        emit_config(rows, names, tmp_path / "gone" / "x.toml")


def test_settings_become_keys_of_a_system() -> None:
    rows = [
        {"name": "cache-lifetime", "title": "t", "share": 0.1, "exactness": "exact", "assumes": "a",
         "settings": {"model": "?cache=1h"}},
        {"name": "lower-effort", "title": "t", "share": 0.1, "exactness": "behavioural", "assumes": "a",
         "settings": {"effort": "low"}},
    ]  # fmt: skip
    text = config(rows, ["cache-lifetime", "lower-effort"], "anthropic:claude-opus-5")
    assert 'model = "anthropic:claude-opus-5?cache=1h"' in text
    assert 'effort = "low"' in text


def test_runs_without_times_and_prices_are_no_failure() -> None:
    found = run("x", ("y",), "z", ("w",), model="acme:one")
    savings = Savings()
    savings.add(found)
    document = savings.to_json(found.money, 1.0, None)
    assert all(row["net"]["amount"] is None for row in document["remedies"])
    assert combine([found]).chosen == []
    timeless = five_steps(gap=None)
    assert isinstance(switch_on(draft(timeless)), Draft)
