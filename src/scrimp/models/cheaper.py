"""Which model is the next cheaper one: what a comparison puts beside every saving (EVIDENCE rule 3)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode

from scrimp.core.money import Rates
from scrimp.models import prices

PACKAGED = {"local": "small"}
"""Packaged models, and the next smaller one."""
SMALLER = "tiny-hosted-2026-11"
"""The reference list of the next smaller class; see its file."""
OUTPUT_WEIGHT = Decimal("0.25")
"""Output tokens per input token that two models' prices are compared at."""
CLEARLY = Decimal("0.8")
"""A model is cheaper when it costs at most this share."""


@dataclass(frozen=True)
class Cheaper:
    """The next cheaper model and the list that prices it; `model` is empty where nobody knows one, `why` says how it
    was found or why not."""

    model: str
    prices: str
    why: str


def next_cheaper(model: str, price_list: str) -> Cheaper:
    """The next cheaper model of the same provider on a price list, or the next smaller packaged one.

    An oracle's is one that errs twice as often (and at 0.1 at least), at the prices of the next smaller class: a
    stand-in for structure, as every oracle is.
    """
    name, _, query = model.partition("?")
    if name in PACKAGED:
        return Cheaper(PACKAGED[name], _smaller(price_list), f"priced at the reference list {SMALLER}")
    if name == "oracle":
        options = dict(parse_qsl(query))
        options["error"] = f"{min(1.0, max(0.1, 2 * float(options.get('error', 0)))):g}"
        return Cheaper(
            f"oracle?{urlencode(options)}", _smaller(price_list),
            f"an oracle of error {options['error']} at the prices of {SMALLER}; no model",
        )  # fmt: skip
    provider, colon, own = name.partition(":")
    rates = prices.load(price_list).models
    mine = rates.get(name)
    if not colon or not own or mine is None:
        return Cheaper("", price_list, f"no price list tells which model is cheaper than {model}")
    dear = worth(mine)
    lower = [
        (worth(other), key) for key, other in rates.items()
        if key.startswith(f"{provider}:") and other.output and worth(other) <= CLEARLY * dear
    ]  # fmt: skip
    if not lower:
        return Cheaper("", price_list, f"{model} is the cheapest of {provider} on {price_list}")
    price, found = max(lower)
    return Cheaper(f"{found}{'?' + query if query else ''}", price_list, f"{price / dear:.0%} of its price per token")


def worth(rates: Rates) -> Decimal:
    """One figure for a model's rates: dollars for a million input tokens and what is written beside them."""
    return rates.input + OUTPUT_WEIGHT * rates.output


def _smaller(price_list: str) -> str:
    """The packaged lists' next smaller reference class; a user's own list stays, since it says what is paid."""
    return SMALLER if price_list in prices.names() else price_list
