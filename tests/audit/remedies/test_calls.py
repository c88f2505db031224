"""Remedies that change which calls are made: repetitions, rows of failures, independent calls."""

from __future__ import annotations

from decimal import Decimal

import pytest
from billed import BOOK, BY_NAME, saved
from recorded import call, run, trace, with_usage, words

from scrimp.audit.bill import Biller
from scrimp.audit.draft import draft
from scrimp.audit.measure import Run, measure
from scrimp.core.usage import Usage

RESULT = words(99)


def failing(times: int, reward: float | None = None, error: str = "Error: full") -> Run:
    turns: list[object] = ["book it"]
    for at in range(times):
        turns += [[call("book", f"c{at}", seat=at)], {f"c{at}": error}]
    recorded = trace(*turns, ("sorry",), gap=1.0, seconds=2.0, reward=reward)
    for use in recorded.tools:
        use.failed, use.error, use.seconds = True, error, 1.0
    return measure(recorded, BOOK)


def test_a_repeated_call_and_the_step_that_asked_for_it_are_left_out() -> None:
    recorded = trace(
        "x", [call("get", "a")], {"a": RESULT}, [call("get", "b")], {"b": RESULT}, ("y",), gap=1.0, seconds=3.0
    )
    for use in recorded.tools:
        use.seconds = 0.5
    found = measure(with_usage(recorded, Usage(100, 0, 0, 20), Usage(250, 0, 0, 20), Usage(400, 0, 0, 5)), BOOK)
    made = BY_NAME["deduplicate-calls"].apply(draft(found))
    assert [ask.step for ask in made.asks] == [0, 2]
    assert [message.role for message in made.asks[1].request.messages] == ["system", "user", "assistant", "tool"]
    assert len(made.tools) == 1
    biller = Biller(found)
    before, after = biller.bill(draft(found)), biller.bill(made)
    # The step itself, and what its call and result came to in the last prompt.
    assert before.usage().prompt - after.usage().prompt == pytest.approx(250 + 150, abs=15)
    assert before.usage().output - after.usage().output == 20
    assert (before.seconds or 0) - (after.seconds or 0) == 3.5


def test_of_one_message_sent_twice_the_first_stays() -> None:
    """Records that tell calls apart by nothing give the repetition as the very same object."""
    recorded = trace("x", [call("get", "a")], {"a": RESULT}, [call("get", "a")], {"a": RESULT}, ("y",))
    first, again = recorded.steps[0].answer, recorded.tools[0].message
    assert again is not None
    for number, step in enumerate(recorded.steps):
        step.request = step.request.with_(messages=(*step.request.messages[:2], *(first, again) * number))
    recorded.steps[1].answer = first
    recorded.tools[1].message = again
    made = BY_NAME["deduplicate-calls"].apply(draft(measure(recorded, BOOK)))
    assert [ask.step for ask in made.asks] == [0, 2]
    assert [message.role for message in made.asks[1].request.messages] == ["system", "user", "assistant", "tool"]


@pytest.mark.parametrize(
    "turns",
    [
        ("x", [call("get", "a")], {"a": "1"}, [call("get", "b")], {"b": "2"}, ("y",)),  # another result
        ("x", [call("set_x", "a")], {"a": RESULT}, [call("set_x", "b")], {"b": RESULT}, ("y",)),  # it changes something
        ("x", [call("get", "a")], {"a": RESULT}, [call("get", "b", q=1)], {"b": RESULT}, ("y",)),  # another question
        ("x", [call("get", "a")], {"a": RESULT}, [call("get", "b"), call("get_y", "c")], {"b": RESULT, "c": "1"}),
    ],
)  # fmt: skip
def test_what_was_not_known_is_asked_again(turns: tuple[object, ...]) -> None:
    made = draft(run(*turns))
    assert BY_NAME["deduplicate-calls"].apply(made) is made


def test_a_run_that_fails_in_a_row_is_stopped_at_the_third_time() -> None:
    found = failing(6)
    made = BY_NAME["early-stop"].apply(draft(found))
    assert [ask.step for ask in made.asks] == [0, 1, 2]
    assert len(made.tools) == 3
    spared = sum((one.money.amount or Decimal(0) for one in found.calls[3:]), Decimal(0))
    assert saved(found, "early-stop") == spared
    biller = Biller(found)
    assert (biller.bill(draft(found)).seconds or 0) - (biller.bill(made).seconds or 0) == 4 * 2 + 3 * 1
    span = biller.span(biller.bill(draft(found)), biller.bill(made))
    assert span is not None
    assert span[0] < spared < span[1]  # the texts' tokens are estimated here


@pytest.mark.parametrize("found", [failing(2), failing(6, reward=1.0)])
def test_a_run_that_succeeded_or_stopped_failing_goes_on(found: Run) -> None:
    made = draft(found)
    assert BY_NAME["early-stop"].apply(made) is made


def test_independent_calls_are_asked_for_at_once() -> None:
    recorded = trace("Oslo and Bergen", [call("get", "a", c="Oslo")], {"a": "1"}, [call("get", "b", c="Bergen")],
                     {"b": "2"}, ("y",), gap=5.0, seconds=4.0)  # fmt: skip
    for use, seconds in zip(recorded.tools, (2.0, 3.0), strict=True):
        use.seconds = seconds
    usages = Usage(100, 0, 0, 20), Usage(130, 0, 0, 30), Usage(160, 0, 0, 5)
    found = measure(with_usage(recorded, *usages), BOOK)
    made = BY_NAME["parallel-calls"].apply(draft(found))
    assert [(ask.step, ask.output) for ask in made.asks] == [(0, 50), (2, 5)]
    assert saved(found, "parallel-calls") == Decimal("2.5") * 130 / 1_000_000  # the prompt that is not sent
    biller = Biller(found)
    was, now = biller.bill(draft(found)).seconds, biller.bill(made).seconds
    # One model call of 4 seconds, and the shorter of the tool calls, which now runs beside the longer.
    assert (was, now) == (17.0, 11.0)


def test_a_call_that_needs_the_one_before_waits_for_it() -> None:
    made = draft(
        run("Oslo", [call("get", "a", c="Oslo")], {"a": "id 4711"}, [call("get", "b", c="4711")], {"b": "2"}, ("y",))
    )
    assert BY_NAME["parallel-calls"].apply(made) is made
