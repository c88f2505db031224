"""An experiment that was stopped is gone on with: the same results, and nothing is paid twice."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.evaluate.experiment import Experiment, Progress, run
from scrimp.evaluate.systems import named
from scrimp.journal.journal import Journal

SYSTEMS = (named("baseline"), named("efficient"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def experiment(out: Path, n: int = 8, **more: Any) -> Experiment:
    return Experiment(SYSTEMS, "toolworld", model="oracle?error=0.2", n=n, out=out, **more)


def whole(document: dict[str, Any]) -> Any:
    """What may not depend on how often it was interrupted: what a prompt cache serves may, as it cools in between."""
    rows = [
        (row["name"], row["n"], row["effectiveness"], row["statuses"], row["tokens"]["output"],
         row["tokens"]["input"] + row["tokens"]["cached_input"], row["ledger"]["total"]["calls"])
        for row in document["systems"]
    ]  # fmt: skip
    return rows, [pair["success_difference"] for pair in document["pairs"]]


def model_calls(out: Path) -> int:
    journal = Journal(out / "journal.sqlite")
    try:
        return sum(event.kind == "model" for item in journal.runs(limit=999) for event in journal.events(item.id))
    finally:
        journal.close()


class Stopped(Exception):
    """The user's Ctrl+C."""


def stopping_after(trials: int) -> Any:
    def watch(at: Progress) -> None:
        if at.done >= trials:
            raise Stopped

    return watch


@pytest.mark.parametrize("workers", [1, 3])
def test_results_and_spend_are_those_of_one_session(workers: int, home: Path, tmp_path: Path) -> None:
    straight = anyio.run(run, experiment(tmp_path / "straight"))
    calls = model_calls(tmp_path / "straight")
    for after in (3, 9):
        with pytest.raises((Stopped, ExceptionGroup)):
            anyio.run(run, experiment(tmp_path / "broken", workers=workers), stopping_after(after))
    again = anyio.run(run, experiment(tmp_path / "broken", workers=workers))
    assert whole(again) == whole(straight)
    assert again["n"] == 8
    assert model_calls(tmp_path / "broken") == calls  # not one call more
    places = [json.loads(line)["place"] for line in (tmp_path / "broken" / "trials.jsonl").read_text().splitlines()]
    assert len(places) == len(set(places)) == 16


def test_a_run_that_was_under_way_is_resumed_and_not_begun_anew(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = anyio.run(run, experiment(tmp_path / "straight"))
    calls = model_calls(tmp_path / "straight")
    from scrimp.evaluate.oracle import Oracle

    original, count = Oracle.stream, 0

    async def dying(self: Oracle, request: Any) -> Any:
        nonlocal count
        count += 1
        if count == 12:
            raise KeyboardInterrupt
        async for delta in original(self, request):
            yield delta

    monkeypatch.setattr(Oracle, "stream", dying)
    with pytest.raises(BaseException):  # noqa: B017 - what a Ctrl+C in a task group comes out as
        anyio.run(run, experiment(tmp_path / "broken"))
    again = anyio.run(run, experiment(tmp_path / "broken"))
    assert [row["effectiveness"] for row in again["systems"]] == [row["effectiveness"] for row in straight["systems"]]
    # The call that was in flight is made again, as attempt 2; every other one once.
    assert model_calls(tmp_path / "broken") <= calls + 1
    journal = Journal(tmp_path / "broken" / "journal.sqlite")
    labels = [item.labels["trial"] for item in journal.runs(experiment=again["experiment"], limit=999)]
    assert len(labels) == len(set(labels)) == 16


def test_a_finished_experiment_costs_nothing_more(home: Path, tmp_path: Path) -> None:
    first = anyio.run(run, experiment(tmp_path / "out"))
    calls = model_calls(tmp_path / "out")
    again = anyio.run(run, experiment(tmp_path / "out"))
    assert whole(again) == whole(first)
    assert model_calls(tmp_path / "out") == calls
    assert again["experiment"] == first["experiment"]


def test_what_was_spent_before_counts_against_the_budget(tmp_path: Path) -> None:
    straight = anyio.run(run, experiment(tmp_path / "straight"))
    cost = sum(Decimal(row["cost"]["amount"]) for row in straight["systems"])
    limit = Budget(usd=str(cost * Decimal("0.5")))
    half = anyio.run(run, experiment(tmp_path / "out", budget=limit))
    assert half["stopped"]
    spent = sum(Decimal(row["cost"]["amount"]) for row in half["systems"])
    again = anyio.run(run, experiment(tmp_path / "out", budget=limit))
    assert again["stopped"]
    assert sum(Decimal(row["cost"]["amount"]) for row in again["systems"]) == spent
    rest = anyio.run(run, experiment(tmp_path / "out", budget=Budget(usd=str(2 * cost))))
    assert not rest["stopped"]
    assert whole(rest) == whole(straight)


def test_another_experiments_folder_is_refused(tmp_path: Path) -> None:
    anyio.run(run, experiment(tmp_path / "out", n=2))
    with pytest.raises(InputError, match=r"holds another experiment \(split differs\)"):
        anyio.run(run, experiment(tmp_path / "out", n=2, split="dev"))
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "trials.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match="but not of which experiment"):
        anyio.run(run, experiment(tmp_path / "strange"))
    (tmp_path / "out" / "experiment.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        anyio.run(run, experiment(tmp_path / "out", n=2))


def test_a_line_that_was_cut_is_run_again(tmp_path: Path) -> None:
    straight = anyio.run(run, experiment(tmp_path / "out", n=3))
    trials = tmp_path / "out" / "trials.jsonl"
    trials.write_bytes(trials.read_bytes()[:-40])
    again = anyio.run(run, experiment(tmp_path / "out", n=3))
    assert whole(again) == whole(straight)
    assert sum(1 for line in trials.read_text("utf-8").splitlines() if line.endswith("}")) == 6


def test_more_tasks_take_those_that_are_there(tmp_path: Path) -> None:
    anyio.run(run, experiment(tmp_path / "out", n=3))
    more = anyio.run(run, experiment(tmp_path / "out", n=5))
    assert (more["n"], more["resumed"]) == (5, 6)
    assert whole(more) == whole(anyio.run(run, experiment(tmp_path / "straight", n=5)))
