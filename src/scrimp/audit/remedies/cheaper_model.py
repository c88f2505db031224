"""A cascade: a cheaper model first, the recorded one where that is not good enough."""

from __future__ import annotations

from functools import lru_cache

from scrimp.audit.draft import Draft, Extra
from scrimp.audit.measure import Book
from scrimp.audit.remedy import Change
from scrimp.core.money import PriceList
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
    book, extra, asks, waited = draft.run.book, [], [], 0.0
    for ask in draft.asks:
        cheaper = nearest(book, split_options(ask.model)[0]) if ask.model else ""
        if not cheaper:
            asks.append(ask)
            continue
        asks.append(ask.with_(model=cheaper))
        usage = Usage(
            input=round(ESCALATED * draft.prompt(ask)), output=round(ESCALATED * ask.output),
            reasoning=round(ESCALATED * ask.reasoning),
        )  # fmt: skip
        extra.append(Extra(ask.model, usage))
        waited += ESCALATED * (ask.seconds or 0.0)
    if not extra:
        return draft
    return draft.with_(asks=asks, extra=[*draft.extra, *extra], extra_seconds=draft.extra_seconds + waited)


@lru_cache(maxsize=256)
def _nearest(prices: tuple[tuple[str, float], ...], model: str, now: float) -> str:
    """The dearest model of the same provider at a third of the price or less."""
    maker = model.partition(":")[0]
    cheaper = [
        (price, name) for name, price in prices
        if name.startswith(f"{maker}:") and price <= now / PRICE and "embed" not in name
    ]  # fmt: skip
    return max(cheaper)[1] if cheaper else ""


def nearest(book: Book, model: str) -> str:
    """The cheaper model to try first; empty where there is none."""
    rates = book.rates(model)
    if rates is None or ":" not in model or not rates.output:
        return ""
    return _nearest(_priced(book.prices), model, float(rates.price(_LIKE_AN_AGENT)))


_KNOWN: list[tuple[PriceList, tuple[tuple[str, float], ...]]] = []


def _priced(prices: PriceList) -> tuple[tuple[str, float], ...]:
    """What an agent's tokens cost on every model of a list; reckoned once for the list that was used last."""
    if not _KNOWN or _KNOWN[0][0] is not prices:
        _KNOWN[:] = [(prices, tuple(
            (name, float(listed.price(_LIKE_AN_AGENT))) for name, listed in prices.models.items() if listed.output
        ))]  # fmt: skip
    return _KNOWN[0][1]


REMEDY = Change(
    "cheaper-model", "Try a cheaper model first", "behavioural",
    f"the dearest model of the same provider at a third of the price or less answers first, and {ESCALATED:.0%} of the "
    "calls go to the recorded model after all, their prompts paid as fresh; the cheaper model takes as many steps",
    "put a cascade in front: cheaper model, check, recorded model", 70, cascade,
)  # fmt: skip
