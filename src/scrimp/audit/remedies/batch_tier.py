"""Served in batches, within a day."""

from __future__ import annotations

from dataclasses import replace

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change, with_option
from scrimp.models.providers import split_options


def served(draft: Draft, service: str) -> Draft:
    """The draft with every call served another way, where the price list states that way's rates of all its models."""
    book = draft.run.book
    names = {ask.model for ask in draft.asks} | {extra.model for extra in draft.extra}
    if not names or any("service" in split_options(name)[1] for name in names):
        return draft
    other = {name: with_option(name, "service", service) for name in names if name}
    if len(other) < len(names) or any(book.rates(name) is None for name in other.values()):
        return draft
    return draft.with_(
        asks=[ask.with_(model=other[ask.model], seconds=None) for ask in draft.asks],
        extra=[replace(extra, model=other[extra.model]) for extra in draft.extra],
    )


def in_batches(draft: Draft) -> Draft:
    """The draft at the rates of the batch service, with hours between a call and the next."""
    changed = served(draft, "batch")
    return changed if changed is draft else changed.with_(caching=False)


REMEDY = Change(
    "batch-tier", "Send what nobody waits for as a batch", "exact",
    "nobody waits for these runs: each call may take up to a day, so a run of many steps takes many days, and no call "
    "finds in the prompt cache what the one before left there",
    "use the provider's batch service", 80, in_batches,
)  # fmt: skip
