"""Drafts: what a run would have been, and how many tokens its changed prompts come to."""

from __future__ import annotations

from dataclasses import replace

from recorded import call, run, spec, trace, with_usage, words

from scrimp.audit.draft import Extra, apply_all, draft, scale_of
from scrimp.audit.measure import Book, Run, measure
from scrimp.audit.remedies.table import REMEDIES
from scrimp.core.messages import Request
from scrimp.core.usage import Usage
from scrimp.models.prices import load

BOOK = Book(load())
BY_NAME = {remedy.name: remedy for remedy in REMEDIES}


def growing(hidden: int, factor: float = 1.0) -> Run:
    """Ten calls whose prompts are `hidden` tokens longer than their texts, and these `factor` times the estimate."""
    turns: list[object] = [words(60)]
    for at in range(9):
        turns += [[call("search", f"c{at}", q=at)], {f"c{at}": words(400)}]
    recorded = trace(*turns, ("Done.",), instructions="")
    guessed = measure(recorded, BOOK)
    usages = [Usage(input=hidden + round(factor * one.prompt), output=50) for one in guessed.calls]
    return measure(with_usage(recorded, *usages), BOOK)


def test_a_draft_is_the_run_as_it_was() -> None:
    found = growing(0)
    made = draft(found)
    assert [made.prompt(ask) for ask in made.asks] == [one.usage.prompt for one in found.calls]
    assert [ask.request for ask in made.asks] == [one.step.request for one in found.calls]
    assert made.extra == []
    assert made.caching is None


def test_judges_and_simulated_users_are_no_part_of_it() -> None:
    recorded = trace("x", ("y",), "z", ("w",))
    recorded.steps[1].component = "harness"
    made = draft(measure(recorded, BOOK))
    assert [ask.step for ask in made.asks] == [0]


def test_a_rewriting_that_changes_nothing_gives_the_same_draft() -> None:
    made = draft(growing(0))
    assert made.rewritten(lambda request: request) is made


def test_equal_lists_of_tools_become_one_object() -> None:
    tools = tuple(spec(f"t{at}") for at in range(4))
    made = draft(run("a", ("b",), "c", ("d",), tools=tools))

    def fewer(request: Request) -> Request:
        return request.with_(tools=tuple(request.tools[:2]))

    first, second = (ask.request.tools for ask in made.rewritten(fewer).asks)
    assert first is second


def test_changed_prompts_are_the_records_less_what_was_taken_out() -> None:
    """In proportion to the estimate, where that is 20 % off; one for one behind a system prompt no record holds."""
    for hidden, factor in ((0, 1.0), (0, 1.2), (20_000, 1.0)):
        found = growing(hidden, factor)
        made = draft(found)
        changed = BY_NAME["window"].apply(made)
        last, was = changed.asks[-1], found.calls[-1]
        taken = was.prompt - found.sizes.request(last.request)
        assert taken > 1000
        assert abs(was.usage.prompt - made.prompt(last) - factor * taken) < 0.02 * taken


def test_the_scale_is_read_off_the_growth_and_only_believed_within_reason() -> None:
    assert abs(scale_of(growing(20_000)) - 1.0) < 0.01
    assert abs(scale_of(growing(20_000, 1.3)) - 1.3) < 0.01
    assert scale_of(growing(0, 30.0)) == 1.0  # no tokenizer does that
    assert scale_of(run("a", ("b",))) == 1.0


def test_the_pace_is_told_by_the_calls_that_have_times() -> None:
    recorded = with_usage(
        trace("x", ("y",), "z", ("w",), gap=1.0, seconds=4.0), Usage(10, 0, 0, 100), Usage(20, 0, 0, 60)
    )
    found = measure(recorded, BOOK)
    assert draft(found).pace() == 8.0 / 160
    assert draft(run("a", ("b",))).pace() is None
    longer = draft(found).calling(Extra("openai:gpt-4o", Usage(10, 0, 0, 32)), written=32)
    assert longer.extra_seconds == 32 * 8.0 / 160


def test_remedies_are_applied_in_the_order_of_their_ranks() -> None:
    class Named:
        """A remedy that only says when it was applied."""

        def __init__(self, name: str, rank: int) -> None:
            self.name, self.rank = name, rank

        def apply(self, made):  # type: ignore[no-untyped-def]
            return made.with_(extra=[*made.extra, self.name])

    late, early = Named("late", 60), Named("early", 10)
    made = apply_all([late, early], run("x", ("y",)))  # type: ignore[list-item]
    assert made.extra == ["early", "late"]
    ranks = {remedy.name: remedy.rank for remedy in REMEDIES}
    calls, prompts = (
        ("early-stop", "deduplicate-calls", "parallel-calls"),
        ("window", "clear-tool-results", "cache-layout"),
    )
    assert max(ranks[name] for name in calls) < min(ranks[name] for name in prompts)
    assert max(ranks[name] for name in prompts) < ranks["prompt-cache"] < ranks["cheaper-model"] < ranks["batch-tier"]


def test_a_copy_leaves_the_first_as_it_was() -> None:
    made = draft(growing(0))
    other = made.with_(asks=[ask.with_(output=1) for ask in made.asks])
    assert made.asks[0].output == 50
    assert other.asks[0].output == 1
    assert replace(made.asks[0]) == made.asks[0]
