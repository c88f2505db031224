"""A System becomes a running agent: how runs end, what they leave behind, and that they can be repeated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.agent import LAST_ANSWER, Agent, Result
from scrimp.core import registry
from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.errors import BudgetExceeded, InputError, ModelFailed, ReplayMismatch, UnknownPrice
from scrimp.core.messages import Delta, Request, ToolCall, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Query, Recall
from scrimp.core.registry import Card
from scrimp.core.system import System
from scrimp.core.task import Answer, Episode, Task
from scrimp.core.tool import Tool, ToolResult
from scrimp.journal.journal import Journal
from scrimp.outfit import Parts
from scrimp.testing import PRICES, ScriptedModel, WordEmbedder

ASK = Prompt("ask", 1, "Ask.")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def planners(monkeypatch: pytest.MonkeyPatch) -> dict[str, type]:
    """Planners of a test, by name, beside the registered ones."""
    mine: dict[str, type] = {}
    load = registry.load

    def load_mine(family: str, name: str) -> type:
        return mine[name] if name in mine else load(family, name)

    monkeypatch.setattr(registry, "load", load_mine)
    for module in ("scrimp.outfit", "scrimp.core.system"):
        monkeypatch.setattr(f"{module}.load", load_mine)
    return mine


def planner(solve: Any) -> type:
    return type("Mine", (), {"solve": solve, "card": Card("mine", "planner", "Mine")})


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def look(subject: str) -> str:
    """Look something up."""
    return f"{subject}：很多很多 " + "facts " * 30


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


def agent(journal: Journal, answers: Any, *, system: System | None = None, **more: Any) -> Agent:
    model = answers if isinstance(answers, ScriptedModel) else ScriptedModel(answers)
    parts = {"models": {"main": model}, "prices": PRICES, "embedder": WordEmbedder(), **more.pop("parts", {})}
    return Agent(system, tools=[add, look], parts=Parts(**parts), journal=journal, **more)


def unreachable(journal: Journal, system: System | None = None, **parts: Any) -> Agent:
    """The same System with nothing behind it that could be asked."""

    def refuse(request: Request) -> ModelFailed:
        raise AssertionError("a model was asked")

    class NoEmbedder(WordEmbedder):
        async def embed(self, texts: Any) -> Any:
            raise AssertionError("an embedder was asked")

    model = ScriptedModel(refuse)
    return Agent(system, parts=Parts({"main": model}, NoEmbedder(), prices=PRICES, **parts), journal=journal)


def replayed(journal: Journal, result: Result, system: System | None = None, **parts: Any) -> Result:
    return anyio.run(unreachable(journal, system, **parts).replay, result.run)


def same(one: Result, other: Result) -> bool:
    """All but the wall clock."""
    a, b = one.ledger.to_json(), other.ledger.to_json()
    a.pop("wall_seconds"), b.pop("wall_seconds")
    facts = [(r.run, r.status, r.answer, r.calls, r.steps, r.stopped_by) for r in (one, other)]
    return a == b and facts[0] == facts[1]


# -- how runs end ----------------------------------------------------------------------------------


def test_a_run_that_is_done(journal: Journal) -> None:
    result = agent(journal, [call("add", a=2, b=3), "5"]).run("What is 2 + 3? 二加三", labels={"k": "v"})
    assert (result.status, result.answer, result.steps, result.error) == ("done", "5", 2, "")
    assert result.ledger.total.calls == 3
    assert not result.as_answer().partial
    record = journal.run(result.run)
    assert (record.status, record.answer, record.steps, record.labels) == (
        "done", {"text": "5", "partial": False}, 2, {"k": "v"}
    )  # fmt: skip
    assert record.prices == "test-prices"
    assert record.system_hash
    assert record.task["text"] == "What is 2 + 3? 二加三"


def test_the_journal_holds_the_ledger_of_the_run_to_the_last_digit(journal: Journal) -> None:
    result = agent(journal, [[call("add", a=2, b=3), call("look", subject="雨")], "5"]).run("x")
    assert journal.ledger(result.run) == result.ledger
    assert journal.ledger(result.run).to_json() == result.ledger.to_json()
    assert not journal.in_flight(result.run)


def test_a_result_in_its_outward_form(journal: Journal) -> None:
    data = agent(journal, ["5"], budget=Budget(usd="0.02", tokens=5000)).run("x").to_json()
    assert {"run", "status", "answer", "ledger", "budget", "steps"} <= set(data)
    assert data["budget"]["usd"]["limit"] == "0.02"
    assert data["budget"]["tokens"]["reserved"] == 0
    assert data["budget"]["tokens"]["spent"] == sum(
        data["ledger"]["total"]["tokens"][key] for key in ("input", "output")
    )


def test_an_exhausted_run_answers_from_the_slice_that_was_kept(journal: Journal) -> None:
    model = ScriptedModel(
        lambda request: "rain, I think" if request.prompt == LAST_ANSWER.ref else [call("look", subject="雨")]
    )
    result = agent(journal, model, budget=Budget(model_calls=4)).run("What is known about rain?")
    assert (result.status, result.stopped_by, result.answer) == ("budget", "model_calls", "rain, I think")
    assert "model_calls=4" in result.error
    assert result.as_answer().partial
    last = model.requests[-1]
    assert "很多很多" in last.messages[-2].text, "it sees what was paid for"
    assert last.tools == ()
    assert result.budget["model_calls"]["spent"] == 4
    assert result.ledger.components["answer"].calls == 1


@pytest.mark.parametrize("key", ["tokens", "usd"])
@pytest.mark.parametrize("part", [20, 5, 2, 1.2])
def test_no_limit_is_passed_whatever_it_is(journal: Journal, key: str, part: float) -> None:
    answers = [[call("look", subject="雨"), call("add", a=1, b=2)], [call("look", subject="天")], "done"]
    free = agent(journal, answers).run("x")
    used = free.ledger.total.tokens.total if key == "tokens" else free.ledger.total.cost.least
    limit = int(used / part) if key == "tokens" else (used / Decimal(part)).quantize(Decimal("1e-9"))  # type: ignore[operator]
    result = agent(journal, answers, budget=Budget({key: limit})).run("x")
    assert result.status == "budget"
    row = result.budget[key]
    assert row["spent"] <= limit
    assert row["reserved"] == 0
    total = result.ledger.total
    assert row["spent"] == (total.tokens.total if key == "tokens" else total.cost.least)


def test_a_budget_of_nothing_ends_without_a_call(journal: Journal) -> None:
    model = ScriptedModel(["x"])
    result = agent(journal, model, budget=Budget(model_calls=0)).run("x")
    assert (result.status, result.answer, model.requests) == ("budget", "", [])


def test_what_was_found_is_the_answer_although_it_cannot_be_remembered(journal: Journal) -> None:
    class Greedy(Diary):
        async def write(self, episode: Episode, ctx: Any) -> None:
            while True:
                await ctx.complete([user(episode.text)], prompt=ASK)

    model = ScriptedModel(["forty-two"], repeat=True)
    result = agent(journal, model, budget=Budget(model_calls=5), parts={"memory": Greedy()}).run("x")
    assert (result.status, result.answer) == ("budget", "forty-two")
    assert result.budget["model_calls"]["spent"] == 4, "nothing of the last slice was needed"


def test_a_model_that_fails_is_an_error_with_what_was_kept(journal: Journal) -> None:
    result = agent(journal, [call("add", a=1, b=1), ModelFailed("overloaded", status=400)]).run("x")
    assert (result.status, result.answer) == ("error", "")
    assert "overloaded" in result.error
    assert journal.run(result.run).status == "error"
    assert same(replayed(journal, result), result)


def test_wrong_input_is_raised_before_anything_happens(journal: Journal) -> None:
    with pytest.raises(InputError, match="two tools are called 'add'"):
        agent(journal, ["x"]).run(Task("t", "x", (Tool("add", "", {}),)))
    outside = Tool("outside", "From a server.", {"type": "object"}, lambda given: "x", price=None)
    with pytest.raises(UnknownPrice, match="'outside'"):
        agent(journal, [call("outside")], budget=Budget(usd=1)).run(Task("t", "x", (outside,)))
    assert not journal.runs()


def test_a_partial_answer_of_the_planners_own_ends_as_budget(journal: Journal, planners: dict[str, type]) -> None:
    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        return Answer("as far as I came", partial=True)

    planners["mine"] = planner(solve)
    result = agent(journal, [], system=System(planner="mine")).run("x")
    assert (result.status, result.answer) == ("budget", "as far as I came")


def test_a_planner_whose_children_run_at_once_may_fail_at_once(journal: Journal, planners: dict[str, type]) -> None:
    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        children = [await ctx.spawn() for _ in range(4)]
        async with anyio.create_task_group() as group:
            for child in children:
                group.start_soon(lambda child=child: child.complete([user("x")], prompt=ASK))
        return Answer("never")

    planners["mine"] = planner(solve)
    model = ScriptedModel(["x"], repeat=True)
    result = agent(journal, model, system=System(planner="mine"), budget=Budget(model_calls=3)).run("x")
    assert (result.status, result.stopped_by, result.answer) == ("budget", "model_calls", "x")


def test_a_stream_that_a_planner_leaves_is_paid_for(journal: Journal, planners: dict[str, type]) -> None:
    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        async for delta in ctx.stream([user(task.text)], prompt=ASK):
            return Answer(delta.text)
        return Answer()

    planners["mine"] = planner(solve)
    model = ScriptedModel(["long answer " * 20], chunks=5)
    result = agent(journal, model, system=System(planner="mine"), budget=Budget(tokens=5000)).run("x")
    assert result.status == "done"
    assert result.ledger.total.calls == 1
    assert result.budget["tokens"]["reserved"] == 0
    assert result.budget["tokens"]["spent"] == result.ledger.total.tokens.total > 500, "at its reservation"
    assert journal.ledger(result.run) == result.ledger


def test_a_slice_that_a_planner_leaves_open_is_counted(journal: Journal, planners: dict[str, type]) -> None:
    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        child = await ctx.spawn(budget=Budget(tokens=2000))
        return Answer((await child.complete([user("x")], prompt=ASK)).text)

    planners["mine"] = planner(solve)

    async def main() -> None:
        account = LocalAccount(Budget(tokens=9000))
        mine = agent(journal, ["x"], system=System(planner="mine"), budget=Budget(tokens=5000))
        result = await mine.arun("x", account=account)
        spent = result.ledger.total.tokens.total
        assert spent > 0
        assert result.budget["tokens"] == {"limit": 5000, "spent": spent, "reserved": 0, "kept": 500}
        assert account.balance()["tokens"] == {"limit": 9000, "spent": spent, "reserved": 0, "kept": 0}

    anyio.run(main)


class Slow(ScriptedModel):
    """Hangs unless it is asked for the last answer."""

    async def stream(self, request: Request) -> AsyncIterator[Delta]:  # type: ignore[override]
        if request.prompt != LAST_ANSWER.ref:
            await anyio.sleep_forever()
        async for delta in super().stream(request):
            yield delta


def test_the_clock_stops_a_run_and_leaves_time_for_an_answer(journal: Journal) -> None:
    result = agent(journal, Slow(["in time"]), budget=Budget(seconds="0.5")).run("x")
    assert (result.status, result.stopped_by, result.answer) == ("budget", "seconds", "in time")
    assert 0.4 <= result.ledger.wall_seconds < 0.6


def test_a_cancelled_run_is_written_down_as_stopped(journal: Journal) -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=9000))
        with anyio.move_on_after(0.05):
            await agent(journal, Slow(["x"]), budget=Budget(tokens=5000)).arun("x", account=account)
        record = journal.run("last")
        assert record.status == "stopped"
        assert not journal.in_flight(record.id)
        spent = journal.ledger(record.id).total.tokens.total
        assert account.balance()["tokens"] == {"limit": 9000, "spent": spent, "reserved": 0, "kept": 0}
        assert spent > 500, "charged at its worst"

    anyio.run(main)


# -- memory ----------------------------------------------------------------------------------------


class Diary:
    """Keeps everything, embeds every question, and asks the model what to note."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    async def write(self, episode: Episode, ctx: Any) -> None:
        self.notes.append((await ctx.complete([user(episode.text)], prompt=Prompt("note", 1, ""))).text)

    async def manage(self, ctx: Any) -> None: ...

    async def read(self, query: Query, ctx: Any) -> Recall:
        await ctx.embed([query.text])
        return Recall("; ".join(self.notes))


