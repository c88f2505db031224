"""Calls that are sent again: each attempt is an event, a replay costs the same, and what must not is not sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from scrimp.core.context import Settings
from scrimp.core.context.means import RetryPolicy
from scrimp.core.errors import BudgetExceeded, ModelFailed
from scrimp.core.ledger import Ledger
from scrimp.core.messages import Delta, Request, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import Usage
from scrimp.journal.journal import Journal, RunRecord
from scrimp.testing.harness import Bench

ASK = Prompt("ask", 1, "say it")
HELLO = (user("hello"),)
BUSY = ModelFailed("busy", status=429, retryable=True)
LOST = ModelFailed("lost the connection", retryable=True)


class Flaky:
    """Fails as often as it is told, then answers."""

    name = "dear"
    capabilities = Capabilities()

    def __init__(self, *failures: ModelFailed, said: tuple[Delta, ...] = ()) -> None:
        self.failures, self.said, self.asked = list(failures), said, 0

    def bound(self, request: Request) -> Usage:
        return Usage(input=100, output=request.max_output or 0)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.asked += 1
        if self.failures:
            for delta in self.said:
                yield delta
            raise self.failures.pop(0)
        yield Delta("yes")
        yield Delta(finish="stop", usage=Usage(40, output=5))


def bench(model: Flaky, attempts: int = 3, **options: object) -> Bench:
    retry = RetryPolicy(attempts, base=1.0, cap=4.0, patience=10.0)
    return Bench(model, settings=Settings(max_output=100, retry=retry), **options)  # type: ignore[arg-type]


def test_each_attempt_is_an_event_of_its_own() -> None:
    scene = bench(Flaky(BUSY, LOST))
    response = asyncio.run(scene.ctx.complete(HELLO, prompt=ASK))
    assert response.text == "yes"
    assert [(event.attempt, event.retry, event.status) for event in scene.events] == [
        (1, "", "error"), (2, "transport", "cut"), (3, "transport", "ok")
    ]  # fmt: skip
    assert {event.key.ordinal for event in scene.events} == {0}
    ledger = scene.ledger
    assert ledger.retries["transport"].calls == 2
    assert ledger.terms["generation"].tokens.total == 0  # the first attempt was refused
    assert ledger.total.tokens == Usage(100, output=100) + Usage(40, output=5)
    assert not scene.open_calls()
    assert not scene.witness.faults


def test_waits_are_jittered_and_obey_the_provider() -> None:
    scene = bench(Flaky(BUSY, ModelFailed("busy", status=429, retryable=True, retry_after=7.0)))
    asyncio.run(scene.ctx.complete(HELLO, prompt=ASK))
    assert 7.0 <= scene.clock.monotonic() <= 1.0 + 7.0 + 2.0
    policy = RetryPolicy(9, base=1.0, cap=4.0)
    waits = [policy.pause(BUSY, sent, f"{sent}:{seed}") for sent in (1, 2, 3, 8) for seed in range(200)]
    widest = [max(value or 0 for value in waits[at : at + 200]) for at in range(0, 800, 200)]
    assert [round(value) for value in widest] == [1, 2, 4, 4]
    assert min(value or 0 for value in waits) < 0.05  # full jitter reaches down to nothing
    assert policy.pause(BUSY, 1, "a") == policy.pause(BUSY, 1, "a")


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (ModelFailed("wrong", status=400), 3),
        (ModelFailed("busy", status=429, retryable=True, retry_after=3600.0), 3),
        (BUSY, 1),
    ],
)
def test_what_is_not_sent_again(failure: ModelFailed, attempts: int) -> None:
    scene = bench(model := Flaky(failure), attempts)
    with pytest.raises(ModelFailed):
        asyncio.run(scene.ctx.complete(HELLO, prompt=ASK))
    assert model.asked == 1
    assert len(scene.events) == 1


def test_attempts_end() -> None:
    scene = bench(model := Flaky(*[BUSY] * 9))
    with pytest.raises(ModelFailed, match="busy"):
        asyncio.run(scene.ctx.complete(HELLO, prompt=ASK))
    assert model.asked == 3


def test_a_deadline_is_not_waited_through() -> None:
    slow = ModelFailed("busy", status=429, retryable=True, retry_after=8.0)
    scene = bench(model := Flaky(slow), budget={"seconds": 5})
    with pytest.raises(ModelFailed):
        asyncio.run(scene.ctx.complete(HELLO, prompt=ASK))
    assert model.asked == 1
    assert scene.clock.monotonic() == 0


def test_each_attempt_has_to_fit_the_budget() -> None:
    scene = bench(model := Flaky(LOST, LOST), budget={"tokens": 390, "model_calls": 9})
    with pytest.raises(BudgetExceeded):
        asyncio.run(scene.ctx.complete(HELLO, prompt=ASK, min_output=100))
    assert model.asked == 1
    assert [(event.kind, event.attempt) for event in scene.events] == [("model", 1), ("decision", 2)]
    assert scene.account.spent["tokens"] == 200


def test_a_planner_that_tries_again_counts_on() -> None:
    scene = bench(Flaky(BUSY))
    asyncio.run(scene.ctx.complete(HELLO, prompt=ASK, attempt=2, retry="repair"))
    assert [(event.attempt, event.retry) for event in scene.events] == [(2, "repair"), (3, "transport")]


def test_a_stream_is_sent_again_only_while_nothing_of_it_came() -> None:
    async def listen(scene: Bench) -> str:
        return "".join([delta.text async for delta in scene.ctx.stream(HELLO, prompt=ASK)])

    silent = bench(Flaky(LOST, BUSY))
    assert asyncio.run(listen(silent)) == "yes"
    assert [event.attempt for event in silent.events] == [1, 2, 3]
    heard = bench(model := Flaky(LOST, said=(Delta("ye"),)))
    with pytest.raises(ModelFailed):
        asyncio.run(listen(heard))
    assert model.asked == 1


# -- replay and resume ------------------------------------------------------------------------------


def recorded(tmp_path: Path, run: Callable[[Bench], object], model: Flaky, **options: object) -> tuple[Journal, Bench]:
    journal = Journal(tmp_path / "journal.sqlite")
    scene = bench(model, sink=journal, **options)
    journal.begin(RunRecord(scene.run_id, {"id": "1", "text": "t", "tools": []}, {}))
    run(scene)
    return journal, scene


def ask(scene: Bench) -> str:
    try:
        return asyncio.run(scene.ctx.complete(HELLO, prompt=ASK, min_output=100)).text
    except (ModelFailed, BudgetExceeded) as error:
        return type(error).__name__


@pytest.mark.parametrize(
    ("failures", "budget", "outcome"),
    [
        ((BUSY, LOST), None, "yes"),
        ((BUSY, BUSY, BUSY), None, "ModelFailed"),
        ((LOST, LOST), {"tokens": 390}, "BudgetExceeded"),
        ((ModelFailed("wrong", status=400),), None, "ModelFailed"),
    ],
)
def test_a_replay_makes_the_same_attempts_at_the_same_cost(
    tmp_path: Path, failures: tuple[ModelFailed, ...], budget: dict[str, int] | None, outcome: str
) -> None:
    outcomes: list[str] = []
    journal, scene = recorded(tmp_path, lambda bench: outcomes.append(ask(bench)), Flaky(*failures), budget=budget)
    recording = journal.recording(scene.run_id, strict=True)
    again = bench(model := Flaky(), recording=recording, run_id=scene.run_id, budget=budget)
    assert [*outcomes, ask(again)] == [outcome, outcome]
    assert model.asked == 0
    assert again.clock.monotonic() == 0
    assert again.ledger.to_json() == scene.ledger.to_json() == journal.ledger(scene.run_id).to_json()
    assert Ledger.of(journal.events(scene.run_id)).events == len(scene.events)
    journal.close()


def test_a_run_that_ended_while_it_waited_goes_on_with_the_next_attempt(tmp_path: Path) -> None:
    journal, scene = recorded(tmp_path, ask, Flaky(BUSY))
    connection = journal._connection
    connection.execute("DELETE FROM events WHERE attempt > 1")  # killed in the pause after the first attempt
    resumed = bench(
        model := Flaky(), recording=journal.recording(scene.run_id, strict=False), run_id=scene.run_id
    )  # fmt: skip
    assert ask(resumed) == "yes"
    assert model.asked == 1
    assert [(event.attempt, event.retry) for event in resumed.events] == [(1, ""), (2, "transport")]
    journal.close()


def test_attempts_that_were_used_up_are_not_made_anew(tmp_path: Path) -> None:
    journal, scene = recorded(tmp_path, ask, Flaky(BUSY, BUSY, BUSY))
    resumed = bench(
        model := Flaky(), recording=journal.recording(scene.run_id, strict=False), run_id=scene.run_id
    )  # fmt: skip
    assert ask(resumed) == "ModelFailed"
    assert model.asked == 0
    journal.close()
