"""A System becomes a running agent. Start reading here.

`Agent.arun` opens the account, hands out the doors (a Context), recalls, lets the planner solve, remembers, and
closes the account. How a task is solved is the planner's business (planning/methods/); everything that costs
something goes through a door (core/context/), which reserves, acts, settles and journals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.budget import Account, Amount, Budget, LocalAccount
from scrimp.core.context import Context, Means, Run
from scrimp.core.context.passage import Place
from scrimp.core.errors import BudgetExceeded, InputError, OutsideError, one_of
from scrimp.core.events import ulid
from scrimp.core.ledger import Ledger
from scrimp.core.messages import ToolCall, digest, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Environment, Planner, Query
from scrimp.core.records import Store
from scrimp.core.system import System
from scrimp.core.task import Answer, Episode, Task, task_from_json, task_to_json
from scrimp.core.tool import Tool, ToolSource
from scrimp.core.version import VERSION
from scrimp.journal.home import home
from scrimp.journal.journal import Journal, RunRecord
from scrimp.journal.replay import NoSink
from scrimp.journal.resume import Outcome, take_over
from scrimp.outfit import Outfit, Parts, check_prices
from scrimp.stores.open import open_store
from scrimp.tools.sources.background import there_now
from scrimp.tools.sources.python import tool as as_tool

SPEC = ("name", "description", "parameters")
"""What a model is told of a tool; it must be the same when a run goes on."""

CLOSE_SECONDS = 30.0
LAST_SHARE = Decimal("0.1")
"""Share of a budget kept for the last answer of a run that exhausts the rest."""

RECALL_TOKENS = 1000
"""Most tokens of memory shown before a task, where the memory itself does not say (`recall_tokens`)."""

LAST_ANSWER = Prompt(
    "last-answer", 1, "The budget is used up. From what you have seen so far, reply with your best answer to the task."
)


@dataclass(frozen=True)
class Result:
    """What a run came to.

    `status` is `done`, `budget` (the answer is the best partial one; `stopped_by` is the limit's key) or `error`
    (`error` says what).
    `budget` gives limit, spent, reserved and kept per limited key; `held_back_by` are the limits that refused a
    call or made an answer of the model end before it was finished, whether the run ended by it or not. `state` is
    how the task's environment stood at the end.
    """

    run: str
    status: str
    answer: str
    ledger: Ledger
    budget: Mapping[str, Mapping[str, Amount]]
    steps: int
    calls: tuple[ToolCall, ...] = ()
    error: str = ""
    stopped_by: str = ""
    held_back_by: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)

    def as_answer(self) -> Answer:
        """The answer as a benchmark scores it."""
        return Answer(self.answer, self.calls, partial=self.status != "done", state=self.state)

    def to_json(self) -> dict[str, Any]:
        """The outward form of COMMANDS."""
        rows = {
            key: {name: value if isinstance(value, int) else str(value) for name, value in row.items()}
            for key, row in self.budget.items()
        }
        out: dict[str, Any] = {
            "run": self.run,
            "status": self.status,
            "answer": self.answer,
            "ledger": self.ledger.to_json(),
            "budget": rows,
            "steps": self.steps,
        }
        if self.calls:
            out["calls"] = [call.to_json() for call in self.calls]
        if self.error:
            out["error"] = self.error
        if self.state:
            out["state"] = dict(self.state)
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """What `to_json` gave, but for which limit it was that stopped the run or held it back."""
        budget = {
            key: {name: value if isinstance(value, int) else Decimal(value) for name, value in row.items()}
            for key, row in data["budget"].items()
        }
        calls = tuple(ToolCall(**call) for call in data.get("calls", ()))
        return cls(
            data["run"], data["status"], data["answer"], Ledger.from_json(data["ledger"]), budget, data["steps"], calls,
            data.get("error", ""), state=data.get("state", {}),
        )  # fmt: skip


class Agent:
    """A System with tools and a budget, ready to run tasks.

    Args:
        system: how the agent is built; the baseline by default.
        tools: Tools, functions that become Tools, and sources of Tools (`MCPServer`, `OpenAPI`), which are asked at
            each run and kept open until `close`; an Agent is a context manager.
        budget: limits of each run; the System's own by default.
        parts: own implementations instead of what the System names.
        journal: where runs are written down; the one in SCRIMP_HOME by default.
        store: where memories keep their records: a Store, or the name of one (`home`, a file, `postgresql://...`),
            which is opened here and closed with the agent. In memory by default: gone with the agent.
    """

    def __init__(
        self,
        system: System | None = None,
        *,
        tools: Sequence[Tool | ToolSource | Callable[..., Any]] = (),
        budget: Budget | None = None,
        parts: Parts | None = None,
        journal: Journal | None = None,
        store: Store | str | Path | None = None,
    ) -> None:
        self.system = system or System()
        self.sources = tuple(item for item in tools if isinstance(item, ToolSource))
        own = [item for item in tools if not isinstance(item, ToolSource)]
        self.tools = tuple(item if isinstance(item, Tool) else as_tool(item) for item in own)
        self.budget = Budget.of(self.system.budget) if budget is None else budget
        self._opened = open_store(store, home()) if isinstance(store, str | Path) else None
        given = self._opened or (None if isinstance(store, str | Path) else store)
        parts = parts or Parts()
        self.outfit = Outfit(self.system, parts if given is None else replace(parts, store=given))
        self._journal = journal

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sources of tools, which a later run would open again, and the store that was opened by name."""
        for source in self.sources:
            source.close()
        if self._opened is not None:
            there_now(self._opened.aclose(), CLOSE_SECONDS)

    async def _offered(self) -> tuple[Tool, ...]:
        """The agent's own tools, and those that its sources have now."""
        found = list(self.tools)
        for source in self.sources:
            found += await source.tools([tool.name for tool in found])
        return tuple(found)

    def run(self, task: str | Task, *, labels: Mapping[str, str] | None = None) -> Result:
        """Run one task and wait for it; those who are in an event loop already use `arun`."""

        async def once() -> Result:
            try:
                return await self.arun(task, labels=labels)
            finally:
                await self.outfit.aclose()

        return anyio.run(once)

    async def arun(
        self,
        task: str | Task,
        *,
        labels: Mapping[str, str] | None = None,
        account: Account | None = None,
        experiment: str = "",
        seed: int | None = None,
        environment: Environment | None = None,
    ) -> Result:
        """Run one task.

        Args:
            labels: facts to find the run by.
            account: a larger account (an experiment's), of which this run's budget is a slice, given whole: it waits
                while other runs may give back what it needs.
            experiment: the experiment this run is a trial of.
            seed: drives `ctx.random()`; the System's by default.
            environment: the world of the task, fresh, where it has one.

        Raises:
            InputError: the System or the task cannot be run; an UnknownPrice where money is limited and the price of
                a model, a tool or the embedder is not known. Nothing was spent.
            BudgetExceeded: the larger account does not bear this run's budget. Nothing was spent.
        """
        task = task if isinstance(task, Task) else Task(id="", text=task)
        task = replace(task, tools=(*await self._offered(), *task.tools))
        run = Run(ulid(), self.journal, seed=self.system.seed or 0 if seed is None else seed)
        means, planner = await self.outfit.means(task.tools, run.seed, environment), self.outfit.planner()
        task, written = self.outfit.history(task)
        if environment is not None:
            first = await environment.reset(task)
            task = replace(task, text=f"{task.text}\n\n{first}") if first else task
        if "usd" in self.budget.limits or (account is not None and "usd" in account.remaining()):
            check_prices(means)
        own = await _own_account(self.budget, account)
        self.journal.begin(self._record(run, task, means, experiment, labels or {}))
        return await self._conduct(_Execution(run, means, planner, own, self.budget, written), task)

    async def resume(
        self,
        run: str,
        *,
        unknown: Mapping[str, Outcome] | None = None,
        tools: Sequence[Tool] = (),
        account: Account | None = None,
        environment: Environment | None = None,
    ) -> Result:
        """Go on with a run whose process ended: the planner runs again over the recorded answers.

        A committed call is never sent again; one in flight was charged its reservation and is sent again,
        unless it is a tool call with side effects: of that the agent is told that nobody knows.

        Args:
            unknown: how such calls went, by key, where the user found out: `done` or `failed`.
            tools: those that came with the task.
            account: a larger account, as in `arun`; what the run had spent is charged to it again as it is repeated.
            environment: the world of the task, fresh: it is brought to where the run stood.

        Raises:
            InputError: the run has ended or is still under way, or this agent's tools are not its tools.
            ReplayMismatch: the run would ask for something else today.
        """
        record = self.journal.run(run)
        task = replace(task_from_json(record.task), tools=_same_tools((*await self._offered(), *tools), record))
        record = await take_over(self.journal, record.id, unknown)
        means, planner = await self.outfit.means(task.tools, record.seed, environment), self.outfit.planner()
        if environment is not None:
            await environment.reset(task)
        budget = Budget(record.budget)
        if "usd" in budget.limits:
            check_prices(means)
        again = Run(record.id, self.journal, seed=record.seed)
        again.recording = self.journal.recording(record.id, strict=False)
        own = await _own_account(budget, account)
        execution = _Execution(again, means, planner, own, budget, before=self.journal.elapsed(record.id))
        return await self._conduct(execution, task)

    async def _conduct(self, execution: _Execution, task: Task) -> Result:
        """Execute, and write down how it ended."""
        run, started = execution.run, time.monotonic()
        result: Result | None = None
        try:
            result = await execution.go(task)
            return result
        finally:
            # Without a result it was stopped (cancelled, or a fault of the planner's): it can be resumed.
            status, answer = ("stopped", Answer()) if result is None else (result.status, result.as_answer())
            seconds = execution.before + time.monotonic() - started if result is None else result.ledger.wall_seconds
            self.journal.end(run.id, status, answer.to_json(), seconds, run.steps)

    async def replay(self, run: str, environment: Environment | None = None) -> Result:
        """Repeat a recorded run: no model, no tool and no clock is asked, and nothing is spent.

        Args:
            environment: the world of the task, fresh, where the state that the run left it in is wanted.

        Raises:
            ReplayMismatch: the run would ask for something else today.
        """
        record = self.journal.run(run)
        task = task_from_json(record.task)
        recording = self.journal.recording(record.id, strict=True)
        again = Run(record.id, NoSink(), seed=record.seed, recording=recording)
        budget = Budget(record.budget)
        account = LocalAccount(budget, last_share=LAST_SHARE)
        means = self.outfit.recorded(record, task)
        if environment is not None:
            await environment.reset(task)
            means = replace(means, environment=environment)
        return await _Execution(again, means, self.outfit.planner(), account, budget).go(task)

    @property
    def journal(self) -> Journal:
        """Where runs are written down; opened when first asked for."""
        if self._journal is None:
            self._journal = Journal()
        return self._journal

    def _record(self, run: Run, task: Task, means: Means, experiment: str, labels: Mapping[str, str]) -> RunRecord:
        models = {
            role: {"name": model.name, "capabilities": vars(model.capabilities)} for role, model in means.models.items()
        }
        return RunRecord(
            id=run.id, task=task_to_json(task), system=self.system.to_json(), system_hash=self.outfit.hash(),
            models=models, prices=means.prices.label, budget=self.budget.to_json(), seed=run.seed,
            version=VERSION, experiment=experiment, labels={**task.labels, **labels}, started=time.time(),
        )  # fmt: skip


@dataclass
class _Execution:
    """One run under way: recall, solve, remember, close the account."""

    run: Run
    means: Means
    planner: Planner
    account: Account
    budget: Budget
    written: anyio.Event | None = None  # set as soon as the task's history is in the memory
    found: Answer | None = None
    before: float = 0.0  # seconds that earlier processes spent on it

    async def go(self, task: Task) -> Result:
        started = self.run.clock.monotonic() - self.before
        self._limit(started, 1 - LAST_SHARE)
        ctx = Context(self.means, self.run, Place(self.account))
        status, error, key, answer = "done", "", "", Answer()
        try:
            answer = await self._solve(task, ctx)
            status, key = ("budget", self.run.refused) if answer.partial else ("done", "")
        except BudgetExceeded as stop:
            status, error, key = "budget", str(stop), stop.key
            self._limit(started, Decimal(1))
            answer = self.found or await self._last_answer(ctx)
        except OutsideError as failure:
            status, error, answer = "error", str(failure), self.found or ctx.kept[0]
        finally:
            with anyio.CancelScope(shield=True):  # a run that is cancelled gives back its slice as well
                await self.run.wind_up()
                await self.account.close()
        ledger = Ledger.of(self.run.events, self.run.clock.monotonic() - started)
        world = self.means.environment
        return Result(
            self.run.id, status, answer.text, ledger, self.account.balance(), self.run.steps, answer.calls, error, key,
            tuple(sorted(self.run.held_back)), {} if world is None else world.state(),
        )  # fmt: skip

    async def _solve(self, task: Task, ctx: Context) -> Answer:
        ctx.keep([user(task.text, *task.attachments)])  # until the planner has better
        await self._lay_in(task, ctx)
        at = task.at or (await ctx.now() if self.means.memory is not None else 0.0)
        limit = getattr(self.means.memory, "recall_tokens", RECALL_TOKENS)
        recalled = await ctx.recall(Query(task.query or task.text, owner=task.owner, limit=limit, at=at))
        known = recalled.text
        if self.means.memory is None:
            known = "\n".join(episode.text for episode in task.history)
        if known:
            task = replace(task, background=known)
        try:
            answer = self.found = await self.planner.solve(task, ctx)
        except ExceptionGroup as group:  # a planner whose children ran at once
            raise one_of(group) from group
        if task.remembered:
            said = f"Task: {task.text}\nAnswer: {answer.text}"
            way = ctx.kept[1]
            await ctx.remember(Episode(said, owner=task.owner, source=self.run.id, at=at, messages=way))
            await ctx.manage()
        return answer

    async def _lay_in(self, task: Task, ctx: Context) -> None:
        """Write the task's history into the memory, or wait until another run has."""
        if self.means.memory is None or (self.written is None and not task.history):
            return
        try:
            for episode in task.history:
                await ctx.remember(episode)
            if task.history:
                await ctx.manage()
            if not task.history and self.written is not None:
                await self.written.wait()
        finally:
            if task.history and self.written is not None:
                self.written.set()

    async def _last_answer(self, ctx: Context) -> Answer:
        """An answer is still owed: ask for it from the slice kept for this, or give what the planner left."""
        kept, messages = ctx.kept
        if not messages:
            return kept
        try:
            asked = [*messages, user(LAST_ANSWER.text)]
            response = await ctx.complete(asked, prompt=LAST_ANSWER, component="answer", last=True)
        except (BudgetExceeded, OutsideError):
            return kept  # the slice does not bear a call; the refusal is in the journal
        return Answer(response.text or kept.text, partial=True)

    def _limit(self, started: float, share: Decimal) -> None:
        """Set what the doors keep themselves: the deadline and the size of a request."""
        limits = self.budget.limits
        self.run.request_tokens = int(limits["request_tokens"]) if "request_tokens" in limits else None
        self.run.seconds = limits.get("seconds")
        if "seconds" in limits and (self.run.recording is None or not self.run.recording.strict):
            self.run.deadline = started + float(limits["seconds"] * share)


async def _own_account(budget: Budget, larger: Account | None) -> Account:
    """An account of a run's own: a slice of a larger one, given whole, where there is one."""
    if larger is None:
        return LocalAccount(budget, last_share=LAST_SHARE)
    return await larger.slice(budget, last_share=LAST_SHARE, whole=True)


def _same_tools(tools: Sequence[Tool], record: RunRecord) -> tuple[Tool, ...]:
    """The tools a recorded run had, with their functions."""
    mine = {tool.name: tool for tool in tools}
    for recorded in record.task["tools"]:
        tool = mine.get(recorded["name"])
        if tool is None and record.task["answer_with"] == "text":
            raise InputError(f"run {record.id} had a tool {recorded['name']!r}", remedy="give its file with --tools")
        if tool is not None and tool.spec.hash != digest({key: recorded[key] for key in SPEC}):
            raise InputError(f"tool {tool.name!r} has changed since run {record.id}", remedy="run the task anew")
    return tuple(mine.get(tool.name, tool) for tool in task_from_json(record.task).tools)
