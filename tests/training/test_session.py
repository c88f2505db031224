"""`scrimp train`: its spec, its budget, and after how many uses a training has paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrimp.cli.main import main
from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.core.protocols import Dataset
from scrimp.training import session

ROWS = Dataset(({"price": 0.005}, {"price": 0.001}))


def document(before: float, after: float, calls: int = 100, tokens: int = 0) -> dict[str, dict[str, float]]:
    return {
        "before": {"usd": before, "success": 1.0}, "after": {"usd": after, "success": 0.9},
        "spent": {"calls": calls, "tokens": tokens},
    }  # fmt: skip


def test_a_training_pays_after_its_cost_over_the_saving_of_a_use() -> None:
    paid = session.break_even(document(0.003, 0.001), ROWS)
    assert paid["uses"] == 150, "100 calls at a mean of 0.003 dollars, over 0.002 saved a use"
    assert paid["success_lost"] == pytest.approx(0.1)
    dearer = session.break_even(document(0.003, 0.001, tokens=10**6), ROWS)
    assert dearer["uses"] > 150
    assert dearer["training"]["tokens"] > 0


def test_what_saves_nothing_never_pays() -> None:
    assert session.break_even(document(0.001, 0.001), ROWS)["uses"] is None
    assert session.break_even(document(0.001, 0.002), ROWS)["uses"] is None


def test_what_a_budget_may_limit() -> None:
    assert session.check_budget(None).limits == {}
    assert set(session.check_budget(Budget.parse("steps=3,seconds=9")).limits) == {"steps", "seconds"}
    with pytest.raises(InputError, match="cannot limit usd"):
        session.check_budget(Budget.parse("usd=1"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [("[polisy]\nx = 1\n", "polisy is no table"), ("data = 3\n", "data is no table"), ("[data\n", "not valid TOML"),
     ("[data]\nbench = 'bfcl'\n", "no rows to train on"), ("[data]\nm = 1\n", "has no 'm'"),
     ("[data]\nn = 8\nheld_out = 8\n[policy]\nwarm = { x = 1 }\n", "warm"),
     ("[data]\nn = 8\nheld_out = 8\n[parameters]\nx = 1\n", "no parameter 'x'")],
)  # fmt: skip
def test_mistakes_in_a_spec_are_one_line(text: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "spec.toml").write_text(text)
    code = main(["train", "otc-po", "--spec", str(tmp_path / "spec.toml"), "--out", str(tmp_path / "out")])
    assert code == 2
    assert fault in capsys.readouterr().err
