"""Experiment > System > trial > call: the experiment's budget holds with eight workers, and what is done is kept."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import virtual

from scrimp.core.budget import Budget
from scrimp.core.errors import UnknownPrice
from scrimp.core.messages import Request
from scrimp.core.money import PriceList
from scrimp.core.system import System
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate import experiment as subject
from scrimp.evaluate.executors import local
from scrimp.outfit import Parts
from scrimp.testing import PRICES, ScriptedModel


class Questions:
    """Forty tasks whose answers are words of any number; a cut answer is a wrong one."""

    name, version, default_split = "questions", "1", "test"
    price: Decimal | None = Decimal("0.0001")

    def tasks(self, split: str) -> Iterable[Task]:
        look = Tool("look", "Look.", {"type": "object"}, lambda given: "seen", price=self.price, inline=True)
        return [Task(f"q{number}", f"question {number}", (look,)) for number in range(40)]

    async def score(self, task: Task, answer: Answer, ctx: Any) -> Score:
        whole = answer.text.endswith("end")
        return Score(float(whole), whole)


def model(seed: int) -> ScriptedModel:
    """Looks things up some times, then answers at some length; each call takes some time."""
    chance = random.Random(seed)

    def answer(request: Request) -> Any:
        if request.tools and chance.random() < 0.5:
            return {"tool": "look"}
        return "word " * chance.randint(1, 150) + "end"

    return ScriptedModel(answer, latency=lambda request: chance.uniform(0.1, 5.0))


def conduct(
    monkeypatch: pytest.MonkeyPatch,
    out: Path,
    *,
    systems: tuple[System, ...],
    prices: PriceList = PRICES,
    **wanted: Any,
) -> tuple[dict[str, Any], Any]:
    """Run an experiment on virtual time; its document and its account."""
    made: list[Any] = []

    class Watched(subject.Conduct):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            made.append(self)

    def parts(system: System, benchmark: Any) -> Parts:
        return Parts(models={"main": model(seed=len(system.name))}, prices=prices)

    monkeypatch.setattr(subject, "Conduct", Watched)
    monkeypatch.setattr(subject, "parts_of", parts)
    monkeypatch.setattr(local, "parts_of", parts)
    monkeypatch.setattr(subject, "open_benchmark", lambda *args, **more: Questions())
    found = virtual.run(subject.run, subject.Experiment(systems, "questions", out=out, **wanted))
    return found, made[0].account


def pair(**more: Any) -> tuple[System, ...]:
    return tuple(System(name=name, planner="react", model="scripted", max_output=200, **more) for name in ("a", "bb"))


def trials(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "trials.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("own", [{}, {"usd": "0.004"}, {"tokens": 3000, "usd": "0.01"}])
@pytest.mark.parametrize(
    "limit", [{"usd": "0.03"}, {"tokens": 20_000}, {"tool_calls": 25, "usd": 1}, {"model_calls": 30}]
)
def test_eight_workers_never_pass_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path, limit: dict[str, Any], own: dict[str, Any]
) -> None:
    systems = pair(budget=own)
    found, account = conduct(monkeypatch, tmp_path, systems=systems, budget=Budget(limit), workers=8)
    key = next(iter(limit))
    row = account.balance()[key]
    assert row["reserved"] == 0
    assert 0 < row["spent"] <= row["limit"]
    done = trials(tmp_path)
    assert found["stopped"].startswith(f"budget {key}={limit[key]}")
    assert any(found["stopped"] in note for note in found["notes"])
    assert 0 < len(done) < 80
    assert sum(system["runs"] for system in found["systems"]) == len(done)
    for trial in done:  # none that is kept was cut short by the experiment
        assert trial["success"] or trial["budget"], trial
        assert trial["status"] == "done" or set(own)
    spent = sum(Decimal(trial["ledger"]["total"]["cost"]["amount"]) for trial in done)
    assert spent <= account.limits.get("usd", spent)


def test_trials_wait_for_what_others_will_give_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path
) -> None:
    """Eight Systems' budgets are more than the experiment's, yet all trials together spend far less: all are done."""
    budget = Budget(usd="0.1")
    found, account = conduct(
        monkeypatch, tmp_path, systems=pair(budget={"usd": "0.04"}), n=20, budget=budget, workers=8
    )
    assert found["stopped"] == ""
    assert [system["runs"] for system in found["systems"]] == [20, 20]
    assert account.spent["usd"] < Decimal("0.1")
    assert all(trial["budget"]["usd"]["limit"] == "0.04" for trial in trials(tmp_path)), "each had its own, whole"


def test_others_at_once_do_not_shorten_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path
) -> None:
    """The worst cases of eight calls do not fit together: they wait rather than be capped, and answers are whole."""
    systems = tuple(system.with_(max_output=3400) for system in pair())
    found, account = conduct(monkeypatch, tmp_path, systems=systems, n=10, budget=Budget(tokens=7150), workers=8)
    kept = trials(tmp_path)
    assert found["stopped"] == ""
    assert len(kept) == 20
    assert all(trial["success"] for trial in kept)
    assert account.balance()["tokens"]["reserved"] == 0


def test_a_budget_that_bears_no_trial_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path
) -> None:
    systems = pair(budget={"usd": "0.5"})
    found, account = conduct(monkeypatch, tmp_path, systems=systems, budget=Budget(usd="0.1"), workers=8)
    assert (found["systems"], account.spent["usd"]) == ([], 0)
    assert found["stopped"].startswith(
        "budget usd=0.1 would be passed: spent 0, reserved 0, the next slice needs up to 0.5"
    )


def test_the_clock_ends_it_and_what_is_done_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path
) -> None:
    limits = Budget(seconds=30, usd=1)
    found, account = conduct(monkeypatch, tmp_path, systems=pair(budget={"usd": "0.1"}), budget=limits, workers=8)
    assert found["stopped"] == "budget seconds=30 is over"
    assert 0 < len(trials(tmp_path)) < 80
    assert account.balance()["usd"]["reserved"] == 0
    assert account.spent["usd"] > sum(Decimal(row["ledger"]["total"]["cost"]["amount"]) for row in trials(tmp_path))


def test_a_limit_on_each_request_holds_for_every_trial(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path
) -> None:
    found, _ = conduct(monkeypatch, tmp_path, systems=pair(), n=4, budget=Budget(request_tokens=20))
    assert found["stopped"] == ""
    assert [system["statuses"]["budget"] for system in found["systems"]] == [4, 4]


@pytest.mark.parametrize("workers", [1, 8])
def test_an_unknown_price_is_refused_before_any_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path, workers: int
) -> None:
    monkeypatch.setattr(Questions, "price", None)
    with pytest.raises(UnknownPrice, match="tool 'look'"):
        conduct(monkeypatch, tmp_path, systems=pair(), n=4, budget=Budget(usd=1), workers=workers)
    nothing = PriceList("nothing", "2026-01-01", tools={"look": Decimal(0)})
    with pytest.raises(UnknownPrice, match="model 'scripted'"):
        conduct(monkeypatch, tmp_path, systems=pair(), n=4, budget=Budget(usd=1), workers=workers, prices=nothing)


def test_without_a_limit_on_money_no_price_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scrimp_home: Path
) -> None:
    monkeypatch.setattr(Questions, "price", None)
    found, _ = conduct(monkeypatch, tmp_path, systems=pair(), n=4, budget=Budget(tokens=100_000), workers=2)
    assert found["stopped"] == ""
