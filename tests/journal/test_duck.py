"""Tables, views and Parquet: the ledgers' totals to the last digit, read back by others."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journaled import HOSTILE, SECRET, event, fill, record

from scrimp.core.errors import InputError, OutsideError
from scrimp.core.money import Money
from scrimp.core.usage import Usage
from scrimp.journal import duck
from scrimp.journal.journal import Journal

duckdb = pytest.importorskip("duckdb", reason="the extra analytics is not installed")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    fill(opened)
    yield opened
    opened.close()


def answers(journal: Journal, query: str, **more: Any) -> list[tuple[Any, ...]]:
    with duck.opened(journal, journal.ids(), **more) as database:
        return duck.asked(database, query)[1]


def test_the_views_are_the_ledgers(journal: Journal) -> None:
    rows = answers(journal, "SELECT run, amount, known, calls, prompt_tokens, output_tokens, busy_us FROM ledgers")
    totals = {run: journal.ledger(run).total for run in journal.ids()}
    assert [row[0] for row in rows] == journal.ids()
    for run, *figures in rows:
        own = totals[run]
        expected = [own.cost.amount, own.cost.least, own.calls, own.tokens.prompt, own.tokens.output, own.busy_us]
        assert figures == expected
    parts = answers(journal, "SELECT run, component, amount FROM components")
    assert len(parts) == 5
    assert {(run, part): amount for run, part, amount in parts} == {
        (run, part): cell.cost.amount
        for run in journal.ids()
        for part, cell in journal.ledger(run).components.items()
        if (run, part) in {row[:2] for row in parts}
    }
    terms = answers(journal, "SELECT term, sum(amount) FROM terms WHERE amount > 0 GROUP BY term ORDER BY term")
    assert dict(terms)["memory"] == Decimal("0.2")


FACTS = st.tuples(
    st.sampled_from(["model", "tool", "embed", "decision"]),
    st.sampled_from(["planning", "memory", "tools", "answer", "harness"]),
    st.integers(1, 2),
    st.integers(0, 10**9),
    st.one_of(st.none(), st.decimals(0, 10**6, places=15)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACTS, min_size=1, max_size=20))
def test_any_events_come_to_what_the_ledger_says(
    tmp_path_factory: pytest.TempPathFactory, facts: list[tuple[Any, ...]]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("any") / "journal.sqlite")
    journal.begin(record("A"))
    for at, (kind, component, attempt, tokens, amount) in enumerate(facts):
        money = Money.unknown() if amount is None else Money.priced(amount, "list")
        retry = "repair" if attempt > 1 else ""
        happened = event("A", at, kind=kind, component=component, attempt=attempt, retry=retry, usage=Usage(tokens),
                         money=money)  # fmt: skip
        anyio.run(journal.commit, happened, None, None)
    ledger = journal.ledger("A")
    with duck.opened(journal, ["A"]) as database:
        for view, cells in (("components", ledger.components), ("terms", ledger.terms)):
            query = f"SELECT {view[:-1]}, amount, known, calls, tokens FROM {view}"
            told = {part: tuple(figures) for part, *figures in duck.asked(database, query)[1]}
            for part, cell in cells.items():
                expected = (cell.cost.amount, cell.cost.least, cell.calls, cell.tokens.total)
                assert told.get(part, (0, 0, 0, 0)) == expected
    journal.close()


def test_words_are_columns_only_where_they_are_asked_for(journal: Journal) -> None:
    for table in ("runs", "events"):
        assert SECRET not in str(answers(journal, f"SELECT * FROM {table}"))
        assert SECRET in str(answers(journal, f"SELECT * FROM {table}", content=True))
    assert answers(journal, "SELECT name FROM events WHERE status = 'unknown'") == [(HOSTILE,)]
    assert answers(journal, "SELECT DISTINCT labels['team'] FROM runs") == [("甲",)]


def test_a_text_longer_than_a_usual_line_is_kept_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "long.sqlite")
    run = fill(journal)[0]
    journal.end(run, "done", {"text": "长" * 7_000_000}, 1.0, 1)
    assert answers(journal, "SELECT max(length(answer)) FROM runs", content=True) == [(7_000_000,)]
    journal.close()


def test_a_database_and_parquet_are_read_by_others(journal: Journal, tmp_path: Path) -> None:
    for _ in range(2):  # the second replaces the first
        duck.keep(journal, journal.ids(), tmp_path / "runs.duckdb")
    with duckdb.connect(str(tmp_path / "runs.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchall() == [(3,)]
        assert database.execute("SELECT count(*) FROM ledgers").fetchall() == [(3,)]
    duck.parquet(journal, journal.ids(), tmp_path / "events.parquet")
    query = "SELECT sum(amount) FROM read_parquet(?) WHERE term <> '' AND run = ? AND system = 'mine'"
    run = journal.ids()[0]
    assert duckdb.execute(query, [str(tmp_path / "events.parquet"), run]).fetchall() == [
        (journal.ledger(run).total.cost.amount,)
    ]
    assert not list(tmp_path.glob(".*"))


def test_arrow_sees_decimals(journal: Journal, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    duck.parquet(journal, journal.ids(), tmp_path / "events.parquet")
    table = parquet.read_table(tmp_path / "events.parquet")
    assert str(table.schema.field("amount").type) == "decimal128(38, 18)"
    amounts = [amount for amount in table.column("amount").to_pylist() if amount is not None]
    assert sum(amounts) == sum(
        (journal.ledger(run).total.cost.least + journal.ledger(run).harness.cost.least for run in journal.ids()),
        Decimal(0),
    )


def test_a_wrong_query_and_a_missing_folder_are_one_line(journal: Journal, tmp_path: Path) -> None:
    for query in ("SELCT 1", "SELECT nothing FROM runs", "SELECT * FROM read_csv('https://127.0.0.1:9/x')"):
        with pytest.raises(InputError, match="the query failed") as caught:
            answers(journal, query)
        assert "\n" not in str(caught.value)
    with pytest.raises(OutsideError, match="Cannot open file"):
        duck.keep(journal, journal.ids(), tmp_path / "no" / "runs.duckdb")
