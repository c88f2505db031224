"""One row of the matrix, run: real doors, a real account and a journal on disk against the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from scrimp.agent import Agent
from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.context import Context, Means, Run, Settings
from scrimp.core.context.means import RetryPolicy
from scrimp.core.context.passage import Place
from scrimp.core.errors import BudgetExceeded, ModelFailed
from scrimp.core.events import Event, ulid
from scrimp.core.ledger import Ledger
from scrimp.core.messages import Message, Request, system, user
from scrimp.core.money import PriceList
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Model
from scrimp.core.system import System
from scrimp.core.usage import Usage
from scrimp.journal.journal import Journal, RunRecord
from scrimp.models.anthropic import Anthropic
from scrimp.models.connection import Connection
from scrimp.models.openai_compatible import OpenAICompatible
from scrimp.models.tokens import estimate
from scrimp.outfit import Parts
from scrimp.testing.billing.cases import WAIT, Case
from scrimp.testing.billing.client import BillingServer
from scrimp.testing.prices import RATES
from scrimp.tools.sources.python import tool

CAP = 64
LIMIT = Decimal("0.5")
PRICE_LIST = PriceList("billing-prices", "2026-01-01", models={"served": RATES})
PROMPT = Prompt("ask", 1, "Answer briefly.")
LIFE = 301.0
"""Seconds after which Anthropic's cache has forgotten."""

_LONG = "You are a careful assistant. 你是一个细心的助手。 " * 160


@dataclass(frozen=True)
class Outcome:
    """What scrimp's own books say of a row.

    Attributes:
        charged: dollars the account was charged.
        limit: dollars that the bill may not pass; None where the server ignored its output cap.
        problems: what is wrong within the books themselves.
        failures: the errors that calls ended with, as a user would read them.
    """

    usage: Usage
    dollars: Decimal
    charged: Decimal
    limit: Decimal | None
    problems: tuple[str, ...]
    failures: tuple[str, ...]


class Desk:
    """Doors, account and journal of one row."""

    def __init__(self, case: Case, model: Model, journal: Journal, limit: Decimal) -> None:
        self.case, self.journal, self.limit = case, journal, limit
        self.account = LocalAccount(Budget(usd=limit))
        self.run = Run(ulid(), journal)
        policy = RetryPolicy(attempts=case.attempts, base=0.01)
        settings = replace(Settings(max_output=CAP), retry=policy)
        means = Means(models={"main": model}, prices=PRICE_LIST, estimate=estimate, settings=settings)
        self.ctx = Context(means, self.run, Place(self.account))
        journal.begin(RunRecord(self.run.id, {"id": "row", "text": case.name}, {}, started=0.0))
        self.failures: list[str] = []

    async def ask(self, *messages: Message) -> None:
        """One call; a failure is noted and is no failure of the row."""
        try:
            await self.ctx.complete(messages, prompt=PROMPT)
        except (ModelFailed, BudgetExceeded) as error:
            self.failures.append(str(error))

    async def outcome(self) -> Outcome:
        """The books, once everything has ended."""
        await self.run.wind_up()
        return _outcome(self.run.events, self.journal, self.run.id, self.account, self)


def _outcome(events: list[Event], journal: Journal, run: str, account: LocalAccount, desk: Desk) -> Outcome:
    ledger, balance, problems = Ledger.of(events), account.balance()["usd"], []
    if journal.ledger(run).total.to_json() != ledger.total.to_json():
        problems.append("the journal's ledger is another than the run's")
    if journal.in_flight(run):
        problems.append("a reservation has no event")
    if balance["reserved"]:
        problems.append(f"still reserved: {balance['reserved']}")
    breaks_cap = desk.case.fault.get("kind", "").startswith(("endless", "long"))
    return Outcome(ledger.total.tokens, ledger.total.cost.least, Decimal(balance["spent"]),
                   None if breaks_cap else desk.limit, tuple(problems), tuple(desk.failures))  # fmt: skip