def talks(request: Request) -> Any:
    if request.prompt == "note@1":
        return f"noted {len(request.messages[0].text)}"
    known = "What is known from before" in request.messages[1].text
    if not known and not any(message.role == "tool" for message in request.messages):
        return [call("add", a=1, b=2)]
    return "from memory" if known else "3"


WITH_MEMORY = System(selector={"name": "top-k", "k": 1}, planner="react")


def test_what_was_remembered_is_shown_the_next_time(journal: Journal) -> None:
    mine = agent(journal, ScriptedModel(talks), system=WITH_MEMORY, parts={"memory": Diary()})
    first, second = mine.run("What is 1 + 2?"), mine.run("And again?")
    assert (first.answer, second.answer) == ("3", "from memory")
    assert second.ledger.total.tokens.total < first.ledger.total.tokens.total
    for result in (first, second):
        phases = {phase: cell.calls for phase, cell in result.ledger.phases.items()}
        assert phases == {"write": 2, "manage": 1, "read": 2}
        assert result.ledger.components["memory"].calls == 5
        assert result.ledger.terms["memory"] == result.ledger.components["memory"]
        assert same(replayed(journal, result, WITH_MEMORY, memory=Diary()), result)


# -- replay ----------------------------------------------------------------------------------------

REPLAYS: Mapping[str, Any] = {
    "plain": {},
    "selector that embeds": {"system": System(selector="top-k")},
    "window": {"system": System(context="sliding-window")},
    "plan": {"system": System(planner="plan-then-execute")},
    "money": {"budget": Budget(usd="0.5")},
    "stopped by calls": {"budget": Budget(model_calls=2)},
    "stopped by tools at once": {"budget": Budget(tool_calls=1)},
    "stopped by steps": {"budget": Budget(steps=1)},
    "stopped by tokens": {"budget": Budget(tokens=700)},
    "stopped by money": {"budget": Budget(usd="0.001")},
    "stopped by the size of a request": {"budget": Budget(request_tokens=330)},
    "everything at once": {"budget": Budget(usd="0.0015", tokens=1500, steps=4, tool_calls=5, seconds=50)},
}


