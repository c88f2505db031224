"""A verification is read with mistrust."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from scrimp.core.context.means import Settings
from scrimp.core.messages import user
from scrimp.planning.parts.verdict import ACCEPTED, LONGEST, MOST, OPEN, REJECTED, Verdict, verify
from scrimp.testing import Bench, ScriptedModel


def said(reply: Any) -> Verdict:
    text = reply if isinstance(reply, str) else json.dumps(reply)
    bench = Bench(ScriptedModel([text]), settings=Settings(max_output=16))

    async def ask() -> Verdict:
        return await verify(bench.ctx, [user("Who?")], "Budget: 3 left.")

    return anyio.run(ask)


def test_what_nothing_satisfies_is_open() -> None:
    rows = [{"constraint": name, "status": status} for name, status in
            (("born in Oslo", "satisfied"), ("a painter", "unverifiable"), ("alive", "contradicted"))]  # fmt: skip
    found = said({"constraints": rows, "decision": "continue", "summary": "One search."})
    assert found == Verdict("continue", ("a painter", "alive"), "One search.")


@pytest.mark.parametrize(("decision", "rank"), [("accept", ACCEPTED), ("continue", OPEN), ("pivot", REJECTED)])
def test_how_far_an_answer_came(decision: str, rank: int) -> None:
    assert said({"constraints": [], "decision": decision, "summary": ""}).rank == rank


@pytest.mark.parametrize("reply", ["I accept!", "[1]", "null", {"decision": "accept all"}, {"decision": ["accept"]}])
def test_what_cannot_be_read_says_nothing(reply: Any) -> None:
    found = said(reply)
    assert (found, found.rank) == (Verdict(), OPEN)


def test_parts_of_another_kind_are_left_out() -> None:
    found = said({"decision": "accept", "constraints": ["x", 7, {"status": "contradicted"}], "summary": None})
    assert found == Verdict("accept", ("",), "")
    many = said({"decision": "pivot", "constraints": [{"constraint": "x", "status": "?"}] * 9})
    long = said(
        {"decision": "pivot", "summary": "y " * 300, "constraints": [{"constraint": "x " * 300, "status": "?"}]}
    )
    assert (len(many.open), len(long.open[0]), len(long.summary)) == (MOST, LONGEST, LONGEST)


def test_the_budget_stands_in_the_question() -> None:
    model = ScriptedModel(["{}"])
    bench = Bench(model)

    async def ask() -> None:
        await verify(bench.ctx, [user("Who?")], "Budget: 3 left.", attempt=2, retry="restart")

    anyio.run(ask)
    assert "Budget: 3 left." in model.requests[0].messages[-1].text
    assert bench.events[0].retry == "restart"
