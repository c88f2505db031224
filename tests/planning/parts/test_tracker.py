"""A budget in words and in rules: counts, bands, refusals."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest

from scrimp.core.budget import Budget
from scrimp.core.messages import ToolCall
from scrimp.core.tool import Tool
from scrimp.planning.parts.tracker import BANDS, POLICY, Tracker
from scrimp.testing import Bench, ScriptedModel

LOOK = Tool("look", "Look.", {"type": "object"}, lambda given: "seen", price=Decimal("0.01"))


def call(name: str = "look") -> ToolCall:
    return ToolCall("c", name, {})


def bench(**limits: object) -> Bench:
    return Bench(ScriptedModel([]), tools=[LOOK], budget=Budget(limits))


def used(one: Bench, count: int) -> None:
    for _ in range(count):
        anyio.run(one.ctx.call_tool, call())


def test_it_says_what_was_used_since_it_began_and_what_is_left() -> None:
    one = bench(**{"tool_calls": 10, "tool_calls.look": 5, "usd": "0.5", "seconds": 60})
    used(one, 1)
    tracker = Tracker(one.ctx)
    used(one, 2)
    assert tracker.told() == (
        "Budget: tool calls 2 used, 7 left; calls of look 2 used, 2 left; dollars 0.02 used, 0.47 left. Band: medium."
    )


def test_nothing_limited_is_nothing_told() -> None:
    tracker = Tracker(bench().ctx, enforce=True)
    assert (tracker.told(), tracker.band.name, tracker.over) == ("", "high", False)
    assert tracker.refusals([call()] * 9, [LOOK]) == [""] * 9


@pytest.mark.parametrize(("spent", "band"), [(0, "high"), (3, "high"), (4, "medium"), (7, "medium"), (8, "low"),
                                             (9, "low"), (10, "critical")])  # fmt: skip
def test_four_bands_by_the_share_left(spent: int, band: str) -> None:
    one = bench(tool_calls=10)
    tracker = Tracker(one.ctx)
    used(one, spent)
    assert tracker.band.name == band


def test_the_scarcest_limit_sets_the_band() -> None:
    one = bench(**{"tool_calls": 100, "tool_calls.look": 4})
    tracker = Tracker(one.ctx)
    used(one, 3)
    assert (tracker.share, tracker.band.name) == (0.25, "low")


def test_calls_beyond_a_cap_are_refused_one_by_one() -> None:
    tracker = Tracker(bench(**{"tool_calls": 3, "tool_calls.look": 2}).ctx)
    said = tracker.refusals([call(), call("other"), call(), call(), call("other")], [LOOK])
    assert [bool(one) for one in said] == [False, False, False, True, True]
    assert "tool calls" in said[3]
    alone = Tracker(bench(**{"tool_calls.look": 1}).ctx).refusals([call(), call(), call("other")], [LOOK])
    assert [bool(one) for one in alone] == [False, True, False]
    assert "calls of look" in alone[1]
    assert "dollars" in Tracker(bench(usd="0.015").ctx).refusals([call(), call()], [LOOK])[1]


def test_rules_for_a_model_that_does_not_read() -> None:
    one = bench(tool_calls=10)
    tracker = Tracker(one.ctx, enforce=True)
    allowed = []
    for spent in (0, 5, 3, 2):
        used(one, spent)
        allowed.append(tracker.refusals([call()] * 4, [LOOK]).count(""))
    assert allowed == [4, 2, 1, 0]
    assert tracker.over


def test_a_cap_of_nothing_is_over_at_once() -> None:
    assert Tracker(bench(tool_calls=0).ctx).over


def test_the_policy_names_every_band() -> None:
    assert all(band.name in POLICY and band.advice in POLICY for band in BANDS)
