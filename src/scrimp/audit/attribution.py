"""Where the tokens and dollars of runs went: by component, by term, by cause, by label, by model and by step.

Each of the partitions sums to the total exactly. Causes split every prompt by what it was made of, in the order its
provider lays it out: the cached tokens that the record tells are those at its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scrimp.audit.measure import Book, Call, Run, share, share_money
from scrimp.core.ledger import EMPTY, Cell, Ledger
from scrimp.core.messages import Message
from scrimp.core.money import NOTHING, Money
from scrimp.core.usage import NO_USAGE, Usage

SYSTEM, SCHEMAS, HISTORY, RESULTS, USER, IMAGES, REASONING, OUTPUT, OTHER = CAUSES = (
    "system prompt", "tool schemas", "re-sent history", "tool results", "user text", "images", "reasoning", "output",
    "other",
)  # fmt: skip
"""What a token was paid for. System prompt, schemas and images count under their name whenever they are sent;
`re-sent history` is what an earlier call had already sent or written; `other` is what no model call of the agent
spent (embeddings, tools with a price)."""

NAMES, VALUES, OTHERS = 50, 500, "(others)"
"""Names of labels, and values of each, that are told apart: some label every run with a name of its own."""

STEPS = 200
"""Steps of the growth curve; later ones are counted with the last."""


@dataclass(slots=True)
class Heap:
    """Tokens by kind that were priced alike, and money that was not priced by us."""

    tokens: list[int] = field(default_factory=lambda: [0, 0, 0, 0, 0, 0])
    priced: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    money: Money = NOTHING

    def add(self, usage: tuple[int, int, int, int, int, int], rate: tuple[str, int] | None) -> None:
        """Add tokens; `rate` is the model and the tier by which they are priced, None where they are not."""
        mine = self.tokens
        for at in range(6):
            mine[at] += usage[at]
        if rate is not None:
            kinds = self.priced.get(rate)
            if kinds is None:
                kinds = self.priced[rate] = [0, 0, 0, 0]
            for at in range(4):
                kinds[at] += usage[at]

    def merge(self, other: Heap) -> None:
        """Add another heap."""
        for at in range(6):
            self.tokens[at] += other.tokens[at]
        for rate, theirs in other.priced.items():
            kinds = self.priced.setdefault(rate, [0, 0, 0, 0])
            for at in range(4):
                kinds[at] += theirs[at]
        self.money = self.money + other.money

    def cell(self, book: Book) -> Cell:
        """As a ledger has it."""
        money = self.money
        for (model, prompt), kinds in self.priced.items():
            money = money + _price(book, model, prompt, kinds)
        return Cell(money, Usage(*self.tokens))


def _price(book: Book, model: str, prompt: int, kinds: list[int]) -> Money:
    """Dollars of tokens (fresh, cached, written, output) at the tier of a prompt of that length."""
    label = book.price(model, NO_USAGE)
    rates = book.rates(model)
    if rates is None:
        return Money.unknown() if any(kinds) else NOTHING
    tier = rates.at(prompt)
    amount = (
        tier.input * kinds[0] + tier.cached_input * kinds[1] + tier.cache_write * kinds[2] + tier.output * kinds[3]
    )  # fmt: skip
    return Money(amount.scaleb(-6), label.state, label.prices)


@dataclass(slots=True)
class Attribution:
    """Sums over runs; two of them add up.

    Attributes:
        labels: by name and value.
        unsure: dollars (where known) and tokens that rest on estimates, times their relative uncertainty.
        growth: by step: calls, prompt tokens, dollars known.
        resent: prompt tokens that an earlier call of the run had sent already, whatever their cause.
    """

    book: Book
    runs: int = 0
    ledger: Ledger = field(default_factory=lambda: Ledger.of(()))
    causes: dict[str, Heap] = field(default_factory=lambda: {cause: Heap() for cause in CAUSES})
    models: dict[str, Cell] = field(default_factory=dict)
    labels: dict[str, dict[str, Cell]] = field(default_factory=dict)
    growth: list[tuple[int, int, Decimal]] = field(default_factory=list)
    prompt_tokens: int = 0
    resent: int = 0
    estimated: int = 0
    unsure: Decimal = Decimal(0)
    unpriced_tools: dict[str, int] = field(default_factory=dict)

    def add(self, run: Run) -> None:
        """Add a run."""
        self.runs += 1
        ledger = Ledger.of(run.events, run.trace.seconds or 0.0)
        self.ledger = self.ledger + ledger
        for call in run.calls:
            if call.event.component != "harness":
                self.models[call.model] = self.models.get(call.model, EMPTY) + Cell.of(call.event)
        for name, value in run.trace.labels.items():
            self._label(name, value, ledger.total)
        self._causes(run)
        self._growth(run)
        self.estimated += sum(call.usage.total for call in run.calls if not call.told)
        self.unsure += ledger.total.cost.least * Decimal(run.spread)
        for use in run.trace.tools:
            if use.cost is None and use.call.name not in self.book.prices.tools:
                self.unpriced_tools[use.call.name] = self.unpriced_tools.get(use.call.name, 0) + 1

    def merge(self, other: Attribution) -> None:
        """Add the sums of other runs."""
        self.runs += other.runs
        self.ledger = self.ledger + other.ledger
        for cause, heap in other.causes.items():
            self.causes[cause].merge(heap)
        for model, cell in other.models.items():
            self.models[model] = self.models.get(model, EMPTY) + cell
        for name, cells in other.labels.items():
            for value, cell in cells.items():
                self._label(name, value, cell)
        for at, (calls, tokens, dollars) in enumerate(other.growth):
            self._grow(at, calls, tokens, dollars)
        for name, count in other.unpriced_tools.items():
            self.unpriced_tools[name] = self.unpriced_tools.get(name, 0) + count
        self.prompt_tokens += other.prompt_tokens
        self.resent += other.resent
        self.estimated += other.estimated
        self.unsure += other.unsure

    def to_json(self) -> dict[str, Any]:
        """The keys of an audit's document that this room of it fills."""
        ledger, cost = self.ledger, self.ledger.total.cost
        tokens = ledger.total.tokens
        low, high = cost.least - self.unsure, cost.least + self.unsure
        interval = None if cost.amount is None else [float(max(Decimal(0), low)), float(high)]
        labels = {f"{name}={value}": cell for name, cells in self.labels.items() for value, cell in cells.items()}
        whole = ledger.to_json()
        return {
            "runs": self.runs,
            "tokens": tokens.to_json(),
            "cost": {**cost.to_json(), "interval": interval},
            "estimated": self.estimated / tokens.total if tokens.total else 0.0,
            "components": whole["components"],
            "terms": whole["terms"],
            "phases": whole["phases"],
            "retries": whole["retries"],
            "prompts": whole["prompts"],
            "harness": whole["harness"],
            "causes": {cause: heap.cell(self.book).to_json() for cause, heap in self.causes.items()},
            "models": {name or "not named": cell.to_json() for name, cell in _dearest(self.models)},
            "labels": {label: cell.to_json() for label, cell in _dearest(labels)},
            "growth": [
                {"step": at + 1, "runs": calls, "prompt_tokens": tokens / calls, "cost": float(dollars / calls)}
                for at, (calls, tokens, dollars) in enumerate(self.growth)
            ],
            "resent_share": self.resent / self.prompt_tokens if self.prompt_tokens else None,
            "unpriced_tools": dict(sorted(self.unpriced_tools.items(), key=lambda item: -item[1])),
        }  # fmt: skip

    def _causes(self, run: Run) -> None:
        sent: dict[str, Sent] = {}
        for call in run.calls:
            if call.event.component == "harness":
                continue
            parts, again = pieces(run, call, sent.setdefault(call.step.agent, Sent()))
            prompt = call.usage.prompt
            self.prompt_tokens += prompt
            whole = sum(tokens for _, tokens in parts)
            self.resent += again * prompt // whole if whole else 0
            self._spread(call, parts)
        for event in (*run.events[len(run.calls) :],):
            if event.component != "harness":
                usage = event.usage
                heap = self.causes[OTHER]
                heap.add((usage.input, usage.cached_input, usage.cache_write, usage.output, usage.reasoning,
                          usage.images), None)  # fmt: skip
                heap.money = heap.money + event.money

    def _spread(self, call: Call, parts: list[tuple[str, int]]) -> None:
        """Share a call's tokens and money out over its causes."""
        split = list(by_kind(call.usage, parts))
        rate = (call.model, call.usage.prompt) if call.priced_by_us else None
        if rate is not None:
            rates = self.book.rates(call.model)
            # One key for each tier, so that there are few of them: what is priced alike is priced together.
            rate = (call.model, rates.at(call.usage.prompt).above + 1 if rates is not None and rates.tiers else 0)
        for cause, usage in split:
            self.causes[cause].add(usage, rate)
        if rate is None:
            for (cause, _), money in zip(split, self._shares(call, split), strict=True):
                self.causes[cause].money = self.causes[cause].money + money

    def _shares(self, call: Call, split: list[tuple[str, tuple[int, int, int, int, int, int]]]) -> list[Money]:
        """A recorded amount over causes, in proportion to what they cost at the list, else to their tokens."""
        money = call.money
        if money.amount is None:
            return [money if not at else NOTHING for at in range(len(split))]
        rates = self.book.rates(call.model)
        tier = None if rates is None else rates.at(call.usage.prompt)
        weights = [
            Decimal(usage[0] + usage[1] + usage[2] + 4 * usage[3]) if tier is None
            else tier.input * usage[0] + tier.cached_input * usage[1] + tier.cache_write * usage[2]
            + tier.output * usage[3]
            for _, usage in split
        ]  # fmt: skip
        return [
            Money(part, money.state, money.prices, money.currency) for part in share_money(money.amount, weights)
        ]  # fmt: skip

    def _label(self, name: str, value: str, cell: Cell) -> None:
        """Add to a label. Names beyond the first NAMES, and values beyond a name's first VALUES, are one label."""
        if name not in self.labels and len(self.labels) >= NAMES:
            name, value = OTHERS, OTHERS
        cells = self.labels.setdefault(name, {})
        if value not in cells and len(cells) >= VALUES:
            value = OTHERS
        cells[value] = cells.get(value, EMPTY) + cell

    def _growth(self, run: Run) -> None:
        steps: dict[str, int] = {}
        for call in run.calls:
            if call.event.component != "harness":
                at = steps.get(call.step.agent, 0)
                steps[call.step.agent] = at + 1
                self._grow(min(at, STEPS - 1), 1, call.usage.prompt, call.money.least)

    def _grow(self, at: int, calls: int, tokens: int, dollars: Decimal) -> None:
        while len(self.growth) <= at:
            self.growth.append((0, 0, Decimal(0)))
        before = self.growth[at]
        self.growth[at] = (before[0] + calls, before[1] + tokens, before[2] + dollars)


