"""A longer life of what is cached."""

from __future__ import annotations

from dataclasses import replace

from scrimp.audit.draft import Draft
from scrimp.audit.measure import Book
from scrimp.audit.remedy import Change, with_option
from scrimp.models.providers import split_options

HOUR = "1h"


def for_an_hour(draft: Draft) -> Draft:
    """The draft with prompts cached for an hour, where its provider sells that and the record has times.

    A record that tells of no cache at all has nothing to keep longer, unless a remedy switched it on.
    """
    calls = [call for call in draft.run.calls if call.event.component != "harness"]
    cached = any(call.usage.cached_input or call.usage.cache_write for call in calls)
    if not cached and draft.caching is None and all(call.told for call in calls):
        return draft
    sold = {ask.model for ask in draft.asks if ask.at is not None and sells(draft.run.book, ask.model)}
    if not sold:
        return draft
    return draft.with_(
        asks=[ask.with_(model=longer(ask.model)) if ask.model in sold else ask for ask in draft.asks],
        extra=[replace(extra, model=longer(extra.model)) if extra.model in sold else extra for extra in draft.extra],
    )


def longer(model: str) -> str:
    """The model's name, cached for an hour."""
    return with_option(model, "cache", HOUR)


def sells(book: Book, model: str) -> bool:
    """Whether the provider of a model keeps prompts for an hour where it is asked to, at a known price."""
    rules = book.rules(model) if model else None
    marked = rules is not None and rules.mode == "marked" and "cache" not in split_options(model)[1]
    return marked and book.rates(longer(model)) is not None


REMEDY = Change(
    "cache-lifetime", "Cache prompts for an hour", "exact",
    "writing costs twice the input price instead of 1.25 times; the gaps between calls are as recorded",
    "ask for a lifetime of one hour where gaps between calls pass five minutes", 62, for_an_hour,
    {"model": f"?cache={HOUR}"},
)  # fmt: skip