def works(request: Request) -> Any:
    if request.schema is not None:
        return json.dumps({"steps": [call("add", a=1, b=2), call("look", subject="$1")]})
    turns = sum(bool(message.tool_calls) for message in request.messages)
    if request.tools and turns < 3:
        return [call("look", subject=f"雨 {turns}"), call("add", a=turns, b=1)][: 2 - turns % 2]
    return f"after {turns}"


@pytest.mark.parametrize("case", REPLAYS)
def test_a_replay_gives_the_same_and_asks_nobody(journal: Journal, case: str) -> None:
    options = REPLAYS[case]
    result = agent(journal, ScriptedModel(works), **options).run("天气 What is known?")
    if case.startswith("stopped"):
        assert result.status == "budget", result
    before = len(journal.events(result.run))
    again = replayed(journal, result, options.get("system"))
    assert same(again, result)
    assert again.budget == {key: row for key, row in result.budget.items() if key != "seconds"}
    assert len(journal.events(result.run)) == before, "a replay writes nothing"


def test_a_replay_that_would_ask_something_else_says_so(journal: Journal) -> None:
    result = agent(journal, ScriptedModel(works)).run("x")
    with pytest.raises(ReplayMismatch):
        replayed(journal, result, System(planner="plan-then-execute"))
    with pytest.raises(ReplayMismatch, match=r"asks for something else|made no call"):
        replayed(journal, result, System(temperature=0.7))