@asynccontextmanager
async def served(case: Case, server: BillingServer, key: str) -> AsyncIterator[OpenAICompatible | Anthropic]:
    """The adapter of a case's format, connected to the server."""
    connection = Connection(f"{server.url}/v1", case.model, api_key=key, timeout=case.timeout, default_output=CAP)
    kind = OpenAICompatible if case.format == "openai" else Anthropic
    async with kind("served", connection) as model:
        yield model


async def run_case(case: Case, server: BillingServer, path: Path, key: str = "") -> Outcome:
    """Run one row.

    Args:
        path: of its journal.
        key: the API key that is sent.
    """
    journal = Journal(path)
    try:
        async with served(case, server, key) as model:
            if case.how == "agent":
                return await _agent(case, server, model, journal)
            desk = Desk(case, model, journal, _limit(case, model))
            await _scene(case, server, desk)
            return await desk.outcome()
    finally:
        journal.close()


def _limit(case: Case, model: Model) -> Decimal:
    """The budget in dollars; a tight one leaves 24 output tokens and no second call."""
    if case.how != "tight":
        return LIMIT
    bound = model.bound(Request((system(_LONG), user("one")), max_output=CAP))
    return (RATES.worst_input * bound.prompt + RATES.output * 24).scaleb(-6)


async def _scene(case: Case, server: BillingServer, desk: Desk) -> None:
    """What the client does. The first call has the fault; the one after it must find everything in order."""
    warm = case.how in ("cancel", "deadline")  # a connection is there, so that what is cut is the answer
    faults = [*(["none"] if warm else []), *([dict(case.fault)] if case.fault else [])]
    server.control(faults=faults, answers=[case.answer] if case.answer else [])
    first = (system(_LONG), user("one"))
    if warm:
        await desk.ask(system(_LONG), user("none"))
    match case.how:
        case "caches":
            await desk.ask(*first)
            await desk.ask(*first, user("two"))
            server.control(advance=2 * LIFE)
            await desk.ask(*first, user("three"))
            return
        case "leave":
            await _leave(desk, first)
        case "cancel":
            with anyio.move_on_after(WAIT):
                await desk.ask(*first)
        case "deadline":
            desk.run.deadline = desk.run.clock.monotonic() + WAIT
            await desk.ask(*first)
            desk.run.deadline = None
        case _:
            await desk.ask(*first)
    await desk.ask(*first, user("two"))


async def _leave(desk: Desk, messages: tuple[Message, ...]) -> None:
    """Take some pieces of a stream and go."""
    async with aclosing(desk.ctx.stream(messages, prompt=PROMPT)) as deltas:  # type: ignore[type-var]
        seen = 0
        async for _ in deltas:
            seen += 1
            if seen == 5:
                return


def look_up(query: str) -> str:
    """Look something up.

    Args:
        query: what to look for.
    """
    return f"{query}: 22 degrees, 晴"


async def _agent(case: Case, server: BillingServer, model: Model, journal: Journal) -> Outcome:
    """A whole agent: it calls a tool, and the fault strikes its second call."""
    call: Mapping[str, Any] = {"tool": {"name": "look_up", "arguments": {"query": "weather"}}}
    server.control(faults=["none", dict(case.fault)], answers=[dict(call), "It is 22 degrees and sunny in Beijing."])
    agent = Agent(System(max_output=CAP), tools=[_free(look_up)], budget=Budget(usd=LIMIT),
                  parts=Parts(models={"main": model}, prices=PRICE_LIST), journal=journal)  # fmt: skip
    result = await agent.arun("What is the weather in Beijing?")
    spent = Decimal(result.budget["usd"]["spent"])
    problems = [] if not result.budget["usd"]["reserved"] else ["still reserved"]
    if journal.ledger(result.run).total.to_json() != result.ledger.total.to_json():
        problems.append("the journal's ledger is another than the run's")
    total = result.ledger.total
    return Outcome(total.tokens, total.cost.least, spent, LIMIT, tuple(problems), (result.error,))


def _free(function: Any) -> Any:
    """The tool at no price, so that the dollars are the model's."""
    return replace(tool(function), price=Decimal(0))
