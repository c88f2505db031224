"""Served in batches, within a day."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change, with_option
from scrimp.models.providers import split_options


def served(draft: Draft, service: str) -> Draft:
    """The draft with every call served another way, where the price list states that way's rates."""
    book = draft.run.book
    asks, changed = [], False
    for ask in draft.asks:
        model = with_option(ask.model, "service", service)
        if ask.model and "service" not in split_options(ask.model)[1] and book.rates(model) is not None:
            asks.append(ask.with_(model=model, seconds=None))
            changed = True
        else:
            asks.append(ask)
    return draft.with_(asks=asks) if changed else draft


def in_batches(draft: Draft) -> Draft:
    """The draft at the rates of the batch service."""
    return served(draft, "batch")


REMEDY = Change(
    "batch-tier", "Send what nobody waits for as a batch", "exact",
    "nobody waits for these runs: each call may take up to a day, so a run of many steps takes many days",
    "use the provider's batch service", 80, in_batches, {"model": "?service=batch"},
)  # fmt: skip
