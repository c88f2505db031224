"""A cascade: a cheaper model first, the recorded one where that is not good enough."""

from __future__ import annotations

from functools import lru_cache

from scrimp.audit.draft import Draft
from scrimp.audit.measure import Book
from scrimp.audit.remedy import Change
from scrimp.core.usage import Usage
from scrimp.models.providers import split_options

PRICE = 3
"""A model counts as cheaper from a third of the price on."""

ESCALATED = 0.3
"""Share of the calls that the recorded model has to answer after all."""

_LIKE_AN_AGENT = Usage(input=900_000, output=100_000)
"""Tokens by which prices are compared: nine are read for one that is written."""


def cascade(draft: Draft) -> Draft:
    """The draft with the cheaper model first; escalated calls are paid on top, their prompts as fresh."""
    book, extra, asks, changed = draft.run.book, list(draft.extra), [], False
    for ask in draft.asks:
        cheaper = nearest(book, split_options(ask.model)[0]) if ask.model else ""
        if not cheaper:
            asks.append(ask)
            continue
        asks.append(ask.with_(model=cheaper))
        sent = draft.run.calls[ask.step].usage.prompt
        extra.append((ask.model, Usage(input=round(ESCALATED * sent), output=round(ESCALATED * ask.output))))
        changed = True
    return draft.with_(asks=asks, extra=extra) if changed else draft


@lru_cache(maxsize=256)
def _nearest(prices: tuple[tuple[str, float], ...], model: str, now: float) -> str:
    """The dearest model of the same provider at a third of the price or less."""
    maker = model.partition(":")[0]
    cheaper = [
        (price, name) for name, price in prices
        if name.startswith(f"{maker}:") and price <= now / PRICE and "embed" not in name
    ]  # fmt: skip
    return max(cheaper)[1] if cheaper else ""


_PRICED: dict[int, tuple[tuple[str, float], ...]] = {}


def nearest(book: Book, model: str) -> str:
    """The cheaper model to try first; empty where there is none."""
    rates = book.rates(model)
    if rates is None or ":" not in model or not rates.output:
        return ""
    known = _PRICED.get(id(book.prices))
    if known is None:
        known = _PRICED[id(book.prices)] = tuple(
            (name, float(listed.price(_LIKE_AN_AGENT))) for name, listed in book.prices.models.items() if listed.output
        )
    return _nearest(known, model, float(rates.price(_LIKE_AN_AGENT)))


REMEDY = Change(
    "cheaper-model", "Try a cheaper model first", "behavioural",
    f"the dearest model of the same provider at a third of the price or less answers first, and {ESCALATED:.0%} of the "
    "calls go to the recorded model after all, their prompts paid as fresh; the cheaper model takes as many steps",
    "put a cascade in front: cheaper model, check, recorded model", 70, cascade,
)  # fmt: skip
