"""A Trace with its figures: tokens and money of every call, told by the record or estimated and marked so.

What a record tells always wins. Where it tells only sums, the sums are shared out over the calls in proportion to
the estimates, to the last token and the last digit. What is estimated carries a relative uncertainty, `SPREAD`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from scrimp.audit.names import named_in
from scrimp.audit.sizes import Sizes, text_size
from scrimp.audit.trace import Step, Trace
from scrimp.core.events import Component, Event, Key
from scrimp.core.messages import Image, Message, ToolSpec
from scrimp.core.money import NOTHING, Money, PriceList, Rates
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models.cache_rules import CacheRules, rules_for
from scrimp.models.prices import packaged

SPREAD = 0.14
"""Relative error of estimated tokens: the largest seen on prose, code, JSON and dialogues (`models/tokens.py`)."""

RETIRED = "retired-2026-11"
"""Last published prices of models that are no longer sold; recorded runs are often of these."""

CENT = Decimal("0.005")


@dataclass(frozen=True)
class Book:
    """By what an audit counts and prices.

    Attributes:
        prices: the price list; what it does not hold is looked up in the list of retired models.
        default_model: the model of runs that name none.
        tools: schemas by tool name, given by the user for records that do not hold them.
        opened: what `audit.open_book` was given, so that a Book goes to another process as that.
    """

    prices: PriceList
    default_model: str = ""
    tools: Mapping[str, ToolSpec] = field(default_factory=dict)
    opened: tuple[str | None, str, str | None] | None = None
    _known: dict[str, tuple[Rates | None, str]] = field(default_factory=dict, compare=False, repr=False)
    _rules: dict[str, CacheRules | None] = field(default_factory=dict, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.opened is None:
            return (Book, (self.prices, self.default_model, self.tools))
        from scrimp.audit.audit import open_book

        return (open_book, self.opened)

    def rates(self, model: str) -> Rates | None:
        """The rates of a model; None where no list states them."""
        return self._listed(model)[0]

    def price(self, model: str, usage: Usage) -> Money:
        """What `usage` costs; unknown where no list holds the model."""
        rates, label = self._listed(model)
        return Money.unknown() if rates is None else Money.priced(rates.price(usage), label)

    def rules(self, model: str, lifetime: str = "") -> CacheRules | None:
        """How the provider of a model caches prompts; None where nobody published it."""
        key = f"{model}\0{lifetime}"
        if key not in self._rules:
            self._rules[key] = rules_for(model, lifetime)
        return self._rules[key]

    def _listed(self, model: str) -> tuple[Rates | None, str]:
        found = self._known.get(model)
        if found is None:
            found = self._known[model] = self._look_up(model)
        return found

    def _look_up(self, model: str) -> tuple[Rates | None, str]:
        local = is_local(model)
        found = self.prices.rates(model, local=local)
        if found is not None:
            own = self.prices.rates(model) is not None
            return found, self.prices.label if own else f"reference:{self.prices.reference_label or self.prices.label}"
        retired = packaged(RETIRED)
        return retired.rates(model), retired.label


@dataclass(slots=True)
class Call:
    """A Step with its figures.

    Attributes:
        model: the record's, else the book's default.
        told: whether the tokens are the record's; `priced_by_us` whether the money is ours.
        prompt: estimated prompt tokens, before they were fitted to what the record tells.
    """

    step: Step
    model: str
    usage: Usage
    money: Money
    event: Event
    told: bool = True
    priced_by_us: bool = True
    prompt: int = 0

    def prompt_rate(self, book: Book) -> Decimal | None:
        """Dollars that one token of this prompt cost on average, cached ones included; None where nobody states it."""
        rates = book.rates(self.model)
        if rates is None or not self.usage.prompt:
            return None
        return rates.price(replace(self.usage, output=0, reasoning=0)) / self.usage.prompt

    def output_rate(self, book: Book) -> Decimal | None:
        """Dollars of one token that was written; None where nobody states it."""
        rates = book.rates(self.model)
        return None if rates is None else rates.at(self.usage.prompt).output.scaleb(-6)


@dataclass(slots=True)
class Run:
    """A Trace with its figures.

    Attributes:
        events: one per model call, tool call and further event; the ledger is their fold.
        sizes: tokens of any message of the run.
        scale: real tokens for each estimated one of whole prompts, where the record tells them; else 1. It holds what
            the record leaves out of prompts: for a text, `draft.scale_of` tells it.
        spread: relative uncertainty of the run's tokens; 0 where the record tells them.
        disagreements: where the record contradicts itself or our bill, in words with both figures.
    """

    trace: Trace
    book: Book
    calls: list[Call]
    events: list[Event]
    sizes: Sizes
    scale: float = 1.0
    spread: float = 0.0
    disagreements: list[str] = field(default_factory=list)

    @property
    def money(self) -> Money:
        """What the run cost, without judges and simulated users."""
        total = NOTHING
        for event in self.events:
            if event.component != "harness":
                total = total + event.money
        return total

    @property
    def usage(self) -> Usage:
        """Tokens of the run, without judges and simulated users."""
        total = NO_USAGE
        for event in self.events:
            if event.component != "harness":
                total = total + event.usage
        return total


def measure(trace: Trace, book: Book) -> Run:
    """Give a Trace its figures."""
    models = [step.model or book.default_model for step in trace.steps]
    if trace.steps and not any(models):
        models = [_guessed(trace, book)] * len(models)
    sizes = Sizes(models[0] if models else "")
    sizes.count(_messages(trace))
    guesses = [_guess(step, sizes) for step in trace.steps]
    usages, told = _usages(trace, guesses)
    moneys, ours = _moneys(trace, book, models, usages)
    run = Run(trace, book, [], [], sizes)
    for at, step in enumerate(trace.steps):
        event = _event(trace, at, step, models[at], usages[at], moneys[at])
        run.calls.append(Call(step, models[at], usages[at], moneys[at], event, told[at], ours[at], guesses[at].input))
        run.events.append(event)
    run.events += [*_tool_events(trace, book), *trace.others]
    run.scale, run.spread = _fit(run)
    run.disagreements = _disagreements(run)
    return run


# -- tokens ------------------------------------------------------------------------------------------


def _messages(trace: Trace) -> Iterator[Message]:
    """Every message of a run; one that goes on with the step before is looked at once."""
    before: tuple[Message, ...] = ()
    for step in trace.steps:
        messages = step.request.messages
        yield from messages[len(before) :] if messages[: len(before)] == before else messages
        yield step.answer
        before = messages


def _guess(step: Step, sizes: Sizes) -> Usage:
    """Estimated tokens of a call, nothing from a cache."""
    reasoning = text_size(step.reasoning) if step.reasoning else 0
    written = sizes.answer(step.answer) + reasoning
    pictures = pictures_in(step.request.messages) if sizes.pictured else 0
    return Usage(sizes.request(step.request), 0, 0, written, reasoning, pictures)


def pictures_in(messages: Sequence[Message]) -> int:
    """How many pictures messages hold."""
    return sum([isinstance(part, Image) for message in messages if len(message.parts) > 1 or not message.text
                for part in message.parts])  # fmt: skip


def _usages(trace: Trace, guesses: list[Usage]) -> tuple[list[Usage], list[bool]]:
    """Tokens of each call and whether the record tells them; sums that it tells are shared out."""
    told = [step.usage is not None for step in trace.steps]
    usages = [guess if step.usage is None else step.usage for step, guess in zip(trace.steps, guesses, strict=True)]
    whole = trace.totals.usage
    if whole is None or any(told) or not usages:
        return usages, told
    names = ("input", "cached_input", "cache_write", "output", "reasoning", "images")
    prompts, answers = [guess.input for guess in guesses], [guess.output for guess in guesses]
    shared = {
        name: share(getattr(whole, name), answers if name in ("output", "reasoning") else prompts) for name in names
    }
    return [Usage(*(shared[name][at] for name in names)) for at in range(len(usages))], [True] * len(usages)


def share(total: int, weights: Sequence[int]) -> list[int]:
    """A whole number cut in proportion to weights; the parts sum to it exactly."""
    whole = sum(weights) or len(weights)
    parts, done, before = [], 0, 0
    for weight in weights if sum(weights) else [1] * len(weights):
        done += weight
        end = total * done // whole
        parts.append(end - before)
        before = end
    return parts


def _fit(run: Run) -> tuple[float, float]:
    """Real prompt tokens for each estimated one, and how uncertain the run's tokens are."""
    told = [call for call in run.calls if call.told]
    guessed = sum(call.prompt for call in told)
    scale = sum(call.usage.prompt for call in told) / guessed if guessed else 1.0
    whole = sum(call.usage.total for call in run.calls)
    unsure = sum(call.usage.total for call in run.calls if not call.told)
    return scale or 1.0, SPREAD * unsure / whole if whole else 0.0


