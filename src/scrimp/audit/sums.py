"""A bill: calls with their tokens, priced in every case of the cache, and the difference of two bills.

Cache pricing states its cases (EVIDENCE rule 8): `best`, every hit that is possible; `worst`, none; `recorded`, the
shares of the possible hits and writes that the record shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from scrimp.core.money import Rates
from scrimp.core.usage import Usage

CASES = ("recorded", "best", "worst")

Number = Fraction | int
"""Exact tokens and shares; whole ones are plain integers, which are faster."""

Shares = tuple[Number, Number]
"""Of the possible hits that happen, and of the possible writes that are paid."""


@dataclass(slots=True)
class Line:
    """One call of a bill.

    Attributes:
        prompt: its tokens; `served` those that the cache could serve.
        standing: tokens that stand in the cache once the call was served; 0 where writing them costs nothing.
    """

    prompt: int
    served: int
    standing: int
    output: int
    reasoning: int
    images: int
    rates: Rates | None

    @property
    def written(self) -> int:
        """Tokens that are written where every possible hit happens."""
        return self.standing - self.served if self.standing else 0


@dataclass(slots=True)
class Sums:
    """Tokens of the calls that pay the same rates."""

    rates: Rates
    prompt: int = 0
    served: int = 0
    standing: int = 0
    output: int = 0

    def dollars(self, hits: Number, writes: Number) -> Decimal:
        """Millionths of a dollar; what is not served although it could be is written again."""
        served = hits * self.served
        written = writes * (self.standing - served) if self.standing else 0
        rates, prompt = self.rates, self.prompt
        return (
            rates.input * _decimal(prompt - served - written) + rates.cached_input * _decimal(served)
            + rates.cache_write * _decimal(written) + rates.output * self.output
        )  # fmt: skip


@dataclass(slots=True)
class Bill:
    """The calls of a draft, billed in every case.

    Attributes:
        shares: by case.
        extra: what a remedy itself calls: rates, tokens, and what of them the agent's call before sent too.
        beside: dollars of tool calls and whatever else is no model call, as far as anybody states a price.
        weight: dollars that were paid for each one of the price list, where the record tells what was paid: a
            provider's discount is a discount on savings too.
        seconds: what the calls take one after the other; None where the record does not say.
        caching: as the draft has it. `guessed` says whether a remedy changed prompts, whose tokens are estimated then.
    """

    lines: list[Line]
    shares: Mapping[str, Shares]
    extra: list[tuple[Rates | None, Usage, int]] = field(default_factory=list)
    beside: Decimal = Decimal(0)
    weight: Decimal = Decimal(1)
    seconds: float | None = None
    caching: bool | None = None
    guessed: bool = False
    _sums: list[Sums] | None = None
    _known: dict[str, Decimal | None] = field(default_factory=dict)

    @property
    def hit_rate(self) -> Number:
        """Share of the possible hits that happen as recorded."""
        return self.shares["recorded"][0]

    def dollars(self, case: str = "recorded") -> Decimal | None:
        """Dollars of everything, what a remedy itself calls included; None where a rate is unknown."""
        if case not in self._known:
            own, calls = self.own(case), self.calls(case)
            self._known[case] = None if own is None or calls is None else own + calls + self.beside
        return self._known[case]

    def calls(self, case: str = "recorded") -> Decimal | None:
        """Dollars of the agent's model calls."""
        if any(line.rates is None for line in self.lines):
            return None
        hits, writes = self.shares[case]
        total = sum((sums.dollars(hits, writes) for sums in self._by_rates()), Decimal(0))
        return total.scaleb(-6) * self.weight

    def own(self, case: str = "recorded") -> Decimal | None:
        """Dollars of what a remedy itself calls."""
        hits, total = self.shares[case][0], Decimal(0)
        for rates, usage, resent in self.extra:
            if rates is None:
                return None
            served = hits * resent
            total += rates.input * _decimal(usage.input - served) + rates.cached_input * _decimal(served)
            total += rates.output * usage.output
        return total.scaleb(-6) * self.weight

    def usage(self, case: str = "recorded") -> Usage:
        """Tokens of all calls, what a remedy itself calls included."""
        hits, writes = self.shares[case]
        lines = self.lines
        standing = sum(line.standing for line in lines)
        again = hits * sum(line.served for line in lines if line.standing)
        cached = round(hits * sum(line.served for line in lines))
        written = round(writes * (standing - again))
        whole = Usage(
            sum(line.prompt for line in lines) - cached - written, cached, written,
            sum(line.output for line in lines), sum(line.reasoning for line in lines),
            sum(line.images for line in lines),
        )  # fmt: skip
        for _, usage, resent in self.extra:
            served = round(hits * resent)
            whole = whole + usage + Usage(input=-served, cached_input=served)
        return whole

    def _by_rates(self) -> list[Sums]:
        if self._sums is None:
            sums: dict[tuple[int, bool], Sums] = {}
            for line in self.lines:
                assert line.rates is not None
                rates = line.rates.at(line.prompt)
                one = sums.setdefault((id(rates), line.standing > 0), Sums(rates))
                one.prompt += line.prompt
                one.served += line.served
                one.standing += line.standing
                one.output += line.output
            self._sums = list(sums.values())
        return self._sums


def _decimal(tokens: Number) -> Decimal:
    if isinstance(tokens, int):
        return Decimal(tokens)
    return Decimal(tokens.numerator) / tokens.denominator


# -- the difference of two bills ---------------------------------------------------------------------


def net_of(before: Bill, after: Bill, case: str) -> Decimal | None:
    """Dollars saved in a case of the cache; None where a price is unknown."""
    return between(before, case, after, case)


def open_cases(told: bool, caching: bool | None) -> tuple[tuple[str, str], ...]:
    """The cases that are possible, of the run as it was and of the draft.

    What the record tells is settled. What a remedy changes about the cache is not: where it is switched on, perhaps
    nothing is found in it; where calls lie too far apart for it, perhaps some of it is found all the same.
    """
    if told:
        other: dict[bool | None, tuple[tuple[str, str], ...]] = {
            None: (), True: (("recorded", "worst"),), False: (("recorded", "best"),)
        }  # fmt: skip
        return (("recorded", "recorded"), *other[caching])
    same = tuple((case, case) for case in CASES)
    return (*same, ("best", "worst")) if caching is False else same


def between(before: Bill, was: str, after: Bill, now: str) -> Decimal | None:
    """Dollars saved from one case to another; None where a price is unknown."""
    old, new = before.dollars(was), after.dollars(now)
    return None if old is None or new is None else old - new


def difference(before: Bill, after: Bill, kinds: Sequence[str]) -> tuple[int, ...]:
    """Tokens saved, by kind."""
    was, now = before.usage(), after.usage()
    return tuple(getattr(was, kind) - getattr(now, kind) for kind in kinds)
