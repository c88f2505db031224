"""What the prompt cache served, what it could have served, and where prefixes broke and what that cost.

A prefix breaks where a call goes on with a conversation (what the call before it was sent last is still in it) but
something before that has changed: everything behind the change is paid as fresh.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scrimp.audit.draft import hidden_of, scale_of
from scrimp.audit.measure import Call, Run
from scrimp.audit.secrets import redact
from scrimp.core.messages import Message
from scrimp.core.money import Money, plain
from scrimp.models.prefix_cache import PrefixCache

KEPT = 20
"""Broken prefixes that are told one by one, the dearest."""

LONG_AGO = "more than"
"""How the cache's words begin where a prefix is the same but has lived too long."""


@dataclass(frozen=True, slots=True, order=True)
class Broken:
    """A prefix that broke: `cost` is what the tokens behind the break cost more than they would have from the cache."""

    cost: Decimal
    run: str
    step: int
    path: str
    where: str
    place: str
    why: str
    tokens: int
    text: str

    def to_json(self, show_secrets: bool = False) -> dict[str, Any]:
        return {
            "run": self.run, "path": self.path, "step": self.step, "where": self.where, "place": self.place,
            "why": self.why, "tokens": self.tokens, "cost": plain(self.cost),
            "text": self.text if show_secrets else redact(self.text),
        }  # fmt: skip


@dataclass(slots=True)
class Caching:
    """Sums over runs; two of them add up."""

    prompt: int = 0
    possible: int = 0
    recorded: int = 0
    told_prompt: int = 0
    broken: int = 0
    broken_tokens: int = 0
    broken_cost: Decimal = Decimal(0)
    expired_tokens: int = 0
    prices: str | None = None
    dearest: list[Broken] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Add a run."""
        caches: dict[tuple[str, str], PrefixCache] = {}
        before: dict[tuple[str, str], Call] = {}
        unseen = hidden_of(run, scale_of(run))
        for at, call in enumerate(run.calls):
            rules = run.book.rules(call.model) if call.model else None
            if rules is None or call.event.component == "harness":
                continue
            key = (call.model, call.step.agent)
            cache = caches.get(key)
            if cache is None:
                cache = caches[key] = PrefixCache(rules, call.model, sizes=run.sizes)
            started = call.step.started if call.step.started is not None else 0.0
            hidden = unseen.get(call.step.agent, 0)
            found = cache.see(call.step.request, started, prompt_tokens=call.usage.prompt, hidden=hidden)
            self.prompt += call.usage.prompt
            self.possible += found.tokens_cached
            if call.told:
                self.told_prompt += call.usage.prompt
                self.recorded += call.usage.cached_input
            previous = before.get(key)
            if previous is not None and goes_on(previous, call):
                self._look(run, at, call, previous, found.broke_at, found.why, found.tokens_cached)
            before[key] = call

    def _look(self, run: Run, at: int, call: Call, previous: Call, place: str, why: str, served: int) -> None:
        lost = min(previous.usage.prompt, call.usage.prompt) - max(served, call.usage.cached_input)
        minimum = run.book.rules(call.model)
        if lost <= 0 or minimum is None or previous.usage.prompt < minimum.minimum:
            return
        if not place:
            if why:
                self.expired_tokens += lost
            return
        rates = run.book.rates(call.model)
        tier = None if rates is None else rates.at(call.usage.prompt)
        cost = Decimal(0) if tier is None else ((tier.input - tier.cached_input) * lost).scaleb(-6)
        self.broken += 1
        self.broken_tokens += lost
        self.broken_cost += cost
        self.prices = self.prices or run.book.price(call.model, call.usage).prices
        found = Broken(cost, run.trace.id, at, run.trace.path, call.step.where, place, why, lost, _text(call, place))
        if len(self.dearest) < KEPT:
            heapq.heappush(self.dearest, found)
        else:
            heapq.heappushpop(self.dearest, found)

    def merge(self, other: Caching) -> None:
        """Add the sums of other runs."""
        for name in ("prompt", "possible", "recorded", "told_prompt", "broken", "broken_tokens", "expired_tokens"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.broken_cost += other.broken_cost
        self.prices = self.prices or other.prices
        self.dearest = heapq.nlargest(KEPT, [*self.dearest, *other.dearest])
        heapq.heapify(self.dearest)

    def to_json(self, show_secrets: bool = False) -> dict[str, Any]:
        """The `cache` key of an audit's document; tokens over all runs."""
        money = Money.priced(self.broken_cost, self.prices) if self.prices else Money.unknown()
        return {
            "prompt_tokens": self.prompt,
            "possible_tokens": self.possible,
            "recorded_tokens": self.recorded if self.told_prompt else None,
            "hit_rate": self.recorded / self.told_prompt if self.told_prompt else None,
            "possible_rate": self.possible / self.prompt if self.prompt else None,
            "expired_tokens": self.expired_tokens,
            "broken_count": self.broken,
            "broken_tokens": self.broken_tokens,
            "broken_cost": money.to_json() if self.broken else Money().to_json(),
            "broken": [item.to_json(show_secrets) for item in sorted(self.dearest, reverse=True)],
        }


def goes_on(previous: Call, call: Call) -> bool:
    """Whether a call goes on with the conversation of the one before: it still holds what that was sent last."""
    last = next((message for message in reversed(previous.step.request.messages) if message.role != "system"), None)
    if last is None:
        return False
    return any(message is last or _same(message, last) for message in reversed(call.step.request.messages))


def _same(one: Message, other: Message) -> bool:
    return one.role == other.role and one.parts == other.parts and one.tool_calls == other.tool_calls


def _text(call: Call, place: str) -> str:
    """The text of the piece where a prefix broke, its beginning."""
    kind, _, rest = place.partition("[")
    number = rest.partition("]")[0]
    if kind not in ("system", "messages") or not number.isdigit():
        return ""
    messages = call.step.request.messages
    leading = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    at = int(number) + (0 if kind == "system" else leading)
    return messages[at].text[:300] if at < len(messages) else ""