@dataclass(slots=True)
class Sent:
    """What an agent has sent or written: message ids, and its last prompt with what that was made of.

    `mixed` says that a later prompt is not simply system prompt and history: pictures count under their own name.
    """

    seen: set[int] = field(default_factory=set)
    last: tuple[Message, ...] = ()
    system: list[tuple[str, int]] = field(default_factory=list)
    rest: int = 0
    mixed: bool = False


def pieces(run: Run, call: Call, sent: Sent) -> tuple[list[tuple[str, int]], int]:
    """What a prompt is made of: (cause, estimated tokens) in its provider's order, and how many were sent before.

    Args:
        sent: what this agent sent before; updated.
    """
    request, sizes = call.step.request, run.sizes
    tools = sizes.tools(request.tools) + sizes.schema(request)
    again = tools if sent.seen else 0
    messages, before = request.messages, len(sent.last)
    goes_on = bool(before) and not sent.mixed and messages[:before] == sent.last
    if goes_on:  # all that was sent before is history now, but for the system prompt
        system, rest = list(sent.system), [(HISTORY, sent.rest)]
        again += sent.rest + sum(tokens for _, tokens in system)
    else:
        system, rest, before = [], [], 0
        sent.system, sent.rest, sent.mixed = [], 0, False
    for message in messages[before:]:
        tokens, old = sizes.message(message), id(message) in sent.seen
        again += tokens if old else 0
        if message.role == "system" and not rest:
            system.append((SYSTEM, tokens))
            sent.system = system
            continue
        sent.rest += tokens
        for cause, part in _of_message(run, message, tokens, old):
            sent.mixed = sent.mixed or cause in (IMAGES, SYSTEM)
            if rest and rest[-1][0] == cause:
                rest[-1] = (cause, rest[-1][1] + part)
            else:
                rest.append((cause, part))
    sent.seen.update(map(id, messages[before:]))
    sent.seen.add(id(call.step.answer))
    sent.last = messages
    return [(SCHEMAS, tools), *system, *rest], again