def test_a_planner_that_looks_at_its_budget_sees_the_same_on_a_replay(
    journal: Journal, planners: dict[str, type]
) -> None:
    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        text = ""
        for _ in range(3):
            left = {key: str(amount) for key, amount in ctx.remaining().items()}
            text = (await ctx.complete([user(f"left: {left}")], prompt=ASK)).text
        try:
            await ctx.spawn(budget=Budget(model_calls=1))
        except BudgetExceeded:
            text += " and no slice"
        return Answer(text)

    planners["mine"] = planner(solve)
    system, budget = System(planner="mine"), Budget(model_calls=4, tokens=9000, usd=1)
    result = agent(journal, ["x"] * 3, system=system, budget=budget).run("x")
    assert result.answer == "x and no slice"
    assert same(replayed(journal, result, system), result)


def test_time_and_chance_are_the_same_on_a_replay(journal: Journal, planners: dict[str, type]) -> None:
    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        return Answer(f"{await ctx.now()} {ctx.random().random()}")

    planners["mine"] = planner(solve)
    system = System(planner="mine", seed=11)
    result = agent(journal, [], system=system).run("x")
    assert replayed(journal, result, system).answer == result.answer


def test_an_environment_is_not_asked_on_a_replay(journal: Journal, planners: dict[str, type]) -> None:
    class Counter:
        name = "counter"
        steps = 0

        async def reset(self, task: Task) -> str:
            return "start"

        async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
            self.steps += 1
            return ToolResult(f"{self.steps} {action['go']}")

        async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
            self.steps += 1

        def state(self) -> Mapping[str, Any]:
            return {"steps": self.steps}

    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        north, south = await ctx.act({"go": "north"}), await ctx.act({"go": "南"})
        return Answer(f"{task.text}: {north.text}, {south.text}")

    planners["mine"] = planner(solve)
    system, world, again = System(planner="mine"), Counter(), Counter()
    mine = agent(journal, [], system=system)
    result = anyio.run(partial(mine.arun, Task("", "x", environment="counter"), environment=world))
    assert result.answer == "x\n\nstart: 1 north, 2 南"
    assert result.state == {"steps": 2}
    assert replayed(journal, result, system).answer == result.answer
    assert world.steps == 2
    assert anyio.run(mine.replay, result.run, again).state == {"steps": 2}


