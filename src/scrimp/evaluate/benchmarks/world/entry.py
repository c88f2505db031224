"""What the generator knows of a function besides the function itself: how to say it, what to put into it.

A function of the tool world is plain typed Python with a docstring; `Family.add` keeps beside it
the noun phrases that ask for its result and, per argument, a Kind: how to draw a constant, and
which results of other functions may stand there instead.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, TypeVar

from scrimp.core.tool import Tool
from scrimp.tools.sources.python import tool

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Kind:
    """An argument.

    Attributes:
        draw: a constant, too big or too strange to be guessed or done in the head.
        takes: what a result must be (one of its `gives`) to stand here; empty for constants only.
        quoted: the question writes the constant in quotes.
    """

    draw: Callable[[random.Random], Any]
    takes: str = ""
    quoted: bool = False

    def say(self, value: Any) -> str:
        """A constant as the question writes it."""
        if self.quoted:
            return f'"{value}"'
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Entry:
    """A function with what the generator needs.

    Attributes:
        gives: what its result is; the first word decides the form of the answer.
        phrases: by language, noun phrases with one `{hole}` per argument.
    """

    function: Callable[..., Any]
    family: str
    gives: tuple[str, ...]
    kinds: Mapping[str, Kind]
    phrases: Mapping[str, tuple[str, ...]]
    price: str
    latency: float

    @property
    def name(self) -> str:
        return self.function.__name__

    @cached_property
    def tool(self) -> Tool:
        """The function as a Tool: pure, inline, with its declared price and latency."""
        made = tool(price=self.price, latency=self.latency, pure=True, inline=True)(self.function)
        return replace(made, source="toolworld", tags={"family": self.family})


@dataclass
class Family:
    """Functions that belong together and share a declared price (dollars) and latency (seconds)."""

    name: str
    price: str = "0"
    latency: float = 0.05
    entries: list[Entry] = field(default_factory=list)

    def add(
        self, gives: str, *, en: Sequence[str], zh: Sequence[str], price: str | None = None, **kinds: Kind
    ) -> Callable[[F], F]:
        """Take a function into the family; `gives` is one or more words."""

        def keep(function: F) -> F:
            phrases = {"en": tuple(en), "zh": tuple(zh)}
            self.entries.append(
                Entry(function, self.name, tuple(gives.split()), kinds, phrases, price or self.price, self.latency)
            )
            return function

        return keep


# -- kinds that several families use ----------------------------------------------------------------


def whole(low: int, high: int, takes: str = "") -> Kind:
    """A whole number from `low` to `high`."""
    return Kind(lambda rng: rng.randint(low, high), takes)


def real(low: float, high: float, digits: int = 2, takes: str = "") -> Kind:
    """A decimal number from `low` to `high`, never a round one."""

    def draw(rng: random.Random) -> float:
        return round(rng.uniform(low, high), digits - 1) + rng.randint(1, 9) / float(10**digits)

    return Kind(lambda rng: round(draw(rng), digits), takes)


def choice(values: Sequence[Any], takes: str = "", *, quoted: bool = False) -> Kind:
    """One of `values`."""
    return Kind(lambda rng: rng.choice(values), takes, quoted)


def day(takes: str = "date", first: date = date(2011, 1, 1), span: int = 9000) -> Kind:
    """A date as YYYY-MM-DD."""
    return Kind(lambda rng: (first + timedelta(days=rng.randrange(span))).isoformat(), takes)


def numbers(low: int, high: int, least: int = 6, most: int = 11, takes: str = "numbers") -> Kind:
    """A list of different whole numbers."""
    return Kind(lambda rng: rng.sample(range(low, high), rng.randint(least, most)), takes)


def words(text: str) -> tuple[str, ...]:
    """The words of a text, for tables that are easier to read as one line."""
    return tuple(text.split())