def _of_message(run: Run, message: Message, tokens: int, old: bool) -> Iterator[tuple[str, int]]:
    pictures = run.sizes.images(message)
    if pictures:
        yield IMAGES, pictures
    if message.role == "system":
        cause = SYSTEM
    elif old or message.role == "assistant":
        cause = HISTORY
    else:
        cause = RESULTS if message.role == "tool" else USER
    yield cause, tokens - pictures


def by_kind(usage: Usage, parts: list[tuple[str, int]]) -> Iterator[tuple[str, tuple[int, int, int, int, int, int]]]:
    """A call's tokens by cause and kind: (fresh, cached, written, output, reasoning, images); they sum to `usage`."""
    if not any(tokens for _, tokens in parts):
        parts = [(USER, 1)]
    cached, written, images = usage.cached_input, usage.cache_write, usage.images
    for (cause, _), tokens in zip(parts, share(usage.prompt, [tokens for _, tokens in parts]), strict=True):
        served = min(tokens, cached)
        wrote = min(tokens - served, written)
        cached, written = cached - served, written - wrote
        pictures = images if cause == IMAGES else 0
        images -= pictures
        yield cause, (tokens - served - wrote, served, wrote, 0, 0, pictures)
    if images:
        yield IMAGES, (0, 0, 0, 0, 0, images)
    if usage.reasoning:
        yield REASONING, (0, 0, 0, usage.reasoning, usage.reasoning, 0)
    yield OUTPUT, (0, 0, 0, usage.output - usage.reasoning, 0, 0)


def _dearest(cells: Mapping[str, Cell]) -> list[tuple[str, Cell]]:
    return sorted(cells.items(), key=lambda item: (-item[1].cost.least, -item[1].tokens.total, item[0]))[:50]
