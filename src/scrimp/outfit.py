"""What a System names, opened: models, embedder, prices and methods become the Means behind the doors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from scrimp.core.context import Means, Settings
from scrimp.core.context.means import RetryPolicy
from scrimp.core.context.results import READ
from scrimp.core.errors import InputError, UnknownPrice
from scrimp.core.messages import digest
from scrimp.core.money import PriceList
from scrimp.core.protocols import Embedder, Environment, Hidden, Memory, Model, Planner
from scrimp.core.records import Store
from scrimp.core.registry import create, load
from scrimp.core.system import Part, System
from scrimp.core.task import Task
from scrimp.core.tool import Tool
from scrimp.journal.home import home
from scrimp.journal.journal import RunRecord
from scrimp.journal.replay import (
    RecordedEmbedder,
    RecordedEnvironment,
    RecordedHidden,
    RecordedMemory,
    RecordedModel,
)
from scrimp.models import names, prices, tokens
from scrimp.stores.sqlite import SQLiteStore
from scrimp.tools.programs import program_tool
from scrimp.tools.sandbox.trial import open_sandbox

PACKAGED = ("local", "small")
RETRY = RetryPolicy(attempts=4)
"""Transport failures are sent again up to three times."""

STAND_IN = "SCRIMP_MODEL"
"""Environment variable that names another model in place of the packaged ones, so that docs and demos can be tested."""


@dataclass
class Parts:
    """Implementations that take the place of what the System names; for tests and for one's own clients.

    `roles` are names of models that are none of the System's: who plays a simulated user.
    """

    models: Mapping[str, Model] = field(default_factory=dict)
    embedder: Embedder | None = None
    memory: Memory | None = None
    store: Store | None = None
    prices: PriceList | None = None
    roles: Mapping[str, str] = field(default_factory=dict)


class Outfit:
    """Opens what a System names once, and makes its methods anew for each run."""

    def __init__(self, system: System, parts: Parts) -> None:
        self.system, self._parts = system, parts
        self._models: dict[str, Model] = dict(parts.models)
        self._embedder, self._memory, self._prices = parts.embedder, parts.memory, parts.prices
        self._store = parts.store
        self._hidden: Hidden | None = None
        self._hash = ""
        self._histories: dict[str, anyio.Event] = {}

    async def means(self, tools: Sequence[Tool], seed: int, environment: Environment | None = None) -> Means:
        """Everything a run of this System needs.

        Raises:
            InputError: a name nobody knows, a model that is not installed, two tools of one name; programs that
                cannot be confined here.
        """
        if self.system.programs:
            await open_sandbox()  # refused before anything is spent
        for role, name in {"main": self.system.model, **self.system.models, **self._parts.roles}.items():
            if role not in self._models:
                self._models[role] = await names.open_model(stand_in(name), home=home(), options=self._options())
        if self._prices is None:
            self._prices = prices.load(self.system.prices)
        if self._store is None and self._wants("store"):
            self._store = SQLiteStore()  # lives as long as this outfit
        if self._embedder is None and self._wants("embedder"):
            from scrimp.models.embedders import open_embedder

            self._embedder = open_embedder(self.system.embedder, home())
        if self._hidden is None and self._wants("hidden"):
            from scrimp.models.whitebox import WhiteBox

            self._hidden = WhiteBox(self._white_box(), home())
        memory = self.system.part("memory")
        if self._memory is None and memory is not None:
            self._memory = create("memory", memory.name, memory.parameters)  # outlives the runs
        means = Means(
            models=self._models,
            prices=self._prices,
            settings=self._settings(seed),
            estimate=tokens.estimate,
            embedder=self._embedder,
            tools=tuple(_priced(tool, self._prices) for tool in (*tools, *getattr(self._memory, "tools", ()))),
            memory=self._memory,
            environment=environment,
            store=self._store,
            hidden=self._hidden,
        )
        means = self._with_methods(means)
        _no_twins(means.tools)
        return means

    def recorded(self, record: RunRecord, task: Task) -> Means:
        """The means of a replay: the methods are real, all else is a stand-in."""
        means = Means(
            models={role: RecordedModel(facts) for role, facts in record.models.items()},
            prices=PriceList(record.prices, ""),
            settings=self._settings(record.seed),
            estimate=tokens.estimate,
            embedder=RecordedEmbedder(self.system.embedder),
            tools=task.tools,
            memory=self._recorded_memory(),
            environment=RecordedEnvironment() if task.environment else None,
            store=SQLiteStore() if self._wants("store") else None,  # what was read of it is recorded
            hidden=RecordedHidden(self._white_box()) if self._wants("hidden") else None,
        )
        return self._with_methods(means)

    def _recorded_memory(self) -> RecordedMemory | None:
        part = self.system.part("memory")
        memory = self._parts.memory or (None if part is None else load("memory", part.name))
        return None if memory is None else RecordedMemory(getattr(memory, "recall_tokens", None))

    def history(self, task: Task) -> tuple[Task, anyio.Event | None]:
        """A task with the history that its run has to show or to write into the memory, which is done once for all
        tasks of one owner; and what is set as soon as it is written."""
        if not task.history or self._memory is None:
            return task, None
        key = f"{task.owner} {task.history[-1].source}"
        task = replace(task, at=task.at or task.history[-1].at)
        if key in self._histories:
            return replace(task, history=()), self._histories[key]
        return task, self._histories.setdefault(key, anyio.Event())

    def planner(self) -> Planner:
        """A fresh planner."""
        part = self.system.part("planner")
        if part is None:
            raise InputError("this System has no planner", remedy='planner = "react"')
        planner: Planner = create("planner", part.name, part.parameters)
        return planner

    def hash(self) -> str:
        """Identity of the System, with the identities of its model files."""
        if not self._hash:
            wanted = (self.system.model, *self.system.models.values())
            given = self._parts.models
            identities = {name: name if given else digest(names.facts(stand_in(name), home())) for name in wanted}
            self._hash = self.system.hash(identities)
        return self._hash

    async def aclose(self) -> None:
        """Close connections to the models opened here; they are opened again when needed."""
        for role in [role for role in self._models if role not in self._parts.models]:
            close = getattr(self._models.pop(role), "aclose", None)
            if close is not None:
                await close()

    def _white_box(self) -> str:
        """The model behind `ctx.hidden`: the System's own, a local file read in PyTorch; a random one where an oracle
        or a script stands in for the model, which has no inside.

        Raises:
            InputError: the model is a hosted one, which shows nothing.
        """
        name = stand_in(self.system.model)
        if name.startswith(("oracle", "scripted:")):
            return "random"
        if name not in PACKAGED and not name.startswith("gguf:"):
            raise InputError(f"{name} shows no hidden states", remedy="use a local model: small, local or gguf:FILE")
        return name

    def _options(self) -> names.OpenOptions:
        return names.OpenOptions(style="signature" if self.system.tool_text == "signature" else "json")

    def _settings(self, seed: int) -> Settings:
        """A trial's seed drives sampling; at temperature 0 there is nothing to drive."""
        system = self.system
        sent = seed if system.temperature > 0 else None
        return Settings(
            system.max_output, system.temperature, sent, system.effort, system.parallel_calls, system.offload, RETRY
        )

    def _with_methods(self, means: Means) -> Means:
        """Add policy, selector, gate and transforms, made anew: no state is shared between runs."""

        def made(family: str) -> Any:
            part = self.system.part(family)
            return None if part is None else create(family, part.name, part.parameters)

        parts = map(Part.of, self.system.transforms)
        transforms = tuple(create("transform", part.name, part.parameters) for part in parts)
        policy = made("context")
        tools = (*means.tools, *getattr(policy, "tools", ()))
        own = ((READ,) if self.system.offload else ()) + ((program_tool(tools),) if self.system.programs else ())
        return replace(
            means, policy=policy, selector=made("selector"), gate=made("gate"), transforms=transforms,
            tools=(*tools, *own),
        )  # fmt: skip

    def _wants(self, need: str) -> bool:
        """Whether any method of the System says on its card that it needs this."""
        parts = [(family, self.system.part(family)) for family in ("planner", "context", "selector", "gate", "memory")]
        return any(need in load(family, part.name).card.needs for family, part in parts if part is not None)  # type: ignore[attr-defined]


