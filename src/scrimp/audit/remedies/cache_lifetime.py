"""A longer life of what is cached."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change, with_option
from scrimp.models.providers import split_options

HOUR = "1h"


def for_an_hour(draft: Draft) -> Draft:
    """The draft with prompts cached for an hour, where its provider sells that and the record has times."""
    book = draft.run.book
    asks, changed = [], False
    for ask in draft.asks:
        rules = book.rules(ask.model) if ask.model else None
        model = with_option(ask.model, "cache", HOUR)
        sold = rules is not None and rules.mode == "marked" and "cache" not in split_options(ask.model)[1]
        if sold and ask.at is not None and book.rates(model) is not None:
            asks.append(ask.with_(model=model))
            changed = True
        else:
            asks.append(ask)
    return draft.with_(asks=asks) if changed else draft


REMEDY = Change(
    "cache-lifetime", "Cache prompts for an hour", "exact",
    "writing costs twice the input price instead of 1.25 times; the gaps between calls are as recorded",
    "ask for a lifetime of one hour where gaps between calls pass five minutes", 62, for_an_hour,
    {"model": f"?cache={HOUR}"},
)  # fmt: skip
