"""Complete debate: everybody hears everybody, every round."""

from __future__ import annotations

import pytest

from scrimp.core.errors import BudgetExceeded, InputError, ModelFailed
from scrimp.core.task import Task
from scrimp.team.methods.complete_debate import CompleteDebate
from scrimp.testing import conformance
from tests.support.debates import count, debate, requests


def test_each_round_every_agent_reads_every_other_one() -> None:
    answer, bench = debate(CompleteDebate(agents=3, rounds=3), [["Oslo"], ["Rome", "Oslo"], ["Bern", "Oslo"]])
    assert answer.text == "Oslo"
    assert count(bench) == {"model": 3 * 3, "message": 3 * 2 * 2}
    assert {event.component for event in bench.events} == {"team"}
    assert {event.agent for event in bench.events} == {"agent 1", "agent 2", "agent 3"}
    last = requests(bench, lambda request: request.prompt.startswith("debate-revise"))[-1].messages
    assert [message.role for message in last] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert last[3].text.count("One agent's answer:") == 2


def test_a_silent_agent_and_a_failing_model_are_no_votes() -> None:
    failure = ModelFailed("gone", retryable=False)
    answer, bench = debate(CompleteDebate(agents=3, rounds=2), [[""], ["Rome"], [failure]])
    assert answer.text == "Rome"
    assert count(bench)["message"] == 2, "who has said nothing tells nothing"


def test_the_budget_ends_a_debate_with_the_vote_of_those_who_spoke() -> None:
    answer, bench = debate(
        CompleteDebate(agents=3, rounds=4), [["Rome"], ["Oslo"], ["Oslo"]], budget={"model_calls": 4}
    )
    assert answer.text == "Oslo"
    assert count(bench)["model"] == 4
    assert bench.open_calls() == []
    with pytest.raises(BudgetExceeded):
        debate(CompleteDebate(agents=2), [["Rome"]], budget={"model_calls": 0})


def test_where_every_model_fails_the_failure_is_told() -> None:
    with pytest.raises(ModelFailed, match="gone"):
        debate(CompleteDebate(agents=2), [[ModelFailed("gone", retryable=False)]] * 2)


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    await conformance.planner(CompleteDebate)


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        CompleteDebate(agents=0)
    with pytest.raises(InputError, match="cannot act in an environment"):
        debate(CompleteDebate(), [["x"]], Task("t", "Go north.", environment="textworld"))
