"""The Context: what a method is handed. Its doors are the only way out, and every door is metered.

complete, stream   a model           tools, call_tool(s)   tools          recall, remember   memory
embed              an embedder       act                   environment    manage             its upkeep
store              records
hidden             a white-box model send                  another agent  spawn, fork        a child
now, random        time and chance   step                  a new round    keep               best answer so far
spend              nodes, stored bytes
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scrimp.core.budget import NOT_SUMMED, Amount, Budget, Claim, LocalAccount
from scrimp.core.context import hidden as hidden_door
from scrimp.core.context import models as model_door
from scrimp.core.context import tools as tool_door
from scrimp.core.context.means import Means, Settings, closed
from scrimp.core.context.passage import Passage, Place, Run, What, raise_recorded
from scrimp.core.context.records import MeteredRecords
from scrimp.core.errors import BudgetExceeded, InputError
from scrimp.core.events import Component, Kind, Phase
from scrimp.core.messages import Delta, Message, Response, ToolCall, digest
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Capabilities, Environment, Look, Post, Query, Recall, Vectors
from scrimp.core.records import Records
from scrimp.core.task import Answer, Episode
from scrimp.core.tool import Tool, ToolResult


class Context:
    """A place in a run, with doors.

    Contexts form a tree: `spawn` and `child` make children, which share the run and draw on the
    same budget or on a slice of it. Calls are numbered per door and context, which is their identity
    on replay and resume; so calls that run at once belong in children that were spawned before they
    start, or go through `call_tools`.
    """

    def __init__(self, means: Means, run: Run, place: Place) -> None:
        self._means, self._run, self._place = means, run, place
        self._ordinals: dict[str, int] = {}
        self._children = 0
        self._sliced = False
        self._passage: Passage | None = None
        self._kept: tuple[Answer, tuple[Message, ...]] = (Answer(partial=True), ())

    # -- models --

    async def complete(
        self, messages: Sequence[Message], *, prompt: Prompt, tools: Sequence[Tool] = (), **options: Any
    ) -> Response:
        """Ask a model and wait for its whole answer.

        Args:
            messages: the conversation; keep it append-only between calls, so that caches work.
            prompt: the prompt that causes this call; its schema constrains the answer.
            tools: what the model may call.
            options: `schema`, `max_output` (tokens), `min_output`, `temperature`, `seed`, `stop`,
                `logprobs`, `effort`, `parallel_calls` as in Request; `model` (role, default `main`);
                `component`; `attempt` and `retry` (its kind) for attempts after the first; `last`
                to draw on the slice kept for the last answer.

        Raises:
            BudgetExceeded: its smallest form does not fit.
            ModelFailed: the provider could not answer.
        """
        return await model_door.complete(self, messages, prompt, tools, options)

    def stream(
        self, messages: Sequence[Message], *, prompt: Prompt, tools: Sequence[Tool] = (), **options: Any
    ) -> AsyncIterator[Delta]:
        """As `complete`, piece by piece. Leaving the loop early cuts the stream off: what was in
        flight is charged its reservation unless the provider's final usage had arrived."""
        stream = model_door.stream(self, messages, prompt, tools, options)
        self._run.streams.add(stream)
        return stream

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dimension), rows of length 1."""
        return await model_door.embed(self, texts)

    async def hidden(self, text: str, look: Look | None = None) -> Mapping[str, Any]:
        """What a white-box model holds after reading `text`: see `protocols.Hidden`.

        Metered as so many tokens read; no chat template is laid around the text, so it can be gone on with.
        """
        return await hidden_door.read(self, text, look or Look())

    # -- tools --

    async def tools(self, query: str) -> Sequence[Tool]:
        """What the System's gate and selector offer for `query`, best first; all tools without them."""
        return await tool_door.offer(self, query)

    async def call_tool(self, call: ToolCall) -> ToolResult:
        """Run one tool call. Whatever goes wrong inside the tool is told in the result."""
        return (await tool_door.call(self, [call]))[0]

    async def call_tools(self, calls: Sequence[ToolCall]) -> list[ToolResult]:
        """Run calls at once; they are reserved together or not at all. Results in the order of the calls."""
        return await tool_door.call(self, calls)

    def unabridged(self) -> Context:
        """This same place, where no result of a tool is kept aside: for programs, whose results enter no prompt."""
        settings = replace(self._means.settings, offload=0)
        twin = Context(replace(self._means, settings=settings), self._run, self._place)
        twin._ordinals, twin._passage = self._ordinals, self._passage
        return twin

    # -- memory --

    async def recall(self, query: Query) -> Recall:
        """What the memory has to say; an empty Recall where the System has no memory."""
        memory = self._means.memory
        if memory is None:
            return Recall()
        request = {"query": query.text, "owner": query.owner, "limit": query.limit}
        if query.role:
            request["role"] = query.role
        here = self._as("memory", "read")
        async with here._door("recall", "memory_read", _name(memory), {"memory_accesses": 1}, request) as passage:
            inner = self._within(passage, "memory", "read")  # numbered on a replay as well
            if passage.recorded is not None:
                raise_recorded(passage.recorded.response)
                return Recall(passage.recorded.response["text"], tuple(passage.recorded.response["sources"]))
            result = await self._run.in_time(memory.read(query, inner))
            passage.done({"text": result.text, "sources": list(result.sources)}, spent={"memory_accesses": 1})
            return result

    async def remember(self, episode: Episode) -> None:
        """Hand an episode to the memory; nothing happens where the System has none."""
        memory = self._means.memory
        if memory is None:
            return
        request = {"text": episode.text, "owner": episode.owner, "source": episode.source, "at": episode.at}
        here = self._as("memory", "write")
        async with here._door("remember", "memory_write", _name(memory), {"memory_accesses": 1}, request) as passage:
            inner = self._within(passage, "memory", "write")
            if passage.recorded is not None:
                raise_recorded(passage.recorded.response)
                return
            await self._run.in_time(memory.write(episode, inner))
            passage.done({}, spent={"memory_accesses": 1})

    async def manage(self) -> None:
        """Let the memory do its upkeep: what it does not do with each write."""
        memory = self._means.memory
        if memory is None:
            return
        here = self._as("memory", "manage")
        async with here._door("manage", "memory_write", _name(memory), {"memory_accesses": 1}, {}) as passage:
            inner = self._within(passage, "memory", "manage")
            if passage.recorded is not None:
                raise_recorded(passage.recorded.response)
                return
            await self._run.in_time(memory.manage(inner))
            passage.done({}, spent={"memory_accesses": 1})

    def store(self, owner: str = "", name: str = "") -> Records:
        """The records of one scope: an owner's, under the name of whose they are (a memory, a team).

        Inside a memory they are part of what it does; elsewhere each reading and writing is a memory access of its
        own. What is written counts as `stored_bytes`.
        """
        if self._means.store is None:
            raise closed("store", "Agent(store=...) or Means(store=...) puts one there")
        return MeteredRecords(self, self._means.store.records(owner, name), owner, name)

    # -- the world and the others --

    async def act(self, action: Mapping[str, Any]) -> ToolResult:
        """Take one action in the task's environment; what is observed. Calling a tool that acts does the same."""
        environment = self._means.environment
        if environment is None:
            raise closed("act", "this task has no environment; use its tools, or a benchmark that has one")
        async with self._door("act", "environment", environment.name, {}, dict(action)) as passage:
            if passage.recorded is not None:
                raise_recorded(passage.recorded.response)
                seen = ToolResult(passage.recorded.response["text"], passage.recorded.response["status"])
                await environment.redo(action, seen)
                return seen
            seen = await self._run.in_time(environment.step(action, self._outside(passage)))
            passage.done(seen.to_json(), status=seen.status)
            return seen

    async def send(self, receiver: str, message: Message) -> None:
        """Send a message to another agent of the team."""
        post = self._means.post
        if post is None:
            raise closed("send", "this planner runs one agent; a team opens this door with ctx.spawn(post=...)")
        size = len(message.text.encode())
        amounts: dict[str, Amount] = {"messages": 1, "message_tokens": size}
        request = {"to": receiver, "message": message.to_json()}
        async with self._door("send", "message", receiver, amounts, request) as passage:
            if passage.recorded is not None:
                raise_recorded(passage.recorded.response)
                await post.deliver(
                    self._place.agent, receiver, message
                )  # the boxes are the team's own, not the world's
                return
            await self._run.in_time(post.deliver(self._place.agent, receiver, message))
            passage.done({}, spent=amounts)

    async def spawn(
        self,
        agent: str = "",
        budget: Budget | None = None,
        component: Component | None = None,
        environment: Environment | None = None,
        post: Post | None = None,
    ) -> Context:
        """A child context, numbered now.

        Args:
            budget: the child draws on a slice of this size, given back by `close`. It limits amounts; `seconds` and
                `request_tokens` are limits of a whole run.
            environment: the child acts in this one, a clone say, instead of the task's own.
            post: carries what the child and its own children send each other.
        """
        account = self._place.account
        if budget is not None:
            if whole := [key for key in NOT_SUMMED if key in budget.limits]:
                raise InputError(
                    f"a slice cannot limit {whole[0]}", remedy="limit the run: budget of the System or Agent"
                )
            account = await account.slice(budget)
        place = replace(self._place, account=account, agent=agent or self._place.agent)
        child = self._child(replace(place, component=component) if component else place)
        child._sliced = budget is not None
        if environment is not None:
            child._means = replace(child._means, environment=environment)
        if post is not None:
            child._means = replace(child._means, post=post)
        return child

    async def fork(self, agent: str = "") -> Context:
        """A child that acts in a clone of this place's world, to try things in; a plain child where there is no world.

        What it does there is metered like any call; the task's own world stays as it is.
        """
        world = self._means.environment
        return await self.spawn(agent, environment=None if world is None else await world.clone())

    async def close(self) -> None:
        """Give back what a spawned slice did not spend; nothing for a context that shares its parent's budget."""
        if self._sliced:
            await self._place.account.close()

    # -- time, chance, progress --

    async def now(self) -> float:
        """Seconds since the epoch; journaled, so a replay sees the same moment."""
        async with self._door("now", "now", "clock", {}, None) as passage:
            if passage.recorded is not None:
                return float(passage.recorded.response)
            moment = self._run.clock.now()
            passage.done(moment)
            return moment

    def random(self) -> random.Random:
        """A generator of its own, seeded by the run and by this place in it."""
        return random.Random(f"{self._run.seed}:{self._place.span}:{self._number('random')}")

    async def step(self) -> int:
        """Begin a new round and return its number, from 1. Refused when the budget has no step left."""
        try:
            reservations = await self._place.account.reserve([Claim("step", {"steps": 1})], under=self._place.inside)
        except BudgetExceeded as refusal:
            self._run.refused_by(refusal)
            raise
        await self._place.account.settle(reservations[0], {"steps": 1})
        self._run.steps += 1
        return self._run.steps

    async def spend(self, **amounts: int) -> None:
        """Take nodes of a search or bytes to be stored from the budget, before they are made.

        Args:
            amounts: `nodes`, `stored_bytes`, or both.

        Raises:
            BudgetExceeded: they do not fit; nothing is taken, and the node or the bytes must not be made.
        """
        if not amounts or not set(amounts) <= {"nodes", "stored_bytes"}:
            raise InputError(
                f"ctx.spend takes nodes and stored_bytes, not {', '.join(amounts) or 'nothing'}",
                remedy="all other limits are charged by the doors themselves",
            )
        if min(amounts.values()) < 0:
            raise InputError(f"ctx.spend: {amounts} is less than nothing")
        async with self._door("spend", "spend", ", ".join(sorted(amounts)), amounts, amounts) as passage:
            if passage.recorded is not None:
                raise_recorded(passage.recorded.response)
                return
            passage.done({}, spent=amounts)

    def keep(self, messages: Sequence[Message], answer: str = "") -> None:
        """Leave the conversation so far, and the best answer so far, for when the budget ends."""
        self._kept = (Answer(answer, partial=True), tuple(messages))

    @property
    def kept(self) -> tuple[Answer, tuple[Message, ...]]:
        """What `keep` was last given."""
        return self._kept

    def remaining(self) -> dict[str, Amount]:
        """What the budget still bears, by limited key; the least of this slice and of those around it.

        Amounts are the same on a replay and on a resume where no other call is open. `seconds` is a look at the clock,
        and a replay, which takes no time, has all of it left: a method that decides by time asks `now`.
        """
        left = self._place.account.remaining()
        recording = self._run.recording
        if self._run.deadline is None and self._run.seconds is not None and recording is not None and recording.strict:
            left["seconds"] = self._run.seconds
        if self._run.deadline is not None:
            left["seconds"] = max(int(self._run.deadline - self._run.clock.monotonic()), 0)
        return left

    def capabilities(self, role: str = "main") -> Capabilities:
        """What the model of a role can do."""
        return self._means.model(role).capabilities

    def estimate(self, text: str) -> int:
        """About how many tokens a text takes; for planning, never for costs."""
        return self._means.estimate(text)

    def child(self, component: Component) -> Context:
        """A child that accounts to another component and shares the budget."""
        return self._child(replace(self._place, component=component))

    # -- for the doors' own files --

    def _child(self, place: Place) -> Context:
        span = f"{self._place.span.rstrip('/')}/{self._children}"
        self._children += 1
        return Context(self._means, self._run, replace(place, span=span))

    def _within(self, passage: Passage, component: Component, phase: Phase = "") -> Context:
        """A child for what happens inside a call: nested events, nested reservations."""
        place = replace(self._place, component=component, phase=phase, parent=passage.id, inside=passage.reservation)
        child = self._child(place)
        child._passage = passage
        return child

    def _outside(self, passage: Passage) -> Context:
        """A child for what the harness does inside a call: on no account of the agent's, and shaped by nothing that
        the System does to its own requests."""
        child = self._within(passage, "harness")
        child._means = replace(self._means, policy=None, transforms=(), settings=Settings())
        child._place = replace(child._place, account=LocalAccount(Budget()), inside=None)
        return child

    def _as(self, component: Component, phase: Phase = "") -> Context:
        """This same place, numbering its calls in the same sequence, accounting to another component."""
        phase = phase or self._place.phase
        if (component, phase) == (self._place.component, self._place.phase):
            return self
        twin = Context(self._means, self._run, replace(self._place, component=component, phase=phase))
        twin._ordinals, twin._passage = self._ordinals, self._passage
        return twin

    def _limits_money(self) -> bool:
        """Whether a price must be known; a replay spends nothing, and has no prices."""
        recording = self._run.recording
        return "usd" in self._place.account.remaining() and (recording is None or not recording.strict)

    def _number(self, door: str) -> int:
        number = self._ordinals.get(door, 0)
        self._ordinals[door] = number + 1
        return number

    def _pass(self, what: What) -> Passage:
        """A passage through a door, numbered now."""
        return Passage(self._run, self._place, what, self._number(what.door), self._run.steps, self._passage)

    def _door(self, door: str, kind: Kind, name: str, amounts: Mapping[str, Amount], request: Any) -> Passage:
        """A passage whose claim is fixed amounts and whose request is plain JSON."""
        what = What(door, kind, name, Claim(f"{door} {name}", amounts), lambda: request, digest(request))
        return self._pass(what)


def _name(method: object) -> str:
    card = getattr(method, "card", None)
    return str(card.name) if card is not None else type(method).__name__
