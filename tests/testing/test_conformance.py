"""Every promise is really checked: for each there is a method that breaks it, and the suite says which."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest

from scrimp.core.budget import Claim
from scrimp.core.context.passage import What
from scrimp.core.errors import BudgetExceeded, ModelFailed
from scrimp.core.events import Event, Key
from scrimp.core.messages import Delta, Message, Request, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Capabilities, Decision, Episode, Query, Question, Recall, Scored
from scrimp.core.task import Answer, Task
from scrimp.core.usage import Usage
from scrimp.memory.context.everything import Everything
from scrimp.memory.context.sliding_window import SlidingWindow
from scrimp.models.tokens import estimate
from scrimp.planning.methods.react import ReAct
from scrimp.testing import Bench, ScriptedModel, conformance
from scrimp.testing.conformance.scene import fill
from scrimp.tools.select.top_k import TopK

ASK = Prompt("ask", 1, "Ask.")
Suite = Callable[..., Awaitable[None]]


def check(suite: Suite, factory: Callable[[], Any], **options: Any) -> None:
    anyio.run(partial(suite, factory, **options))


def breaks(suite: Suite, factory: Callable[[], Any], promise: str, **options: Any) -> None:
    with pytest.raises(AssertionError, match=promise):
        check(suite, factory, **options)


# -- planners --------------------------------------------------------------------------------------


class Around(ReAct):
    """ReAct with something wrong around it."""

    async def before(self, task: Task, ctx: Any) -> None: ...

    async def after(self, answer: Answer, ctx: Any) -> Any:
        return answer

    async def solve(self, task: Task, ctx: Any) -> Any:
        await self.before(task, ctx)
        return await self.after(await super().solve(task, ctx), ctx)


class RawModel(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        async for _ in ctx._means.model("main").stream(Request((user("psst"),))):
            pass


class RawTool(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        for tool in await ctx.tools(task.text):
            await tool.call({"query": "x", "a": 1, "b": 2, "city": "x"})


class Unreserved(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        event = Event("x", Key(ctx._run.id, "/", "hidden", 0), "decision", "planning", "m")
        await ctx._run.sink.commit(replace(event, kind="model"), None, {})


class Nameless(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        async with ctx._pass(What("now", "now", "", Claim("x"), lambda: None)) as passage:
            passage.done(1)


class TwiceNumbered(Around):
    async def after(self, answer: Answer, ctx: Any) -> Any:
        ctx._run.events.append(replace(ctx._run.events[0]))
        return answer


class NoComponent(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        await ctx.child("fun").now()


class LeavesOpen(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        await ctx._place.account.reserve([Claim("left open", {"tokens": 1})])


class Overspends(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        await ctx._place.account.charge(dict.fromkeys(ctx._place.account.limits, 10**9))


COUNT = itertools.count()


class Moody(Around):
    async def after(self, answer: Answer, ctx: Any) -> Any:
        return replace(answer, text=f"{answer.text} {next(COUNT)}")


class Dice(Around):
    """The same answer by other calls."""

    async def before(self, task: Task, ctx: Any) -> None:
        await ctx.complete([user(f"roll {random.random()}")], prompt=ASK)


class Clock(Around):
    """Time that the journal does not know: nothing but a replay shows it."""

    async def before(self, task: Task, ctx: Any) -> None:
        recorded = ctx._run.recording is not None
        await ctx.complete([user("again" if recorded else "first")], prompt=ASK)


class Swallows(Around):
    """Takes a refusal for an answer."""

    async def solve(self, task: Task, ctx: Any) -> Any:
        try:
            return await super().solve(task, ctx)
        except BudgetExceeded:
            return Answer("whatever")


class Groups(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        child = await ctx.spawn()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: child.complete([user("x")], prompt=ASK))


class Hangs(Around):
    async def solve(self, task: Task, ctx: Any) -> Any:
        try:
            return await super().solve(task, ctx)
        except BudgetExceeded:
            await anyio.sleep_forever()


class Mute(Around):
    async def after(self, answer: Answer, ctx: Any) -> Any:
        return answer.text


class NeedsWords(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        task.text.split()[0]


class NeedsTools(Around):
    async def before(self, task: Task, ctx: Any) -> None:
        if task.text:
            (await ctx.tools(task.text))[0]


class RunsCalls(Around):
    async def solve(self, task: Task, ctx: Any) -> Any:
        answer = await super().solve(task, ctx)
        if answer.calls:
            await ctx.call_tools(answer.calls)
        return answer


class Talks(Around):
    """Answers in words whatever was asked for."""

    async def solve(self, task: Task, ctx: Any) -> Any:
        return await super().solve(replace(task, answer_with="text"), ctx)


class TrustsTools(Around):
    async def solve(self, task: Task, ctx: Any) -> Any:
        answer = await super().solve(task, ctx)
        for message in ctx.kept[1]:
            if message.role == "tool" and "no_such_tool" in message.text:
                raise KeyError("no_such_tool")
            if message.role == "tool" and "service is down" in message.text:
                raise RuntimeError("a tool failed")
        return answer


class WantsForm(Around):
    async def after(self, answer: Answer, ctx: Any) -> Any:
        if "{" in answer.text:
            raise ValueError("that is no answer")
        return answer


class Explains(Around):
    async def solve(self, task: Task, ctx: Any) -> Any:
        try:
            return await super().solve(task, ctx)
        except ModelFailed:
            return Answer("all is well")


@pytest.mark.parametrize(
    ("double", "promise"),
    [
        (RawModel, "through the doors only: model"), (RawTool, "through the doors only: tools"),
        (Unreserved, "every call is reserved before it is sent"), (Nameless, "every event has a name"),
        (NoComponent, "raised KeyError|has a component"), (TwiceNumbered, "a key of its own"),
        (LeavesOpen, "no reservation stays open: left open"), (Overspends, "no limit is passed"),
        (Moody, "same seed and answers give the same result"), (Dice, "same seed and answers give the same calls"),
        (Clock, "a replay gives the recorded result: it raised ReplayMismatch"),
        (Swallows, "an exhausted budget ends in BudgetExceeded or in a partial answer"),
        (Groups, "keeps to .*: it raised ExceptionGroup"), (Mute, "solves a task"),
        (NeedsWords, "it raised IndexError"), (NeedsTools, "it raised IndexError"),
        (RunsCalls, "answers with the calls .*it called"), (Talks, "answers with the calls where they are asked for"),
        (TrustsTools, "survives a call of an unknown tool"), (WantsForm, "survives a model that keeps to no form"),
        (Explains, "a model that fails ends in ModelFailed"),
    ],
)  # fmt: skip
def test_a_planner_that_breaks_a_promise(double: type, promise: str) -> None:
    breaks(conformance.planner, double, promise)


def test_a_planner_that_trusts_its_tools() -> None:
    class TrustsFailing(Around):
        async def after(self, answer: Answer, ctx: Any) -> Any:
            if any("service is down" in message.text for message in ctx.kept[1]):
                raise RuntimeError("a tool failed")
            return answer

    breaks(conformance.planner, TrustsFailing, "survives tools that fail")


def test_a_planner_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrimp.testing.conformance.promises.PATIENCE", 0.3)
    breaks(conformance.planner, Hangs, "keeps to .*: it hangs")


def test_a_planner_that_cannot_be_cancelled_cleanly() -> None:
    class Clings(Around):
        """Calls a model itself when it is cancelled."""

        async def solve(self, task: Task, ctx: Any) -> Any:
            try:
                return await super().solve(task, ctx)
            except anyio.get_cancelled_exc_class():
                await ctx._place.account.reserve([Claim("clings", {"tokens": 1})])
                raise

    breaks(conformance.planner, Clings, "cancelled in its outside act number 1: no reservation stays open")


def test_a_planner_of_ones_own_with_prompts_of_its_own() -> None:
    """A scene may say what the model answers where the usual is not enough."""

    class Coded:
        async def solve(self, task: Task, ctx: Any) -> Answer:
            await ctx.tools(task.text)
            said = (await ctx.complete([user(task.text)], prompt=Prompt("coded", 1, ""))).text
            if task.answer_with == "calls":
                from scrimp.core.messages import ToolCall

                return Answer(calls=(ToolCall("1", said.split()[-1], {}),))
            return Answer(said)

    scene = conformance.Scene(lambda tools: lambda request: "CALL find")
    check(conformance.planner, Coded, scene=scene)


# -- context policies ------------------------------------------------------------------------------


class Policy:
    """Changes nothing; the doubles change something."""

    def change(self, request: Request, limit: int) -> Any:
        return request

    async def fit(self, request: Request, limit: int, ctx: Any) -> Any:
        return self.change(request, limit)


def keeping(select: Callable[[tuple[Message, ...]], Any]) -> type:
    return type("Keeping", (Policy,), {"change": lambda self, request, limit: request.with_(
        messages=tuple(select(request.messages)))})  # fmt: skip


@pytest.mark.parametrize(
    ("double", "promise", "bounded"),
    [
        (Policy, "keeps to the limit where it can", True),
        (keeping(lambda messages: messages[:2]), "never loses the last turn", False),
        (keeping(lambda messages: messages[:-1]), "never loses the last turn", False),
        (keeping(lambda messages: messages[:2] + messages[-3:]), "never splits a tool call from its result", False),
        (keeping(lambda messages: [m for m in messages[:-2] if m.role != "tool"] + list(messages[-2:])),
         "never splits a tool call", False),
        (type("None_", (Policy,), {"change": lambda self, request, limit: None}), "a Request|it raised", False),
        (type("Schema", (Policy,), {"change": lambda self, request, limit: request.with_(schema=None)}),
         "leaves the answer's schema", False),
        (keeping(lambda messages: messages or [user("hello")]), "takes an empty request", False),
        (keeping(lambda messages: (messages[0], *messages[1:])), "takes an empty request: it raised IndexError", False),
    ],
)  # fmt: skip
def test_a_policy_that_breaks_a_promise(double: type, promise: str, bounded: bool) -> None:
    breaks(conformance.context_policy, double, promise, bounded=bounded)


def test_policies_that_keep_their_promises() -> None:
    check(conformance.context_policy, Everything, bounded=False)
    check(conformance.context_policy, partial(SlidingWindow, 2, 1))

    class Summary:
        """Asks a model about what it drops."""

        async def fit(self, request: Request, limit: int, ctx: Any) -> Request:
            fitted = await SlidingWindow(2, 2).fit(request, limit, ctx)
            if fitted is not request:
                await ctx.complete(request.messages[:1], prompt=ASK)
            return fitted

    check(conformance.context_policy, Summary)


# -- selectors -------------------------------------------------------------------------------------


class Chooser:
    """All tools; the doubles choose wrongly."""

    tools: Any = ()

    async def index(self, tools: Any, ctx: Any) -> None:
        self.tools = list(tools)

    def choose(self, query: Query) -> Any:
        return [Scored(tool, 1.0) for tool in self.tools[: query.limit or None]]

    async def select(self, query: Query, ctx: Any) -> Any:
        return self.choose(query)


def choosing(choose: Callable[[Any, Query], Any]) -> type:
    return type("Choosing", (Chooser,), {"choose": choose})


class Hoards(Chooser):
    async def index(self, tools: Any, ctx: Any) -> None:
        self.tools = [*self.tools, *tools]


@pytest.mark.parametrize(
    ("double", "promise"),
    [
        (choosing(lambda self, query: [Scored(replace(tool, name="made up"), 1.0) for tool in self.tools[:1]]),
         "offers indexed tools only"),
        (choosing(lambda self, query: [Scored(self.tools[0], 1.0)] * 2), "offers no tool twice"),
        (choosing(lambda self, query: [Scored(tool, n) for n, tool in enumerate(self.tools[: query.limit or None])]),
         "offers the best first"),
        (choosing(lambda self, query: [Scored(tool, 1.0) for tool in self.tools]), "no more than the query's limit"),
        (choosing(lambda self, query: [Scored(self.tools[0], 1.0)]), "copes with 0 tools"),
        (choosing(lambda self, query: [Scored(self.tools[len(query.text.split()[0]) % 2], 1.0)]), "takes any query"),
        (Hoards, "forgets the tools of before"),
    ],
)  # fmt: skip
def test_a_selector_that_breaks_a_promise(double: type, promise: str) -> None:
    breaks(conformance.selector, double, promise)


def test_selectors_that_keep_their_promises() -> None:
    for by in ("words", "embedding"):
        check(conformance.selector, partial(TopK, 3, by))


# -- gates -----------------------------------------------------------------------------------------


class Asks:
    """Asks a model whether tools are needed."""

    async def decide(self, question: Question, ctx: Any) -> Any:
        said = (await ctx.complete([user(question.text)], prompt=ASK)).text
        return Decision("5" in said and bool(question.tools), 0.5)


def test_gates() -> None:
    check(conformance.gate, Asks)

    class Sure(Asks):
        async def decide(self, question: Question, ctx: Any) -> Any:
            return Decision(True, 1.5)

    class Vague(Asks):
        async def decide(self, question: Question, ctx: Any) -> Any:
            return "maybe"

    class Literal(Asks):
        async def decide(self, question: Question, ctx: Any) -> Any:
            said = (await ctx.complete([user(question.text)], prompt=ASK)).text
            return Decision(said.index("answer") > 0)

    breaks(conformance.gate, Sure, "sure between 0 and 1")
    breaks(conformance.gate, Vague, "decides")
    breaks(conformance.gate, Literal, "survives a babbling model: it raised ValueError")


# -- memories --------------------------------------------------------------------------------------


class Keeper:
    """A plain memory that keeps its promises: everything of an owner, the newest first, within the limit."""

    def __init__(self) -> None:
        self.episodes: list[Episode] = []

    async def write(self, episode: Episode, ctx: Any) -> None:
        await ctx.embed([episode.text or " "])
        self.episodes.append(episode)

    async def manage(self, ctx: Any) -> None:
        self.episodes = [episode for episode in self.episodes if episode.text]

    def mine(self, query: Query) -> list[Episode]:
        return [episode for episode in reversed(self.episodes) if episode.owner == query.owner]

    async def read(self, query: Query, ctx: Any) -> Any:
        kept: list[Episode] = []
        for episode in self.mine(query):
            if estimate("\n".join(item.text for item in [*kept, episode])) <= query.limit:
                kept.append(episode)
        return Recall(
            "\n".join(episode.text for episode in kept), tuple(episode.source for episode in kept if episode.text)
        )


class Gossip(Keeper):
    def mine(self, query: Query) -> list[Episode]:
        return list(reversed(self.episodes))


class Floods(Keeper):
    async def read(self, query: Query, ctx: Any) -> Any:
        return Recall("\n".join(episode.text for episode in self.mine(query)))


class Invents(Keeper):
    async def read(self, query: Query, ctx: Any) -> Any:
        recalled = await super().read(query, ctx)
        return replace(recalled, sources=("the internet",) if recalled.text else ())


class NeverEmpty(Keeper):
    async def read(self, query: Query, ctx: Any) -> Any:
        return Recall("x") if not self.episodes else await super().read(query, ctx)


class Fragile(Keeper):
    async def write(self, episode: Episode, ctx: Any) -> None:
        assert episode.text.split()[0]
        await super().write(episode, ctx)


class Elsewhere(Keeper):
    async def write(self, episode: Episode, ctx: Any) -> None:
        await ctx.child("planning").embed([episode.text or " "])
        self.episodes.append(episode)


class Shapeless(Keeper):
    async def read(self, query: Query, ctx: Any) -> Any:
        return (await super().read(query, ctx)).text if query.limit == 5000 else await super().read(query, ctx)


@pytest.mark.parametrize(
    ("double", "promise"),
    [
        (Gossip, "tells nobody what belongs to another owner"), (Floods, "recalls text within the limit"),
        (Invents, "names sources that were written"), (NeverEmpty, "recalls nothing from an empty memory"),
        (Fragile, "recalls nothing from an empty memory: it raised IndexError"), (Elsewhere, "spends as memory"),
        (Shapeless, "gives a Recall"),
    ],
)  # fmt: skip
def test_a_memory_that_breaks_a_promise(double: type, promise: str) -> None:
    breaks(conformance.memory, double, promise)


def test_a_memory_that_keeps_its_promises() -> None:
    check(conformance.memory, Keeper)


# -- models ----------------------------------------------------------------------------------------


class Honest:
    """A model of three pieces; the doubles lie about something."""

    name = "honest"
    capabilities = Capabilities()
    usage = Usage(input=3, output=2)
    finish: Any = "stop"

    def bound(self, request: Request) -> Usage:
        return Usage(input=10 + len(request.messages[0].text), output=request.max_output or 99)

    async def stream(self, request: Request) -> Any:
        yield Delta("Hello")
        yield Delta(finish=self.finish, usage=self.usage)


def lying(**facts: Any) -> type:
    return type("Lying", (Honest,), facts)


async def silent(self: Any, request: Request) -> Any:
    for nothing in ():
        yield nothing


async def two_ends(self: Any, request: Request) -> Any:
    yield Delta("a", finish="stop", usage=Usage(3, output=1))
    yield Delta("b", finish="stop", usage=Usage(3, output=1))


async def moody(self: Any, request: Request) -> Any:
    yield Delta(f"{next(COUNT)}", finish="stop", usage=Usage(3, output=1))


async def stuck(self: Any, request: Request) -> Any:
    yield Delta("a")
    await anyio.sleep_forever()


@pytest.mark.parametrize(
    ("double", "promise"),
    [
        (lying(name=""), "has a name"), (lying(capabilities="all"), "states its capabilities"),
        (lying(capabilities=Capabilities(window=0)), "context window"), (lying(stream=silent), "at least one piece"),
        (lying(finish=None), "says why it ended"), (lying(usage=None), "carries the usage"),
        (lying(stream=two_ends), "only the last piece"),
        (lying(usage=Usage(10**6, output=1)), "bound holds for the input"),
        (lying(usage=Usage(3, output=10**6)), "bound holds for the output"),
        (lying(usage=Usage(3, output=10), bound=lambda self, request: Usage(10**6, output=10**6)),
         "keeps to the output cap"),
        (lying(usage=Usage(3, output=2, reasoning=3)), "counts reasoning as output"),
        (lying(usage=Usage(3, output=2, images=-1)), "from zero up"),
        (lying(usage=Usage(0, output=2)), "counts the input"),
        (lying(usage=Usage(3)), "counts the output"), (lying(stream=moody), "equal requests get equal answers"),
        (lying(bound=lambda self, request: Usage(50, output=200)), "bound grows with the input"),
        (lying(bound=lambda self, request: Usage(10 + len(request.messages[0].text), output=200)),
         "bound grows with the output cap"),
        (lying(stream=stuck), "it hangs"),
    ],
)  # fmt: skip
def test_a_model_that_breaks_a_promise(double: type, promise: str) -> None:
    breaks(conformance.model, double, promise, patience=0.2)


def test_models_that_keep_their_promises() -> None:
    check(conformance.model, Honest)
    model = ScriptedModel(lambda request: "one two three four five six", chunks=3)
    check(conformance.model, lambda: model)
    check(conformance.model, lambda: ScriptedModel(lambda request: f"{next(COUNT)}"), deterministic=False)


# -- the scene itself ------------------------------------------------------------------------------


def test_the_smallest_value_that_fits_a_schema() -> None:
    schema = {
        "$defs": {"city": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
        "type": "object",
        "required": ["city", "kind", "list", "pair", "n"],
        "properties": {
            "city": {"$ref": "#/$defs/city"}, "kind": {"enum": ["甲", "乙"]}, "n": {"type": "integer", "minimum": 7},
            "list": {"type": "array", "items": {"type": "boolean"}, "minItems": 2}, "spare": {"type": "number"},
            "pair": {"anyOf": [{"type": ["null", "string"]}, {"type": "string"}]},
        },
    }  # fmt: skip
    value = fill(schema, ())
    assert value == {"city": {"name": "rain 雨"}, "kind": "甲", "list": [True, True], "pair": None, "n": 7}
    call = {"type": "object", "properties": {"tool": {"type": "string"}, "arguments": {"type": "object"}}}
    tools = conformance.Scene().stage().bench.means.tools
    assert fill({"type": "array", "items": call}, tools) == [{"tool": "find", "arguments": {"query": "rain 雨"}}]
    assert fill({"type": "array", "items": call}, ()) == []


def test_a_bench_has_room_for_any_part() -> None:
    staged = conformance.Scene(options={"seed": 3}, fresh={"memory": Keeper}).stage(budget={"tokens": 5})
    assert isinstance(staged.bench, Bench)
    assert (staged.bench.run.seed, type(staged.bench.memory), staged.bench.account.limits) == (3, Keeper, {"tokens": 5})
