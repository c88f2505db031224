"""What a Draft costs: the cache simulated, tokens priced, seconds summed.

Where the record does not tell what was cached, nothing is taken to have been. Where it has no times, gaps are taken to
be shorter than the cache's lifetime: that is the best case, and the worst has no hit anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from scrimp.audit.draft import Ask, Draft, Extra, draft
from scrimp.audit.measure import SPREAD, Run, pictures_in
from scrimp.audit.sums import Bill, Line, Number, Shares, between, open_cases
from scrimp.core.money import Rates
from scrimp.models.prefix_cache import PrefixCache
from scrimp.models.providers import split_options

Split = tuple[int, int, int]
"""Of one call: prompt tokens, what the cache could serve of them, and what stands in it afterwards."""


class Biller:
    """Bills the drafts of one run; what several of them share is simulated once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.told = bool(run.calls) and all(call.told for call in run.calls if call.event.component != "harness")
        self._splits: list[tuple[tuple[object, ...], Sequence[Ask], list[Split]]] = []
        self._laid: dict[str, PrefixCache] = {}
        self._beside, self._tools = _beside(run)
        self._was: Shares | None = None
        self._weight: Decimal | None = None

    def bill(self, made: Draft) -> Bill:
        """The bill of a draft."""
        if self._weight is None:
            self._weight = Decimal(1)
            self._weight = _weight(self.run, self.bill(draft(self.run)).calls())
        run = self.run
        rates = {model: run.book.rates(model) for model in {ask.model for ask in made.asks}}
        lines = [
            Line(*split, ask.output, ask.reasoning, self._images(ask), rates[ask.model])
            for ask, split in zip(made.asks, self._split(made), strict=True)
        ]
        extra = [
            (_tier(run.book.rates(extra.model), extra), extra.usage, extra.resent if run.book.rules(extra.model) else 0)
            for extra in made.extra
        ]
        guessed = any(ask.request is not run.calls[ask.step].step.request for ask in made.asks)
        tools = sum((self._tools[id(use)] for use in made.tools if id(use) in self._tools), self._beside)
        return Bill(
            lines, self._shares(made.caching), extra, tools, self._weight, seconds_of(made), made.caching, guessed
        )  # fmt: skip

    def span(self, before: Bill, after: Bill) -> tuple[Decimal, Decimal] | None:
        """The least and the most dollars saved, over the open cases of the cache and what tokens may be off by.

        Where a remedy changed prompts, what it took out is estimated, even if the record tells the whole. None where
        a price is unknown.
        """
        nets = [between(before, was, after, now) for was, now in open_cases(self.told, after.caching)]
        known = [net for net in nets if net is not None]
        if not known:
            return None
        off = Decimal(max(self.run.spread, SPREAD) if after.guessed else self.run.spread)
        ends = [net * factor for net in known for factor in (1 - off, 1 + off)]
        return min(ends), max(ends)

    def as_it_was(self) -> Shares:
        """Shares of the possible hits, and of the possible writes, that the record shows.

        Where no prompt began like one before it, nothing could be hit, and the share of nothing tells nothing: caches
        that work by themselves are then taken to work, others where something was written.
        """
        if self._was is None:
            was = draft(self.run)
            told = [
                (self.run.calls[ask.step].usage, could, stands)
                for ask, (_, could, stands) in zip(was.asks, self._split(was), strict=True)
                if self.run.calls[ask.step].told
            ]
            cached, wrote = (sum(usage.cached_input for usage, _, _ in told), sum(one[0].cache_write for one in told))
            possible = sum(could for _, could, _ in told)
            hits = share(cached, possible) if possible or not told else int(bool(cached or wrote) or self._by_itself())
            again = hits * sum(could for _, could, stands in told if stands)
            self._was = (hits, share(wrote, sum(stands for _, _, stands in told) - again))
        return self._was

    def _by_itself(self) -> bool:
        """Whether the run's models cache prompts without being asked."""
        rules = [self.run.book.rules(model) for model in {call.model for call in self.run.calls if call.model}]
        return bool(rules) and all(rule is not None and rule.mode == "automatic" for rule in rules)

    def _shares(self, caching: bool | None) -> dict[str, Shares]:
        """Shares of hits and writes by case."""
        was = self.as_it_was()
        if caching is None:
            return {"recorded": was, "best": (1, 1), "worst": (0, 0)}
        if caching:
            # In the worst case every prompt is written, and nothing is ever read again.
            return {"recorded": (1, 1), "best": (1, 1), "worst": (0, 1)}
        return {"recorded": (0, 0), "best": was if self.told else (1, 1), "worst": (0, 0)}

    def _images(self, ask: Ask) -> int:
        return pictures_in(ask.request.messages) if self.run.sizes.pictured else 0

    def _split(self, made: Draft) -> list[Split]:
        """What the cache does with each call. The run as it was is remembered, and what was asked for last."""
        key = (made.warm, *((id(ask.request), ask.step, ask.at, cached_as(ask.model)) for ask in made.asks))
        for known, _, split in self._splits:
            if known == key:
                return split
        split = self._simulate(made)
        self._splits[1:] = [(key, made.asks, split)]  # the asks keep the ids alive
        return split

    def _simulate(self, made: Draft) -> list[Split]:
        run = self.run
        caches: dict[tuple[tuple[str, str], str], PrefixCache] = {}
        found: list[Split] = []
        for ask in made.asks:
            prompt = made.prompt(ask)
            rules = run.book.rules(ask.model) if ask.model else None
            if rules is None:
                found.append((prompt, 0, 0))
                continue
            call = run.calls[ask.step]
            name = cached_as(ask.model)
            key = (name, call.step.agent)
            cache = caches.get(key)
            first = cache is None
            if cache is None:
                cache = caches[key] = PrefixCache(rules, ask.model, run.sizes, self._laid.get(name[0]))
                self._laid.setdefault(name[0], cache)
            hidden = made.hidden.get(call.step.agent, 0)
            seen = cache.see(ask.request, ask.at if ask.at is not None else 0.0, prompt_tokens=prompt, hidden=hidden)
            served = seen.tokens_cached
            standing = served + seen.tokens_written if rules.mode == "marked" or rules.write != 1 else 0
            if first and made.warm and call.told and call.usage.prompt:
                # What served the first call was left by earlier runs; it will be again.
                served = max(served, prompt * call.usage.cached_input // call.usage.prompt)
                standing = max(standing, served) if standing else 0
            found.append((prompt, served, standing))
        return found


def _tier(rates: Rates | None, extra: Extra) -> Rates | None:
    """The rates that one of these calls pays."""
    return None if rates is None else rates.at(extra.longest or extra.usage.prompt)


def share(part: int, whole: Number) -> Number:
    """A part of a whole, at most all of it."""
    if part <= 0 or part >= whole:
        return int(part > 0)
    return Fraction(part) / whole


@lru_cache(maxsize=1024)
def cached_as(model: str) -> tuple[str, str]:
    """What of a model's name decides about its cache: the model, and for how long it is kept."""
    name, options = split_options(model)
    return name, options.get("cache", "")


def _beside(run: Run) -> tuple[Decimal, dict[int, Decimal]]:
    """Dollars of what no remedy changes, and of tool calls by the ToolUse's id; as far as known."""
    uses, rest = run.trace.tools, run.events[len(run.calls) :]
    tools = {
        id(use): event.money.least for use, event in zip(uses, rest, strict=False)
        if event.money.least and event.component != "harness"
    }  # fmt: skip
    others = (event.money.least for event in rest[len(uses) :] if event.component != "harness")
    return sum(others, Decimal(0)), tools


def _weight(run: Run, simulated: Decimal | None) -> Decimal:
    """Dollars paid for each simulated one; 1 where nobody states either."""
    paid = Decimal(0)
    for call in run.calls:
        if call.event.component != "harness":
            if call.money.amount is None:
                return Decimal(1)
            paid += call.money.amount
    return paid / simulated if simulated else Decimal(1)


def seconds_of(made: Draft) -> float | None:
    """What the calls take, one after the other; None where one of them has no time."""
    total = made.extra_seconds
    for ask in made.asks:
        if ask.seconds is None:
            return None
        total += ask.seconds
    return total + sum(use.seconds or 0.0 for use in made.tools)
