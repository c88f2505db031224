"""Rows hold what events hold, money to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from journaled import DEAR, SECRET, event, fill, record

from scrimp.core.errors import InputError
from scrimp.core.money import Money
from scrimp.journal.journal import Journal
from scrimp.journal.rows import EVENT_TEXTS, EVENTS, RUN_TEXTS, RUNS, event_rows, run_row


def test_rows_have_the_columns_that_are_promised(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    run = fill(journal)[0]
    rows = list(event_rows(journal, run))
    assert all(list(row) == list(EVENTS) for row in rows)
    assert list(run_row(journal.run(run))) == list(RUNS)
    assert SECRET not in json.dumps([rows, run_row(journal.run(run))])
    told = list(event_rows(journal, run, content=True))
    assert list(told[0]) == [*EVENTS, *EVENT_TEXTS]
    assert SECRET in told[0]["request"]
    assert list(run_row(journal.run(run), content=True)) == [*RUNS, *RUN_TEXTS]
    journal.close()


def test_money_is_exact_and_unknown_is_not_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    first, second, _ = fill(journal)
    rows = list(event_rows(journal, first))
    assert [row["term"] for row in rows] == [
        "generation",
        "retries",
        "memory",
        "memory",
        "",
        "generation",
        "generation",
    ]
    ledger = journal.ledger(first)
    assert (
        sum(Decimal(row["amount"]) for row in rows if row["term"]) == ledger.total.cost.amount == DEAR + Decimal("0.3")
    )
    assert sum(row["calls"] for row in rows if row["term"]) == ledger.total.calls
    assert [(row["amount"], row["known"], row["money"]) for row in event_rows(journal, second)] == [
        ("0", "0", "metered"), (None, "0", "unknown"),
    ]  # fmt: skip
    journal.close()


def test_an_amount_too_fine_for_a_column_is_refused_not_rounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    for run, amount in (("A", "1e-19"), ("B", "1e20")):
        journal.begin(record(run))
        anyio.run(journal.commit, event(run, 0, money=Money.priced(Decimal(amount), "list")), None, None)
        with pytest.raises(InputError, match="more digits than a table's column"):
            list(event_rows(journal, run))
    journal.close()
