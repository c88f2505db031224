import copy
from decimal import Decimal

import pytest

from scrimp.core.errors import InputError
from scrimp.report.data import clean, read


def test_tokens_and_costs_are_per_run(document):
    report = read(document)
    row, system = report.rows[0], document["systems"][0]
    assert row.tokens["input"] == system["ledger"]["total"]["tokens"]["input"] / 60
    assert row.cost.mean == pytest.approx(float(system["cost"]["amount"]) / 60, rel=1e-3)
    assert row.ledger.total.cost.exact == Decimal(system["cost"]["amount"])
    assert not report.controls_run
    assert report.notes == ("A demonstration, not evidence.",)


def test_unknown_money_stays_unknown(document):
    changed = copy.deepcopy(document)
    changed["systems"][1]["cost"] = {"amount": None, "currency": "USD", "state": "unknown", "known": "0.5", "mean": 0.1}
    row = read(changed).rows[1]
    assert (row.cost.mean, row.cost.reason, row.amount.known) == (None, "cost unknown", Decimal("0.5"))


def test_a_ledger_that_does_not_sum_is_said(document):
    changed = copy.deepcopy(document)
    changed["systems"][2]["ledger"]["terms"]["tools"]["cost"]["amount"] = "99"
    changed["systems"][3]["ledger"]["components"]["tools"]["tokens"]["output"] += 1
    assert read(changed).notes[1:] == (
        "rewoo: the terms do not sum to the total",
        "mem0 + rewoo: the components do not sum to the total",
    )


def test_malformed_documents_are_one_clear_error(document):
    for change in (
        lambda d: d.pop("systems"),
        lambda d: d.update(systems=[]),
        lambda d: d["systems"][0].pop("ledger"),
        lambda d: d["systems"][0]["cost"].update(amount="a lot"),
        lambda d: d["systems"][0].update(effectiveness=3),
        lambda d: d.update(systems=[3]),
        lambda d: d["systems"][0]["effectiveness"].update(interval=[1]),
    ):
        changed = copy.deepcopy(document)
        change(changed)
        with pytest.raises(InputError) as caught:
            read(changed)
        assert caught.value.remedy


def test_optional_keys_may_be_missing(document):
    changed = copy.deepcopy(document)
    for key in (
        "pairs",
        "hypervolume",
        "forecast",
        "prices",
        "controls",
        "notes",
        "command",
        "date",
        "seeds",
        "margin",
    ):
        changed.pop(key)
    for system in changed["systems"]:
        for key in ("runs", "cost_of_pass", "latency"):
            system.pop(key)
    report = read(changed)
    assert report.controls == "not run"
    assert report.rows[0].seconds == {"mean": None, "p50": None, "p95": None}


def test_clean_drops_what_could_mislead_and_keeps_chinese():
    assert clean("a\x00b\u202ec\ud800d\n规划") == "a b c d 规划"
