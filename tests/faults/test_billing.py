"""The ledger against the bill of a server in a process of its own, fault by fault (EVIDENCE, rule 16)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from scrimp.core.context import passage
from scrimp.core.context.received import Received
from scrimp.core.money import NOTHING
from scrimp.core.usage import NO_USAGE
from scrimp.testing.billing.cases import BOTH, SHORT, STREAMED, WHOLE, Case, cases
from scrimp.testing.billing.faults import KINDS
from scrimp.testing.billing.matrix import Row, run, table


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Warnings about a faulty server are what these tests provoke."""
    log = logging.getLogger("scrimp")
    level = log.level
    log.setLevel(logging.ERROR)
    yield
    log.setLevel(level)


def broken(rows: list[Row]) -> list[str]:
    return [f"{row.case.name} ({row.where}): {problem}" for row in rows for problem in row.problems]


def case(name: str, **changes: object) -> Case:
    return replace(next(case for case in (*BOTH, *STREAMED, *WHOLE) if case.name == name), **changes)  # type: ignore[arg-type]


def test_the_ledger_is_never_below_the_bill(tmp_path: Path) -> None:
    rows = run(list(cases(short=True)), tmp_path)
    assert len(rows) == 2 * len(SHORT)
    assert not broken(rows), table(rows)
    assert {row.verdict for row in rows} == {"equal", "above"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_fault(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    rows = run(list(cases()), tmp_path)
    record_property("shown", table(rows))  # a worker's own output reaches nobody, what is recorded does
    print("\n" + table(rows))
    assert not broken(rows)
    assert {row.case.name for row in rows if row.verdict == "stated"} == {"usage stated too low"}
    assert {row.case.name for row in rows if row.verdict == "in flight"} <= {"endless output, never pausing"}


def test_every_fault_of_the_server_is_in_the_matrix() -> None:
    used = {str(case.fault.get("kind", "none")) for case in (*BOTH, *STREAMED, *WHOLE)}
    assert used == set(KINDS)


def test_the_short_matrix_names_cases_that_exist() -> None:
    assert set(SHORT) <= {case.name for case in (*BOTH, *STREAMED)}


# -- the matrix sees what it is there to see ---------------------------------------------------------


def test_a_cut_that_is_charged_nothing_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def charge(self: passage.Passage, error: BaseException | None) -> object:
        return passage.failure(error), NO_USAGE, NOTHING, {}, "cut"

    monkeypatch.setattr(passage.Passage, "_charge", charge)
    rows = run([case("stream cut, orderly"), case("dropped before the response, billed", format="anthropic")], tmp_path)
    assert [row.verdict for row in rows] == ["FAIL", "FAIL"]
    assert "below the bill" in table(rows)


def test_a_refusal_that_is_charged_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage, "_unbilled", lambda error: False)
    rows = run([case("500")], tmp_path)
    assert "not equal" in rows[0].problems[0]


def test_an_endless_answer_charged_at_its_cap_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Received, "most", property(lambda self: self.cap))
    rows = run([case("endless output", format="anthropic")], tmp_path)
    assert any("fewer output tokens" in problem for problem in rows[0].problems)


def test_gateways_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage, "BY_A_GATEWAY", frozenset())
    rows = run([case("504 from a gateway, billed behind it")], tmp_path)
    assert rows[0].excess < 0
    assert rows[0].verdict == "FAIL"


def test_what_a_provider_keeps_to_itself_is_the_only_row_below(tmp_path: Path) -> None:
    (row,) = run([case("usage stated too low")], tmp_path)
    assert row.excess == Decimal("-0.00008")  # twenty tokens at four dollars a million
    assert row.verdict == "stated"
