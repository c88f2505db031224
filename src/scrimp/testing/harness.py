"""A run in memory around a model, so that a method is tested in three lines.

bench = Bench(ScriptedModel(["It is 4."]))
answer = await MyPlanner().solve(Task("1", "What is 2 + 2?"), bench.ctx)
assert bench.ledger.total.calls == 1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zlib import crc32

from scrimp.core.budget import Amount, Budget, LocalAccount
from scrimp.core.context import Context, Means, Run, Settings
from scrimp.core.context.passage import Place
from scrimp.core.events import Event, EventSink, ListSink, Recording, ulid
from scrimp.core.ledger import Ledger
from scrimp.core.money import PriceList
from scrimp.core.protocols import (
    ContextPolicy,
    Embedder,
    Environment,
    Gate,
    Hidden,
    Memory,
    Model,
    Post,
    ToolSelector,
    Vectors,
)
from scrimp.core.records import Store
from scrimp.core.tool import Tool
from scrimp.core.transform import Transform
from scrimp.core.usage import Usage
from scrimp.models.scripted import ReplayedModel as ReplayedModel
from scrimp.models.scripted import ScriptedModel as ScriptedModel
from scrimp.models.tokens import estimate
from scrimp.stores.sqlite import SQLiteStore
from scrimp.testing.clock import FakeClock
from scrimp.testing.prices import PRICES
from scrimp.tools.parts.words import words


class WordEmbedder:
    """Vectors from the words of a text (English words, Chinese character pairs); texts that share words are near."""

    name = "words"

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension
        self.batches: list[tuple[str, ...]] = []

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """One row of length 1 per text."""
        import numpy as np

        self.batches.append(tuple(texts))
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in words(text) or [text]:
                row[crc32(word.encode("utf-8", "surrogatepass")) % self.dimension] += 1
            row /= np.linalg.norm(row)
        return rows, Usage(input=sum(map(estimate, texts)))


class Witness(ListSink):
    """Keeps what a ListSink keeps, and notices whatever was committed without a reservation before it.

    Args:
        behind: another sink that gets everything as well, a Journal say.
    """

    def __init__(self, behind: EventSink | None = None) -> None:
        super().__init__()
        self.behind = behind
        self.faults: list[str] = []

    async def reserve(self, worst: Event, amounts: Mapping[str, Amount]) -> None:
        """Remember that a call was about to be sent."""
        await super().reserve(worst, amounts)
        if self.behind is not None:
            await self.behind.reserve(worst, amounts)

    async def commit(self, event: Event, request: Any, response: Any) -> None:
        """Remember what it came to. A refusal (kind `decision`) was never reserved; all else was."""
        if event.kind != "decision" and event.id not in {worst.id for worst, _ in self.reservations}:
            self.faults.append(f"{event.kind} {event.name} was committed without a reservation")
        await super().commit(event, request, response)
        if self.behind is not None:
            await self.behind.commit(event, request, response)


@dataclass
class Bench:
    """A Context and all that stands behind it, in memory.

    Attributes:
        model: the main model, or models by role. Without one every answer is "ok".
        budget: limits of the run; `last_share` of it is kept for the last answer.
        sink: where events go besides the bench's own lists.
        recording: recorded answers, for a replay.
        ctx: the root context. `run`, `account`, `means` and `witness` are what it is made of.
    """

    model: Model | Mapping[str, Model] | None = None
    tools: Sequence[Tool] = ()
    budget: Budget | Mapping[str, Any] | None = None
    memory: Memory | None = None
    policy: ContextPolicy | None = None
    selector: ToolSelector | None = None
    gate: Gate | None = None
    transforms: tuple[Transform, ...] = ()
    embedder: Embedder | None = field(default_factory=WordEmbedder)
    environment: Environment | None = None
    store: Store | None = field(default_factory=SQLiteStore)
    post: Post | None = None
    hidden: Hidden | None = None
    settings: Settings = field(default_factory=lambda: Settings(max_output=256))
    prices: PriceList = PRICES
    seed: int = 0
    last_share: Decimal = Decimal(0)
    clock: FakeClock = field(default_factory=FakeClock)
    sink: EventSink | None = None
    recording: Recording | None = None
    run_id: str = field(default_factory=ulid)

    def __post_init__(self) -> None:
        budget = Budget.of(self.budget)
        model = ScriptedModel(["ok"], repeat=True) if self.model is None else self.model
        self.means = Means(
            models=model if isinstance(model, Mapping) else {"main": model},
            prices=self.prices,
            estimate=estimate,
            settings=self.settings,
            embedder=self.embedder,
            tools=tuple(self.tools),
            memory=self.memory,
            policy=self.policy,
            selector=self.selector,
            gate=self.gate,
            transforms=self.transforms,
            environment=self.environment,
            store=self.store,
            post=self.post,
            hidden=self.hidden,
        )
        self.witness = Witness(self.sink)
        self.account = LocalAccount(budget, last_share=self.last_share)
        self.run = Run(self.run_id, self.witness, clock=self.clock, seed=self.seed, recording=self.recording)
        if "seconds" in budget.limits:
            self.run.seconds = budget.limits["seconds"]
            self.run.deadline = self.clock.monotonic() + float(budget.limits["seconds"])
        if "request_tokens" in budget.limits:
            self.run.request_tokens = int(budget.limits["request_tokens"])
        self.ctx = Context(self.means, self.run, Place(self.account))

    @property
    def events(self) -> list[Event]:
        """What happened, in order of completion."""
        return self.run.events

    @property
    def ledger(self) -> Ledger:
        """What it cost."""
        return Ledger.of(self.run.events)

    def open_calls(self) -> list[str]:
        """Calls whose reservation nobody settled; empty once everything has ended."""
        return [call.what for call in self.account.root._open]


def context(model: Model | None = None, **options: Any) -> Context:
    """The root context of a Bench, where nothing else of it is wanted."""
    return Bench(model, **options).ctx
