"""Savings over many runs: they add up, know what they do not know, and say how sure they are."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from billed import BOOK, BY_NAME, CLAUDE, cached, five_steps, long_run
from recorded import run, trace, with_usage

from scrimp.audit.audit import runs_of
from scrimp.audit.bill import Biller
from scrimp.audit.draft import draft
from scrimp.audit.groups import Groups
from scrimp.audit.measure import Run, measure
from scrimp.audit.savings import Savings
from scrimp.core.money import NOTHING, Money
from scrimp.core.usage import Usage

DATA = os.environ.get("SCRIMP_DATA")
SHORTER = [BY_NAME["shorter-output"]]


def rows(savings: Savings, share: float = 1.0, scale: Decimal | None = None, cost: Money = NOTHING) -> dict[str, Any]:
    document = savings.to_json(cost, share, scale)
    return {row["name"]: row for row in document["remedies"]}


def answered(task: str, tokens: int) -> Run:
    """One call that writes so many tokens."""
    recorded = with_usage(trace("x", ("y",)), Usage(100, 0, 0, tokens))
    return measure(replace(recorded, task=task), BOOK)


def test_they_add_up() -> None:
    runs = [long_run(), long_run(CLAUDE), five_steps(told=True), cached(long_run())]
    whole, parts = Savings(), [Savings() for _ in runs]
    for found, part in zip(runs, parts, strict=True):
        whole.add(found)
        part.add(found)
    summed = Savings()
    for part in parts:
        summed = summed + part
    assert summed == whole
    assert rows(summed) == rows(whole)


def test_by_hand() -> None:
    """The second run keeps 70 of 100 tokens of its answer: 30 tokens at 10 dollars a million."""
    savings = Savings()
    for found in (answered("a", 10), answered("b", 100)):
        savings.add(found, SHORTER)
    [row] = rows(savings).values()
    assert row["net"]["amount"] == "0.0003"
    assert row["saves"]["tokens"]["output"] == 30
    assert row["saves"]["seconds"] is None
    assert row["share"] == pytest.approx(0.0003 / (0.0005 + 0.0011))
    assert (row["runs"], row["of_runs"]) == (1, 2)
    assert row["interval"] == [0.0003, 0.0003]


def test_gross_less_own_cost_is_net() -> None:
    savings = Savings()
    savings.add(long_run())
    savings.add(cached(long_run(CLAUDE)))
    found = rows(savings, scale=Decimal(10))
    for name in ("rolling-summary", "cheaper-model", "clear-tool-results"):
        row = found[name]
        own, net, gross = (float(part["amount"]) for part in (row["own_cost"], row["net"], row["saves"]["cost"]))
        assert own > 0, name
        assert gross - own == pytest.approx(net), name
        assert row["per_month"] == pytest.approx(10 * net), name
    assert 0.3 < found["cheaper-model"]["break_even"] <= 1


def test_a_remedy_that_costs_more_is_told_too() -> None:
    savings = Savings()
    savings.add(cached(long_run(CLAUDE)))
    found = rows(savings)
    assert float(found["window"]["net"]["amount"]) < 0
    assert found["window"]["saves"]["tokens"]["cached_input"] > 0
    assert list(found)[-1] == min(found, key=lambda name: found[name]["rank_by"])


def test_a_remedy_that_does_not_apply_says_nothing() -> None:
    savings = Savings()
    savings.add(run("hi", ("Hello.",), model="acme:one"))
    assert savings.remedies == {}
    assert savings.runs == 1


def test_unknown_prices_are_not_nothing() -> None:
    savings = Savings()
    savings.add(long_run("acme:one"), SHORTER)
    [row] = rows(savings, scale=Decimal(5)).values()
    assert row["net"] == {"amount": None, "currency": "USD", "state": "unknown", "known": "0"}
    assert (row["share"], row["interval"], row["per_month"], row["per_month_interval"]) == (None, None, None, None)
    assert set(row["cases"].values()) == {None}
    assert row["saves"]["tokens"]["output"] > 0
    savings.add(long_run(), SHORTER)
    [row] = rows(savings).values()
    assert row["net"]["amount"] is None
    assert float(row["net"]["known"]) > 0
    assert row["unpriced_runs"] == 1


def test_judges_are_not_paid_by_the_agent() -> None:
    recorded = trace("x", ("y " * 400,), "z", ("w " * 400,))
    recorded.steps[1].component = "harness"
    savings = Savings()
    savings.add(found := measure(recorded, BOOK), SHORTER)
    assert savings.cost == found.money.amount == found.calls[0].money.amount
    only = trace("x", ("y",))
    only.steps[0].component = "harness"
    savings.add(measure(only, BOOK))
    assert savings.runs == 1


def test_a_sample_is_scaled_and_its_draw_widens_the_interval() -> None:
    """Forty tasks, every second of which has a long answer: the share saved is uncertain by the draw."""
    savings = Savings()
    for at in range(40):
        savings.add(answered(f"task {at}", 1000 if at % 2 else 20), SHORTER)
    all_of_them = rows(savings)["shorter-output"]
    quarter = rows(savings, 0.25, cost=Money.priced(4 * savings.cost, "x"))["shorter-output"]
    assert float(quarter["net"]["amount"]) == pytest.approx(4 * float(all_of_them["net"]["amount"]))
    low, high = quarter["interval"]
    assert low < float(quarter["net"]["amount"]) < high
    assert all_of_them["interval"][0] == all_of_them["interval"][1]
    unknown = rows(savings, 0.25, cost=Money.unknown())["shorter-output"]
    assert float(unknown["net"]["amount"]) == pytest.approx(4 * float(all_of_them["net"]["amount"]))


def test_few_tasks_give_no_interval_of_a_draw() -> None:
    savings = Savings()
    for at in range(30):
        savings.add(answered(f"task {at % 3}", 1000), SHORTER)
    row = rows(savings, 0.5, Decimal(10))["shorter-output"]
    assert row["interval"] is None
    assert row["reason"] == row["per_month_reason"] == "n too small"
    assert row["per_month"] is not None


def test_a_month_is_less_sure_than_the_record() -> None:
    savings = Savings()
    for at in range(40):
        savings.add(answered(f"task {at}", 300 + 17 * at), SHORTER)
    row = rows(savings, scale=Decimal(250))["shorter-output"]
    low, high = row["per_month_interval"]
    assert row["interval"][0] == row["interval"][1]
    assert low < row["per_month"] < high
    # The standard error of the mean of evenly spread savings is about 10 % of it.
    assert 0.1 < (high - low) / row["per_month"] < 0.6


def test_a_draw_does_not_turn_nothing_into_a_loss() -> None:
    """The cache may have served everything already: then switching it on saves nothing, whichever runs are drawn."""
    savings = Savings()
    for at in range(20):
        found = long_run(steps=3 + at % 7)
        found.trace.task = f"task {at}"
        savings.add(found, [BY_NAME["prompt-cache"]])
    row = rows(savings, scale=Decimal(10))["prompt-cache"]
    assert row["interval"][0] == row["per_month_interval"][0] == 0.0
    assert row["per_month_interval"][1] > 10 * row["interval"][1]


def test_a_task_repeated_is_not_more_tasks() -> None:
    """The intervals are those over tasks: four trials of each do not make them narrower."""
    once, four = Savings(), Savings()
    for at in range(30):
        one = answered(f"task {at}", 200 + 40 * at)
        once.add(one, SHORTER)
        for _ in range(4):
            four.add(one, SHORTER)
    single = rows(once, scale=Decimal(4))["shorter-output"]["per_month_interval"]
    repeated = rows(four, scale=Decimal(1))["shorter-output"]["per_month_interval"]
    assert repeated == pytest.approx(single)


def test_adding_does_not_change_the_run() -> None:
    found = long_run()
    before = deepcopy(found.trace)
    Savings().add(found)
    assert found.trace == before


@pytest.mark.parametrize("kind", ["a share", "some runs", "above a threshold", "both signs"])
@pytest.mark.parametrize("by_cost", [True, False])
def test_intervals_of_a_draw_cover(kind: str, by_cost: bool) -> None:
    """EVIDENCE rule 12, with heavy-tailed costs; 200 draws leave 3.1 points of noise (two standard errors)."""
    generator = np.random.default_rng(7)

    def draw(n: int) -> tuple[Any, Any]:
        cost = generator.lognormal(0, 1, n)
        chance = generator.random(n)
        saved = {
            "a share": cost * generator.beta(2, 5, n),
            "some runs": np.where(chance < 0.3, 0.5 * cost, 0.0),
            "above a threshold": np.where(cost > 1, 0.4 * (cost - 1), 0.0),
            "both signs": np.where(chance < 0.5, 0.4 * cost, -0.2 * cost),
        }[kind]
        return cost, saved

    cost, saved = draw(1_000_000)
    truth = float(saved.sum() / cost.sum()) if by_cost else float(saved.mean())
    for n in (10, 20, 40, 64):
        held = printed = 0
        for _ in range(200):
            cost, saved = draw(n)
            groups = Groups({at: (1, float(value)) for at, value in enumerate(cost)})
            found = groups.interval({at: float(value) for at, value in enumerate(saved) if value}, by_cost=by_cost)
            if found is not None:
                printed += 1
                base = float(cost.sum()) if by_cost else n
                held += found[0] <= truth * base <= found[1]
        assert not printed or held / printed >= 0.93 - 0.031 * (200 / max(printed, 1)) ** 0.5, (n, held, printed)
        assert printed > 100 or n < 40, n


@pytest.mark.skipif(DATA is None, reason="SCRIMP_DATA is not set")
def test_on_the_bundled_traces() -> None:
    """As it was, every run costs what it cost; what remedies save, and what they cost, hangs together."""
    savings = Savings()
    spent = Decimal(0)
    for found in runs_of([Path(DATA or "") / "agent_traces"]):
        was = Biller(found).bill(draft(found))
        assert was.dollars() == pytest.approx(found.money.amount, rel=Decimal("1e-12"))
        assert was.usage().prompt == sum(one.usage.prompt for one in found.calls if one.event.component != "harness")
        spent += found.money.amount or Decimal(0)
        savings.add(found)
    assert savings.cost == pytest.approx(spent, rel=Decimal("1e-12"))
    found_rows = rows(savings, scale=Decimal(10))
    assert len(found_rows) >= 10
    for name, row in found_rows.items():
        net, low, high = float(row["net"]["amount"]), *row["interval"]
        assert low <= net + 1e-12 <= high + 2e-12, name
        assert float(row["saves"]["cost"]["amount"]) - float(row["own_cost"]["amount"]) == pytest.approx(net), name
        if row["per_month_interval"]:
            assert row["per_month_interval"][0] <= 10 * low + 1e-9, name
            assert row["per_month_interval"][1] >= 10 * high - 1e-9, name
    # Half the price, and nobody's record tells of a cache that would be lost.
    assert found_rows["batch-tier"]["share"] == pytest.approx(0.5, abs=0.001)
    assert found_rows["prompt-cache"]["interval"][0] == 0.0
