"""The what-if for the prompt cache against a real re-run: the same requests, sent to a server that bills by the rules.

A run is recorded as if nothing had been cached. The audit predicts what it would have cost with the cache on; then its
requests are sent for real, at the recorded times, through the adapters to the billing server (a process of its own,
with its own count of tokens and its own caches), and its bill is the judge. They agree within 1 %, by two ways:

- as an audit does it: the record tells the tokens of each prompt, what they are made of is estimated;
- by `PrefixCache` alone, with sizes by the server's own count and nothing told: call by call, to the token for the
  marked cache and to a block for the automatic one. Three tokens that open an answer belong to no message; they are
  added.

The server's rules are the published ones, but that it keeps OpenAI's caches for ten minutes, the longer of the "five to
ten" that are published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import anyio
import pytest
from recorded import MODEL, call, spec, trace, words

from scrimp.audit.bill import Biller
from scrimp.audit.draft import draft
from scrimp.audit.measure import Book, measure
from scrimp.audit.remedies.cache_lifetime import for_an_hour
from scrimp.audit.remedies.prompt_cache import switch_on
from scrimp.audit.trace import Trace
from scrimp.core.messages import Message, Response, ToolSpec, fold, system
from scrimp.core.money import PriceList, Rates
from scrimp.core.usage import Usage
from scrimp.models.anthropic import Anthropic
from scrimp.models.cache_rules import CacheRules
from scrimp.models.connection import Connection
from scrimp.models.openai_compatible import OpenAICompatible
from scrimp.models.prefix import CachedPrefix
from scrimp.models.prefix_cache import PrefixCache
from scrimp.testing.billing import tokens
from scrimp.testing.billing.cache import IDLE
from scrimp.testing.billing.client import BillingServer, BillShown
from scrimp.testing.billing.tokens import PER_REQUEST, dense

RATES = Rates(Decimal(1), Decimal(4), Decimal("0.1"), Decimal("1.25"), Decimal(2))
"""The server's own prices."""

CLAUDE = "anthropic:claude-sonnet-4-5"
GAPS = (2.0, 30.0, 400.0, 5.0, 5.0, 700.0, 3.0, 3.0, 4000.0, 4.0, 4.0, 4.0)
"""Seconds after each call: most within every lifetime, one past five minutes, one past ten, one past an hour."""

CHANGED = 7
"""The call before which the system prompt changes in its middle."""

CASES = [
    ("openai", MODEL, "", {0, 6, 9}),
    ("anthropic", CLAUDE, "5m", {0, 3, 6, CHANGED, 9}),
    ("anthropic", CLAUDE, "1h", {0, CHANGED, 9}),
]
"""Format, model, lifetime, and the calls of the long run that are served nothing. Where caching is automatic, what
stands before the change is served all the same."""

SIZE = 4
"""Bytes of a token by the server's count."""


@dataclass(frozen=True)
class ServersBook(Book):
    """Prices and rules of the server, which keeps OpenAI's caches for ten minutes."""

    def rules(self, model: str, lifetime: str = "") -> CacheRules | None:
        """The published rules, with the server's lifetime for automatic caches."""
        found = super().rules(model, lifetime)
        return replace(found, lifetime=IDLE) if found is not None and found.mode == "automatic" else found


BOOK = ServersBook(PriceList("server", "2026-01-01", models={MODEL: RATES, CLAUDE: RATES}))


@pytest.fixture(scope="module")
def server() -> Iterator[BillingServer]:
    with BillingServer(size=SIZE) as running:
        yield running


def long_run(model: str) -> Trace:
    """Twelve calls with tools and growing results; before the eighth the system prompt changes in its middle."""
    turns: list[object] = [words(80)]
    for at in range(11):
        turns += [[call("look_up", f"c{at}", query=f"city {at}")], {f"c{at}": f"{at}: " + words(150 + 90 * (at % 4))}]
    turns += [("That is all.",)]
    tools = [spec(name, words(60), query={"type": "string"}) for name in ("look_up", "write_down", "ask")]
    made = trace(*turns, model=model, instructions=words(1500), tools=tools)
    at = 1_000_000.0
    for number, step in enumerate(made.steps):
        step.started = at
        at += GAPS[number]
        if number >= CHANGED:
            text = step.request.messages[0].text
            changed = system(text[:3000] + " It is Tuesday now. " + text[3000:])
            step.request = step.request.with_(messages=(changed, *step.request.messages[1:]))
    return made


def short_run(model: str) -> Trace:
    """Every prompt is under the minimum: nothing is ever cached."""
    return trace("hi", ("One.",), "more", ("Two.",), "and", ("Three.",), model=model, gap=2.0)


def sent_for_real(recorded: Trace, server: BillingServer, kind: str, lifetime: str = "") -> BillShown:
    """The bill for the requests of a run, sent at its times."""
    server.control(reset=True)

    async def send() -> None:
        connection = Connection(f"{server.url}/v1", "words-20", default_output=64)
        adapter = (
            OpenAICompatible("m", connection) if kind == "openai" else Anthropic("m", connection, lifetime=lifetime)
        )
        before: float | None = None
        async with adapter as model:
            for step in recorded.steps:
                assert step.started is not None
                if before is not None:
                    server.control(advance=step.started - before)
                before = step.started
                said: Response = fold([delta async for delta in model.stream(step.request.with_(max_output=64))])
                assert said.usage is not None

    anyio.run(send)
    return server.bill()