def stand_in(name: str) -> str:
    """The name itself, or what SCRIMP_MODEL says in place of a packaged model."""
    return os.environ.get(STAND_IN, name) if name in PACKAGED else name


def _priced(tool: Tool, prices: PriceList) -> Tool:
    """The tool at the price that the list states for it, if it does."""
    return replace(tool, price=prices.tools[tool.name]) if tool.name in prices.tools else tool


def _no_twins(tools: Sequence[Tool]) -> None:
    seen: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            raise InputError(f"two tools are called {tool.name!r}", remedy="rename one: @tool(name=...)")
        seen.add(tool.name)


def check_prices(means: Means) -> None:
    """Refuse, before the first call, to limit money where it cannot be counted.

    Raises:
        UnknownPrice: nobody stated the price of a model that plays a role, of the embedder or of a tool.
    """
    prices, embedder = means.prices, means.embedder
    unknown = [
        f"model {model.name!r}"
        for model in means.models.values()
        if prices.rates(model.name, local=model.capabilities.local) is None
    ]
    local = getattr(embedder, "local", True)
    if embedder is not None and prices.rates(embedder.name, local=local, embedding=True) is None:
        unknown.append(f"embedder {embedder.name!r}")
    unknown += [f"tool {tool.name!r}" for tool in means.tools if tool.price is None]
    if unknown:
        raise UnknownPrice(
            f"the budget limits money, but nobody stated a price for {', '.join(dict.fromkeys(unknown))}",
            remedy="give one with --prices FILE",
        )