def test_a_resumed_run_is_led_to_where_its_world_stood(journal: Journal, planners: dict[str, type]) -> None:
    class Counter:
        name = "counter"

        def __init__(self) -> None:
            self.went: list[str] = []

        async def reset(self, task: Task) -> str:
            return ""

        async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
            self.went.append(action["arguments"]["to"])
            return ToolResult(f"at {len(self.went)}")

        async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
            await self.step(action, None)

        def state(self) -> Mapping[str, Any]:
            return {"went": list(self.went)}

    dies = [True]

    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        seen = [await ctx.call_tool(ToolCall("1", "go", {"to": "north"}))]
        if dies.pop() if dies else False:
            raise RuntimeError("the process dies here")
        seen.append(await ctx.call_tool(ToolCall("2", "go", {"to": "east"})))
        return Answer(", ".join(one.text for one in seen))

    planners["mine"] = planner(solve)
    go = Tool("go", "Go.", {"type": "object"}, acts=True)
    system, task = System(planner="mine"), Task("", "walk", (go,), environment="counter")
    mine, first = agent(journal, [], system=system), Counter()
    with pytest.raises(RuntimeError, match="dies here"):
        anyio.run(partial(mine.arun, task, environment=first))
    run = journal.runs(limit=1)[0].id
    second = Counter()
    result = anyio.run(partial(mine.resume, run, tools=[go], environment=second))
    assert result.answer == "at 1, at 2"
    assert result.state == {"went": ["north", "east"]}
    assert first.went == ["north"]
    assert result.ledger.terms["tools"].calls == 2


def test_the_seed_of_a_trial_drives_chance(journal: Journal, planners: dict[str, type]) -> None:
    async def solve(self: Any, task: Task, ctx: Any) -> Answer:
        return Answer(str(ctx.random().random()))

    planners["mine"] = planner(solve)

    async def main() -> None:
        mine = agent(journal, [], system=System(planner="mine", seed=5))
        drawn = [(await mine.arun("x", seed=seed)).answer for seed in (1, 1, 2, None, 5)]
        assert drawn[0] == drawn[1] != drawn[2]
        assert drawn[3] == drawn[4]

    anyio.run(main)


def test_a_replay_sees_parameters_and_arguments_in_their_own_order(tmp_path: Path) -> None:
    order = {"type": "object", "properties": {"zulu": {"type": "integer"}, "alpha": {"type": "integer"}}}
    tool = Tool("go", "Go.", order, lambda given: list(given), inline=True)
    script = ['{"steps": [{"tool": "go", "arguments": {"zulu": 1, "alpha": 2}}]}', "done"]
    parts = Parts(models={"main": ScriptedModel(script)}, prices=PRICES)
    system = System(model="scripted", planner="plan-then-execute")
    agent = Agent(system, tools=[tool], parts=parts, journal=Journal(tmp_path / "journal.sqlite"))
    first = anyio.run(agent.arun, "Go there.")
    assert anyio.run(agent.replay, first.run).answer == first.answer == "done"
