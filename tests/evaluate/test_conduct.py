"""Carrying out: judges are on nobody's account, and there is no figure of success where a user is scripted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.messages import user
from scrimp.core.prompt import Prompt
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.document import SCRIPTED
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.judges import Judges
from scrimp.evaluate.systems import baseline, efficient
from scrimp.report.card import card
from scrimp.report.html import write

JUDGE = Prompt("judge", 1, "")


class Judged:
    """Five questions that a judge model scores."""

    name, version, splits, default_split, metrics = "judged", "1", ("test",), "test", ("success",)
    roles: ClassVar[dict[str, str]] = {"judge": "small"}
    figures = True

    def tasks(self, split: str) -> Iterator[Task]:
        return (Task(f"t{number}", f"Question number {number} of the judged set") for number in range(5))

    async def score(self, task: Task, answer: Answer, ctx: Any) -> Score:
        said = await ctx.complete([user(answer.text)], prompt=JUDGE, model="judge", max_output=4)
        return Score(1.0, said.text == "yes")


class Talks(Judged):
    """The same with a scripted user: a harness test."""

    roles: ClassVar[dict[str, str]] = {}
    figures = False

    async def score(self, task: Task, answer: Answer, ctx: Any) -> Score:
        return Score(1.0, True)


class Half(Judged):
    """Answers that are half right."""

    roles: ClassVar[dict[str, str]] = {}

    async def score(self, task: Task, answer: Answer, ctx: Any) -> Score:
        return Score(0.5, False)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A model that says yes to everything, and plays the judge as well."""
    file = tmp_path / "script.json"
    file.write_text(json.dumps({"answers": ["yes"], "repeat": True}), encoding="utf-8")
    monkeypatch.setitem(Judged.roles, "judge", f"scripted:{file}")
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "home"))
    return f"scripted:{file}"


def test_a_judge_is_the_harnesss(scripted: str, tmp_path: Path) -> None:
    found = anyio.run(run, Experiment((baseline(),), f"{__name__}:Judged", model=scripted, out=tmp_path / "out"))
    assert found["judges"]["models"] == {"judge": scripted}
    assert found["judges"]["calls"] == 5
    (row,) = found["systems"]
    assert row["effectiveness"]["mean"] == 1.0
    assert row["ledger"]["total"]["calls"] == 5, "the agent's own calls only"
    assert row["ledger"]["harness"]["calls"] == 0


def test_a_scripted_user_gives_costs_and_no_figure_of_success(scripted: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = anyio.run(run, Experiment((baseline(), efficient()), f"{__name__}:Talks", model=scripted, out=out))
    assert found["notes"][0] == SCRIPTED
    assert found["pairs"] == []
    for row in found["systems"]:
        assert row["effectiveness"]["mean"] is None
        assert row["cost_of_pass"] is None
        assert row["on_frontier"] is None
        assert "success_rate" not in row["metrics"]
        assert row["cost"]["mean"] is not None
    assert "NaN" not in write(found, out).read_text(encoding="utf-8")
    with pytest.raises(InputError, match="its user was scripted"):
        card(found)


def test_a_finer_score_stands_beside_success(scripted: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = anyio.run(run, Experiment((baseline(),), f"{__name__}:Half", model=scripted, out=out))
    assert (found["systems"][0]["effectiveness"]["mean"], found["systems"][0]["score"]["mean"]) == (0.0, 0.5)
    page = write(found, out).read_text(encoding="utf-8")
    assert "score 50" in page
    assert "得分 50" in page


def test_an_exact_rule_needs_no_model() -> None:
    async def main() -> None:
        judges = Judges({})
        await judges.doors()
        assert judges.ledger.harness.calls == 0
        await judges.aclose()

    anyio.run(main)
