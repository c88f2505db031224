"""MCTS: rollouts of proposals, finished plans rated once, the best one answered."""

from __future__ import annotations

import pytest

from scrimp.planning.methods.mcts import MCTS
from scrimp.testing import conformance
from tests.support.searching import expansions, search


def test_the_best_rated_plan_is_the_answer() -> None:
    answer, bench = search(MCTS())
    assert answer.text == "treasure"
    assert any(event.prompt.startswith("score") for event in bench.events)


def test_with_enough_above_one_all_simulations_are_run() -> None:
    short, full = search(MCTS())[1], search(MCTS(enough=2.0))[1]
    assert expansions(full) > expansions(short)
    assert expansions(full) <= 30


def test_the_same_seed_searches_the_same_way() -> None:
    one, other = search(MCTS())[1], search(MCTS())[1]
    assert [event.prompt for event in one.events] == [event.prompt for event in other.events]


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    await conformance.planner(MCTS)


def test_what_it_cannot_take_is_said() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        MCTS(simulations=0)