# -- money -------------------------------------------------------------------------------------------


def _moneys(trace: Trace, book: Book, models: list[str], usages: list[Usage]) -> tuple[list[Money], list[bool]]:
    """Money of each call and whether it is ours; a sum that the record tells is shared out."""
    ours = [step.cost is None for step in trace.steps]
    priced = [
        book.price(model, usage) if step.cost is None else step.cost
        for step, model, usage in zip(trace.steps, models, usages, strict=True)
    ]
    whole = trace.totals.cost
    if whole is None or whole.amount is None or not all(ours) or not priced:
        return priced, ours
    weights = [money.amount for money in priced]
    if any(weight is None for weight in weights) or not sum(w for w in weights if w):
        weights = [Decimal(usage.prompt + 4 * usage.output) for usage in usages]
    parts = share_money(whole.amount, [weight or Decimal(0) for weight in weights])
    return [Money(part, whole.state, whole.prices, whole.currency) for part in parts], [False] * len(parts)


def share_money(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """An amount cut in proportion to weights, to 12 places; the parts sum to it exactly."""
    whole = sum(weights, Decimal(0))
    if not whole:
        weights, whole = [Decimal(1)] * len(weights), Decimal(len(weights))
    parts, done, before = [], Decimal(0), Decimal(0)
    for at, weight in enumerate(weights):
        done += weight
        end = total if at == len(weights) - 1 else (total * done / whole).quantize(Decimal("1e-12"))
        parts.append(end - before)
        before = end
    return parts


def _guessed(trace: Trace, book: Book) -> str:
    """The model of a run that names none; empty where nothing tells it. Which way it was told is noted."""
    found = _from_bill(trace, book)
    if found:
        trace.notes.append(f"runs name no model: their recorded cost is that of {found}'s rates")
        return found
    found = named_in(trace.path.rpartition("/")[2])
    if found:
        trace.notes.append(f"runs name no model: {found} was read off the name of the file")
    return found


def _from_bill(trace: Trace, book: Book) -> str:
    """The model whose listed rates give the recorded cost to the cent, where the record tells cost and tokens."""
    usage, cost = trace.totals.usage, trace.totals.cost
    if usage is None or cost is None or not cost.amount:
        return ""
    for prices in (book.prices, packaged(RETIRED)):
        fits = [
            name for name, rates in prices.models.items()
            if abs(rates.price(usage) - cost.amount) < min(CENT, cost.amount / 1000)
        ]  # fmt: skip
        if fits:
            return min(fits, key=lambda name: (len(name), name))
    return ""


def is_local(model: str) -> bool:
    """Whether a model runs on the user's own machine and is priced at the reference rates."""
    return model in ("local", "small", "oracle", "scripted") or model.startswith(("gguf:", "oracle", "scripted"))


def _disagreements(run: Run) -> list[str]:
    """Where the record contradicts itself or our bill; both figures are told, neither is changed."""
    found, trace, book = [], run.trace, run.book
    steps = [step for step in trace.steps if step.usage is not None]
    whole = trace.totals.usage
    if whole is not None and steps and len(steps) == len(trace.steps):
        summed = NO_USAGE
        for step in steps:
            summed = summed + (step.usage or NO_USAGE)
        if summed.total != whole.total:
            found.append(f"its calls sum to {summed.total:,} tokens, the record states {whole.total:,}")
    stated = trace.totals.cost
    if stated is None and trace.steps and all(step.cost is not None for step in trace.steps):
        stated = _sum(step.cost for step in trace.steps)
    if stated is not None and stated.amount is not None and all(call.told for call in run.calls):
        ours = _sum(book.price(call.model, call.usage) for call in run.calls)
        if ours.amount is not None and abs(ours.amount - stated.amount) >= CENT:
            found.append(
                f"the record states ${stated.amount:.4f}, its tokens come to ${ours.amount:.4f} at {ours.prices}"
            )
    return found


def _sum(moneys: Any) -> Money:
    total = NOTHING
    for money in moneys:
        total = total + money
    return total


# -- events ------------------------------------------------------------------------------------------


def _event(trace: Trace, at: int, step: Step, model: str, usage: Usage, money: Money) -> Event:
    """The call as the ledger folds it. A call that asks for tools plans, one that answers in words answers."""
    if step.event is not None:
        return step.event
    component: Component = step.component or ("planning" if step.answer.tool_calls else "answer")
    retry = step.retry or ("transport" if step.attempt > 1 else "")
    return Event(
        f"{trace.id}:{at}", Key(trace.id, step.agent or "/", "complete", at), "model", component, model,
        prompt=step.prompt, agent=step.agent, attempt=step.attempt, retry=retry, usage=usage, money=money,
        busy_us=round((step.seconds or 0.0) * 1e6), started=step.started or 0.0,
        status="cut" if step.finish == "cut" else "error" if step.finish == "error" else "ok",
    )  # fmt: skip


def _tool_events(trace: Trace, book: Book) -> list[Event]:
    """Tool calls as the ledger folds them; one without a stated price is counted, not priced."""
    events = []
    for at, use in enumerate(trace.tools):
        if use.event is not None:
            events.append(use.event)
            continue
        money = use.cost
        if money is None and use.call.name in book.prices.tools:
            money = Money.priced(book.prices.tools[use.call.name], book.prices.label)
        events.append(
            Event(
                f"{trace.id}:tool:{at}", Key(trace.id, "/", "call_tool", at), "tool", "tools", use.call.name,
                money=money or NOTHING, busy_us=round((use.seconds or 0.0) * 1e6), started=use.started or 0.0,
                status="error" if use.failed else "ok",
            )
        )  # fmt: skip
    return events
