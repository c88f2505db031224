"""Money that may be unknown, and the price lists that turn tokens into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import parse_qsl

from scrimp.core.usage import Usage

State = Literal["metered", "priced", "unknown"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, and how it is known.

    States: `metered` (the provider said so, or nothing was spent), `priced` (tokens times a price
    list), `unknown` (nobody stated a price; `known` is then the part that is known). Unknown is
    never zero. Sums are exact: no float takes part.
    """

    amount: Decimal | None = ZERO
    state: State = "metered"
    prices: str | None = None
    currency: str = "USD"
    known: Decimal = ZERO

    @classmethod
    def unknown(cls) -> Money:
        """An amount nobody can state."""
        return cls(None, "unknown")

    @classmethod
    def priced(cls, amount: Decimal, prices: str) -> Money:
        """An amount computed from the price list named `prices`."""
        return cls(amount, "priced", prices)

    @property
    def least(self) -> Decimal:
        """What is surely owed: the amount, or its known part."""
        return self.known if self.amount is None else self.amount

    def __add__(self, other: Money) -> Money:
        if other is NOTHING:
            return self
        if self is NOTHING:
            return other
        if self.currency != other.currency:
            raise ValueError(f"cannot add {self.currency} to {other.currency}")
        prices = _join(self.prices, other.prices)
        if self.amount is None or other.amount is None:
            return Money(None, "unknown", prices, self.currency, self.least + other.least)
        state: State = "priced" if "priced" in (self.state, other.state) else "metered"
        return Money(self.amount + other.amount, state, prices, self.currency)

    def to_json(self) -> dict[str, Any]:
        """The outward form of COMMANDS: amounts as decimal strings, null where unknown."""
        out: dict[str, Any] = {
            "amount": None if self.amount is None else plain(self.amount),
            "currency": self.currency,
            "state": self.state,
        }
        if self.prices is not None:
            out["prices"] = self.prices
        if self.amount is None:
            out["known"] = plain(self.known)
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Money:
        """The inverse of `to_json`."""
        amount = None if data["amount"] is None else Decimal(data["amount"])
        return cls(amount, data["state"], data.get("prices"), data["currency"], Decimal(data.get("known", 0)))

    def __str__(self) -> str:
        if self.amount is None:
            return f"unknown (at least ${plain(self.known)})" if self.known else "unknown"
        return f"${plain(self.amount)}"


NOTHING = Money()


def plain(amount: Decimal) -> str:
    """A decimal without exponent and without trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _join(a: str | None, b: str | None) -> str | None:
    if a is None or b is None or a == b:
        return b if a is None else a
    return "; ".join(sorted({*a.split("; "), *b.split("; ")}))


def total(amounts: Iterable[Money]) -> Money:
    """The sum of any number of amounts; `NOTHING` for none."""
    result = NOTHING
    for amount in amounts:
        result = result + amount
    return result


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars per million tokens of one model.

    Attributes:
        cache_write_1h: a token written into a cache that keeps it an hour, where that has a price of its own.
        above: prompt tokens above which these rates hold; 0 for the rates of short prompts.
        tiers: the rates of longer prompts, by `above`. A prompt above a threshold pays the higher rates for all
            its tokens and for the answer, as providers bill it.
        services: the rates of other ways to be served (`batch`, `flex`), by name.
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal | None = None
    above: int = 0
    tiers: tuple[Rates, ...] = ()
    services: tuple[tuple[str, Rates], ...] = ()

    def price(self, usage: Usage) -> Decimal:
        """Exact dollars for `usage`, at the tier of its prompt."""
        tier = self.at(usage.prompt)
        return (
            tier.input * usage.input
            + tier.cached_input * usage.cached_input
            + tier.cache_write * usage.cache_write
            + tier.output * usage.output
        ).scaleb(-6)

    def at(self, prompt: int) -> Rates:
        """The rates that a prompt of so many tokens pays."""
        found = self
        for tier in self.tiers:
            if tier.above < prompt and tier.above >= found.above:
                found = tier
        return found

    def within(self, prompt: int) -> Rates:
        """These rates with the tiers that a prompt of at most so many tokens can reach."""
        if not self.tiers:
            return self
        return replace(self, tiers=tuple(tier for tier in self.tiers if tier.above < prompt))

    def served(self, service: str) -> Rates | None:
        """The rates of another way to be served; None where nobody stated them."""
        return dict(self.services).get(service)

    def kept(self, lifetime: str) -> Rates | None:
        """The rates where what is cached is kept for `5m` or `1h`; None where nobody stated them."""
        if lifetime == "5m":
            return self
        if lifetime != "1h" or self.cache_write_1h is None:
            return None
        tiers = tuple(kept for tier in self.tiers if (kept := tier.kept(lifetime)) is not None)
        return replace(self, cache_write=self.cache_write_1h, tiers=tiers) if len(tiers) == len(self.tiers) else None

    @property
    def worst_input(self) -> Decimal:
        """Per million prompt tokens when nothing is known about the cache or the length of the prompt."""
        return max(max(rates.input, rates.cached_input, rates.cache_write) for rates in (self, *self.tiers))

    @property
    def worst_output(self) -> Decimal:
        """Per million tokens written when nothing is known about the length of the prompt."""
        return max(rates.output for rates in (self, *self.tiers))


STANDARD = ("default", "auto", "standard", "standard_only")
"""Names that providers give to being served as usual, at the usual price."""

_DATED = re.compile(r"-20\d\d-?\d\d-?\d\d$")


@dataclass(frozen=True)
class PriceList:
    """Dated prices of models (per million tokens) and tools (per call).

    `label` names the list and its date and is repeated wherever a price was used. `reference` and
    `reference_embedding` price local tokens, which carry no price of their own; a list without them
    leaves those unknown. `reference_label` names the list that the reference rates come from.
    """

    label: str
    as_of: str
    models: Mapping[str, Rates] = field(default_factory=dict)
    tools: Mapping[str, Decimal] = field(default_factory=dict)
    reference: Rates | None = None
    reference_embedding: Rates | None = None
    reference_label: str = ""

    def rates(self, model: str, *, local: bool = False, embedding: bool = False) -> Rates | None:
        """The rates of `model`; for a `local` one the reference rates where it has none of its own."""
        own = self._own(model)
        if own is None and local:
            return self.reference_embedding if embedding else self.reference
        return own

    def price(self, model: str, usage: Usage, *, local: bool = False, embedding: bool = False) -> Money:
        """What `usage` costs; unknown where the list does not hold the model."""
        rates = self.rates(model, local=local, embedding=embedding)
        if rates is None:
            return Money.unknown()
        reference = f"reference:{self.reference_label or self.label}"
        return Money.priced(rates.price(usage), reference if self._own(model) is None else self.label)

    def _own(self, model: str) -> Rates | None:
        """Looked up whole, then as what a server calls it (`URL#NAME`), then without a date at its end.

        What stands behind a question mark says how it is served: `?service=flex`, `?service=batch` (rates of their
        own, None where the list does not state them) and `?cache=1h`; other words do not change the price.
        """
        address, _, behind = model.partition("#")
        served, _, query = (behind or address).partition("?")
        whole = f"{address}#{served}" if behind else served
        rates = self.models.get(whole) or self.models.get(served) or self.models.get(_DATED.sub("", served))
        options = dict(parse_qsl(query)) if query else {}
        if rates is not None and options.get("service", "default") not in STANDARD:
            rates = rates.served(options["service"])
        if rates is not None and options.get("cache", "off") not in ("on", "off"):
            rates = rates.kept(options["cache"])
        return rates
