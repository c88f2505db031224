"""Best-first search: the leaf that the model rates highest is next."""

from __future__ import annotations

import pytest

from scrimp.planning.methods.best_first import BestFirst
from scrimp.testing import conformance
from tests.support.searching import WAY, counting, expansions, search


def test_it_goes_where_the_model_rates_highest() -> None:
    calls: list[str] = []
    answer, bench = search(BestFirst(), tools=[counting(calls)])
    assert answer.text == "treasure"
    assert calls == list(WAY)
    rated = [event for event in bench.events if event.prompt.startswith("score")]
    assert len(rated) == expansions(bench) == len(WAY) + 1, "two calls an expansion"


def test_it_stops_at_its_expansions() -> None:
    answer, bench = search(
        BestFirst(expansions=2), lambda request: '{"steps": []}' if "next" in request.prompt else "?"
    )
    assert answer.text == "?"
    assert expansions(bench) <= 2 * 2


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    await conformance.planner(BestFirst)


def test_what_it_cannot_take_is_said() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        BestFirst(samples=0)
