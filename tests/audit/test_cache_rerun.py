"""The what-if for the prompt cache against a real re-run: the same requests, sent to a server that bills by the rules.

A run is recorded as if nothing had been cached. The audit predicts what it would have cost with the cache on; then its
requests are sent for real, at the recorded times, through the adapters to the billing server (a process of its own,
with its own count of tokens and its own caches), and its bill is the judge. They agree within 1 %.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from scrimp.core.messages import Message, Response, fold, system
from scrimp.core.money import PriceList, Rates
from scrimp.core.usage import Usage
from scrimp.models.anthropic import Anthropic
from scrimp.models.cache_rules import CacheRules
from scrimp.models.connection import Connection
from scrimp.models.openai_compatible import OpenAICompatible
from scrimp.testing.billing.cache import IDLE
from scrimp.testing.billing.client import BillingServer, BillShown

RATES = Rates(Decimal(1), Decimal(4), Decimal("0.1"), Decimal("1.25"), Decimal(2))
"""The server's own prices."""

CLAUDE = "anthropic:claude-sonnet-4-5"
GAPS = (2.0, 30.0, 400.0, 5.0, 5.0, 700.0, 3.0, 3.0, 2000.0, 4.0, 4.0, 4.0)
"""Seconds between calls: some within every lifetime, some past five minutes, some past ten, one past neither of an
hour."""


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
    with BillingServer() as running:
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
        if number >= 7:
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


@pytest.mark.parametrize(("kind", "model", "lifetime"), [
    ("openai", MODEL, ""), ("anthropic", CLAUDE, "5m"), ("anthropic", CLAUDE, "1h"),
])  # fmt: skip
@pytest.mark.parametrize("which", ["long", "short"])
def test_the_what_if_agrees_with_a_real_rerun(
    which: str, kind: str, model: str, lifetime: str, server: BillingServer
) -> None:
    recorded = long_run(model) if which == "long" else short_run(model)
    bill = sent_for_real(recorded, server, kind, lifetime)
    says = predicted(recorded, bill, lifetime)
    assert abs(says / bill.dollars - 1) < Decimal("0.01"), (says, bill.dollars)
    if which == "long":
        cached = sum(row["cached"] for row in bill.requests)
        assert cached > 5000  # the comparison is about something
    else:
        assert not any(row["cached"] or row["written"] for row in bill.requests)


def test_messages_are_what_was_sent(server: BillingServer) -> None:
    recorded = long_run(MODEL)
    sent_for_real(recorded, server, "openai")
    bodies = server.bodies()
    assert len(bodies) == len(recorded.steps) == 12
    last: Message = recorded.steps[-1].request.messages[0]
    assert bodies[-1]["messages"][0]["content"] == last.text
