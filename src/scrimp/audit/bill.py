"""What a Draft costs: the cache simulated, tokens priced, seconds summed.

Cache pricing states its cases (EVIDENCE rule 8): `best`, every hit that is possible; `worst`, none; `recorded`, the
share of the possible hits that the record shows. Where the record does not tell what was cached, nothing is taken to
have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from scrimp.audit.draft import Ask, Draft
from scrimp.audit.measure import Run, pictures_in
from scrimp.core.money import Rates
from scrimp.core.usage import Usage
from scrimp.models.prefix_cache import PrefixCache
from scrimp.models.providers import split_options

CASES = ("recorded", "best", "worst")


@dataclass(slots=True)
class Line:
    """One call of a bill: prompt tokens, of which the cache could serve and would write so many, and the answer's."""

    prompt: int
    served: int
    written: int
    output: int
    reasoning: int
    images: int
    rates: Rates | None


@dataclass(slots=True)
class Bill:
    """The calls of a draft, billed in every case.

    Attributes:
        hit_rate: share of possible hits that happen in the case `recorded`.
        caching: whether prompts are cached at all in the case `recorded`.
        extra: what a remedy itself calls, which no cache serves.
        seconds: what the calls take one after the other; None where the record does not say.
    """

    lines: list[Line]
    hit_rate: Decimal
    caching: bool
    extra: list[tuple[Rates | None, Usage]] = field(default_factory=list)
    seconds: float | None = None

    def dollars(self, case: str = "recorded") -> Decimal | None:
        """Dollars, what a remedy itself calls included; None where a rate is unknown."""
        own = self.own
        calls = self.calls(case)
        return None if own is None or calls is None else own + calls

    def calls(self, case: str = "recorded") -> Decimal | None:
        """Dollars of the agent's calls."""
        rate, write = self._rate(case)
        total = Decimal(0)
        for line in self.lines:
            if line.rates is None:
                return None
            tier = line.rates.at(line.prompt)
            cached = rate * line.served
            written = line.written if write else 0
            total += tier.input * (line.prompt - cached - written) + tier.cached_input * cached
            total += tier.cache_write * written + tier.output * line.output
        return total.scaleb(-6)

    @property
    def own(self) -> Decimal | None:
        """Dollars of what a remedy itself calls."""
        total = Decimal(0)
        for rates, usage in self.extra:
            if rates is None:
                return None
            total += rates.price(usage)
        return total

    def usage(self, case: str = "recorded") -> Usage:
        """Tokens of all calls, what a remedy itself calls included."""
        rate, write = self._rate(case)
        cached = sum(int(rate * line.served) for line in self.lines)
        written = sum(line.written for line in self.lines) if write else 0
        whole = Usage(
            sum(line.prompt for line in self.lines) - cached - written, cached, written,
            sum(line.output for line in self.lines), sum(line.reasoning for line in self.lines),
            sum(line.images for line in self.lines),
        )  # fmt: skip
        for _, usage in self.extra:
            whole = whole + usage
        return whole

    def _rate(self, case: str) -> tuple[Decimal, bool]:
        """Share of the possible hits that happen, and whether prompts are written into the cache."""
        if case == "recorded":
            return (self.hit_rate, self.caching)
        return (Decimal(1), True) if case == "best" else (Decimal(0), False)


class Biller:
    """Bills the drafts of one run; what several of them share is simulated once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._served: dict[tuple[object, ...], tuple[Sequence[Ask], list[tuple[int, int, int]]]] = {}
        self._factors = [call.usage.prompt / call.prompt if call.prompt else 1.0 for call in run.calls]
        self._was: tuple[Decimal, bool] | None = None

    def bill(self, draft: Draft) -> Bill:
        """The bill of a draft."""
        run = self.run
        split = self._split(draft.asks, draft.warm)
        lines = [
            Line(
                prompt,
                served,
                written,
                ask.output,
                ask.reasoning,
                pictures_in(ask.request.messages),
                run.book.rates(ask.model),
            )
            for ask, (prompt, served, written) in zip(draft.asks, split, strict=True)
        ]
        rate, caching = self.as_it_was() if draft.caching is None else (Decimal(int(draft.caching)), draft.caching)
        extra = [(run.book.rates(model), usage) for model, usage in draft.extra]
        return Bill(lines, rate, caching, extra, _seconds(draft))

    def as_it_was(self) -> tuple[Decimal, bool]:
        """Share of the possible hits that the record shows, and whether it shows any caching."""
        if self._was is None:
            calls = self.run.calls
            asks = [Ask(at, call.step.request, call.model, 0, 0, call.step.started) for at, call in enumerate(calls)]
            split = self._split(asks, True)
            told = [at for at, call in enumerate(calls) if call.told]
            possible = sum(split[at][1] for at in told)
            cached = sum(calls[at].usage.cached_input for at in told)
            wrote = any(calls[at].usage.cache_write for at in told)
            rate = min(Decimal(1), Decimal(cached) / possible) if possible else Decimal(int(cached > 0))
            self._was = (rate, bool(cached) or wrote)
        return self._was

    def _split(self, asks: Sequence[Ask], warm: bool) -> list[tuple[int, int, int]]:
        """Prompt tokens of each call, and what the cache could serve and would write of them."""
        key = (warm, *((id(ask.request), ask.step, _cached_as(ask.model)) for ask in asks))
        known = self._served.get(key)
        if known is None:
            known = self._served[key] = (asks, self._simulate(asks, warm))  # the asks keep the ids alive
        return known[1]

    def _simulate(self, asks: Sequence[Ask], warm: bool) -> list[tuple[int, int, int]]:
        run = self.run
        caches: dict[tuple[tuple[str, str], str], PrefixCache] = {}
        found = []
        for ask in asks:
            call = run.calls[ask.step]
            if ask.request is call.step.request:
                prompt = call.usage.prompt
            else:
                prompt = round(run.sizes.request(ask.request) * self._factors[ask.step])
            rules = run.book.rules(ask.model) if ask.model else None
            if rules is None:
                found.append((prompt, 0, 0))
                continue
            key = (_cached_as(ask.model), call.step.agent)
            cache = caches.get(key)
            first = cache is None
            if cache is None:
                cache = caches[key] = PrefixCache(rules, ask.model, sizes=run.sizes)
            seen = cache.see(ask.request, ask.at if ask.at is not None else 0.0, prompt_tokens=prompt)
            served = seen.tokens_cached
            if first and warm and call.told and call.usage.prompt:
                # What served the first call was left by earlier runs; it will be again.
                served = max(served, prompt * call.usage.cached_input // call.usage.prompt)
            found.append((prompt, served, max(0, min(seen.tokens_written, prompt - served))))
        return found


def _cached_as(model: str) -> tuple[str, str]:
    """What of a model's name decides about its cache: the model, and for how long it is kept."""
    name, options = split_options(model)
    return name, options.get("cache", "")


def _seconds(draft: Draft) -> float | None:
    """What the calls take, one after the other; None where one of them has no time."""
    total = draft.extra_seconds
    for ask in draft.asks:
        if ask.seconds is None:
            return None
        total += ask.seconds
    for use in draft.tools:
        total += use.seconds or 0.0
    return total