def predicted(recorded: Trace, bill: BillShown, lifetime: str) -> Decimal:
    """What the audit says the run would have cost with the cache on, from a record that tells sums of tokens only."""
    usages = [
        Usage(input=row["fresh"] + row["cached"] + row["written"] + row["written_hour"], output=row["output"])
        for row in bill.requests
    ]
    steps = [replace(step, usage=usage) for step, usage in zip(recorded.steps, usages, strict=True)]
    run = measure(replace(recorded, steps=steps), BOOK)
    made = switch_on(draft(run))
    made = for_an_hour(made) if lifetime == "1h" else made
    dollars = Biller(run).bill(made).dollars()
    assert dollars is not None
    return dollars


class ServersSizes:
    """Tokens of messages and tools by the server's count, whose constants are its own."""

    def __init__(self, kind: str, tools: Sequence[ToolSpec]) -> None:
        self._kind, self._first = kind, tools[0] if tools else None

    def message(self, message: Message) -> int:
        """A message with all that the server puts around it. Anthropic's blocks are counted one by one."""
        calls = message.tool_calls
        written = [call.name + dense(call.arguments) for call in calls]
        if self._kind == "openai":
            joined = message.tool_call_id + message.text + "".join(written)
            return tokens.PER_MESSAGE + tokens.PER_CALL * len(calls) + tokens.count(joined.encode(), SIZE)
        blocks = [message.text, *written] if message.text else written
        around = tokens.PER_MESSAGE + tokens.PER_CALL * (len(calls) + (message.role == "tool"))
        return around + sum(tokens.count(text.encode(), SIZE) for text in blocks)

    def tools(self, tools: Sequence[ToolSpec]) -> int:
        """Tools; the first of all carries what the provider says before them."""
        key = "parameters" if self._kind == "openai" else "input_schema"
        total = 0
        for tool in tools:
            told = {"name": tool.name, "description": tool.description, key: tool.parameters}
            total += tokens.PER_TOOL + tokens.count(dense(told).encode(), SIZE)
            total += tokens.TOOL_PREAMBLE[self._kind] if tool is self._first else 0
        return total


def simulated(recorded: Trace, kind: str, model: str, lifetime: str) -> list[CachedPrefix]:
    """What the cache does with each request, sizes by the server's count."""
    rules = BOOK.rules(model, lifetime)
    assert rules is not None
    cache = PrefixCache(rules, model, ServersSizes(kind, recorded.steps[0].request.tools))
    return [cache.see(step.request, step.started or 0.0) for step in recorded.steps]


def run_of(which: str, model: str) -> Trace:
    return long_run(model) if which == "long" else short_run(model)


def told(which: str, kind: str, lifetime: str, how: str, says: Decimal, bill: BillShown) -> str:
    """One line of docs/results/audit.md, shown by `pytest -rP`."""
    off = 100 * (says / bill.dollars - 1)
    named = " ".join(filter(None, (which, "run,", kind, lifetime)))
    return f"{named}, {how}: ${says:.6f}, the server ${bill.dollars:.6f}, off by {off:+.4f} %"


@pytest.mark.parametrize(("kind", "model", "lifetime", "nothing"), CASES)
@pytest.mark.parametrize("which", ["long", "short"])
def test_the_what_if_agrees_with_a_real_rerun(
    which: str, kind: str, model: str, lifetime: str, nothing: set[int], server: BillingServer
) -> None:
    recorded = run_of(which, model)
    bill = sent_for_real(recorded, server, kind, lifetime)
    says = predicted(recorded, bill, lifetime)
    print(told(which, kind, lifetime, "as an audit does it", says, bill))
    assert abs(says / bill.dollars - 1) < Decimal("0.01"), (says, bill.dollars)
    served = [row["cached"] for row in bill.requests]
    if which == "long":
        assert sum(served) > 5000  # the comparison is about something
        assert {at for at, cached in enumerate(served) if not cached} == nothing
    else:
        assert not any(row["cached"] or row["written"] or row["written_hour"] for row in bill.requests)


@pytest.mark.parametrize(("kind", "model", "lifetime", "nothing"), CASES)
@pytest.mark.parametrize("which", ["long", "short"])
def test_the_cache_alone_agrees_call_by_call(
    which: str, kind: str, model: str, lifetime: str, nothing: set[int], server: BillingServer
) -> None:
    recorded = run_of(which, model)
    bill = sent_for_real(recorded, server, kind, lifetime)
    found = simulated(recorded, kind, model, lifetime)
    dollars = Decimal(0)
    for row, says in zip(bill.requests, found, strict=True):
        # Of a message that changed in its middle, the beginning is told by its characters: a block more or less.
        assert abs(says.tokens_cached - row["cached"]) <= (128 if kind == "openai" else 0), row
        assert says.tokens_written == row["written"] + row["written_hour"], row
        fresh = says.tokens_fresh + PER_REQUEST
        assert fresh + says.tokens_cached == row["fresh"] + row["cached"], row
        dearer = 2 * RATES.input if lifetime == "1h" else RATES.cache_write
        dollars += RATES.input * fresh + RATES.cached_input * says.tokens_cached + dearer * says.tokens_written
        dollars += RATES.output * row["output"]
    print(told(which, kind, lifetime, "the cache alone", dollars.scaleb(-6), bill))
    assert abs(dollars.scaleb(-6) / bill.dollars - 1) < Decimal("0.01")


def test_messages_are_what_was_sent(server: BillingServer) -> None:
    recorded = long_run(MODEL)
    sent_for_real(recorded, server, "openai")
    bodies = server.bodies()
    assert len(bodies) == len(recorded.steps) == 12
    last: Message = recorded.steps[-1].request.messages[0]
    assert bodies[-1]["messages"][0]["content"] == last.text
