"""Where prefixes broke, and what that cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from recorded import run, trace, with_usage, words

from scrimp.audit.caching import Caching
from scrimp.audit.measure import Book, Run, measure
from scrimp.core.messages import system
from scrimp.core.usage import Usage
from scrimp.models.prices import load

BOOK = Book(load())


def cached(*runs: Run) -> Caching:
    found = Caching()
    for item in runs:
        found.add(item)
    return found


def growing(**fields: object) -> Run:
    return run(words(100), ("One.",), "more", ("Two.",), "again", ("Three.",), instructions=words(1600), **fields)


def broken() -> Run:
    """The system prompt of the second call differs from the first's in its middle."""
    recorded = trace(words(100), ("One.",), "more", ("Two.",), instructions=words(1600))
    text = recorded.steps[1].request.messages[0].text
    changed = system(text[:4000] + "sk-" + "proj-Zx8Qp0LmN4vR7sT2yB6w" + text[4000:])
    step = recorded.steps[1]
    recorded.steps[1] = replace(step, request=step.request.with_(messages=(changed, *step.request.messages[1:])))
    return measure(recorded, BOOK)


def test_an_append_only_run_breaks_nothing() -> None:
    found = cached(growing()).to_json()
    assert found["broken_count"] == 0
    assert found["possible_rate"] > 0.5
    assert found["hit_rate"] is None  # the record does not say


def test_a_changed_prefix_is_found_with_its_place_and_its_price() -> None:
    item = broken()
    (found,) = cached(item).to_json()["broken"]
    assert (found["step"], found["place"]) == (1, "system[0].parts[0]")
    assert found["why"].startswith("system[0].parts[0] differs from its character")
    lost = item.calls[0].usage.prompt - cached(item).possible
    assert found["tokens"] == lost
    assert Decimal(found["cost"]) == Decimal("1.25e-6") * lost
    assert found["text"].startswith("The quick brown fox")


def test_what_lived_too_long_is_told_apart() -> None:
    found = cached(growing(gap=1000.0)).to_json()
    assert (found["broken_count"], found["possible_tokens"]) == (0, 0)
    assert found["expired_tokens"] > 3000


def test_recorded_hits_are_the_records() -> None:
    recorded = trace(words(100), ("One.",), "more", ("Two.",), instructions=words(1600))
    item = measure(with_usage(recorded, Usage(2000, 0, 0, 5), Usage(400, 1664, 0, 5)), BOOK)
    found = cached(item).to_json()
    assert found["hit_rate"] == pytest.approx(1664 / 4064)
    assert found["broken_count"] == 0


def test_another_conversation_is_no_broken_prefix() -> None:
    recorded = trace(words(100), ("One.",), instructions=words(1600))
    other = trace("Something else.", ("Two.",), instructions=words(1700) + "x")
    recorded.steps.append(other.steps[0])
    assert cached(measure(recorded, BOOK)).to_json()["broken_count"] == 0


def test_two_halves_merge_to_the_whole() -> None:
    items = [broken() for _ in range(5)]
    for at, item in enumerate(items):
        item.trace.id = str(at)
    whole, left, right = cached(*items), cached(*items[:2]), cached(*items[2:])
    left.merge(right)
    assert left.to_json() == whole.to_json()


def test_a_system_prompt_that_no_record_holds_can_be_cached_all_the_same() -> None:
    guessed = growing()
    usages = [Usage(input=20_000 + one.prompt, output=50) for one in guessed.calls]
    shown, hidden = cached(guessed), cached(measure(with_usage(guessed.trace, *usages), BOOK))
    again = 20_000 * (len(usages) - 1)
    assert abs(hidden.possible - shown.possible - again) < 200 * len(usages)  # whole blocks
