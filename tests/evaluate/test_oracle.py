import asyncio
import gc
import json
import time
from collections import Counter
from functools import lru_cache
from itertools import islice

import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.messages import Request, assistant, fold, observation, system, user
from scrimp.core.protocols import Model
from scrimp.core.task import Answer
from scrimp.core.tool import signature
from scrimp.evaluate.benchmarks.bfcl import BFCL
from scrimp.evaluate.benchmarks.boundary import Boundary
from scrimp.evaluate.benchmarks.files import samples
from scrimp.evaluate.benchmarks.gold import Gold, Ref, Step
from scrimp.evaluate.benchmarks.toolworld import ToolWorld
from scrimp.evaluate.oracle import Oracle
from scrimp.evaluate.oracle_evidence import Sight, told
from scrimp.evaluate.oracle_rules import CANNOT, Habits, Mind

FIXTURES = samples("bfcl")


@lru_cache(maxsize=4)
def world(tools=None):
    return ToolWorld(tools)


def oracle(name="oracle", tools=None):
    return Oracle.parse(name, world(tools))


def of_kind(kind, tools=None, least_depth=0):
    return next(
        task
        for task in world(tools).tasks("test")
        if task.labels["kind"] == kind and int(task.labels["depth"]) >= least_depth
    )


def ask(model, *messages, **fields):
    async def listen():
        return [delta async for delta in model.stream(Request(tuple(messages), **fields))]

    return fold(asyncio.run(listen()))


async def react(model, task, *, tools=None, parallel=True, change=lambda messages: messages, steps=12):
    """A small ReAct: send the tools, run the calls, append; the answer and the model calls it took."""
    tools = {tool.name: tool for tool in (task.tools if tools is None else tools)}
    specs = tuple(tool.spec for tool in tools.values())
    messages = [system("Use the tools."), user(f"Question: {task.text}")]
    for turn in range(1, steps + 1):
        request = Request(tuple(change(messages)), specs, prompt="react@1", parallel_calls=parallel)
        response = fold([delta async for delta in model.stream(request)])
        bound = model.bound(request)
        assert response.usage.prompt <= bound.input
        assert response.usage.output <= bound.output
        if not response.tool_calls:
            return response.text, turn
        assert parallel or len(response.tool_calls) == 1
        messages.append(response.message)
        messages += [observation(call, tools[call.name].call(call.arguments).text) for call in response.tool_calls]
    return "", steps


def right(bench, task, text):
    return asyncio.run(bench.score(task, Answer(text), None)).success


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("tools", [None, 16])
def test_without_errors_it_solves_every_kind(tools, parallel):
    async def all_of_them():
        model = oracle(tools=tools)
        return [
            (task, *await react(model, task, parallel=parallel)) for task in islice(world(tools).tasks("test"), 300)
        ]

    kinds = Counter()
    for task, text, turns in asyncio.run(all_of_them()):
        assert right(world(tools), task, text), (task.id, text)
        gold = world(tools).gold(task.id)
        assert turns == 1 + (gold.depth if parallel else len(gold.steps))
        kinds[task.labels["kind"]] += 1
    assert set(kinds) == {"single", "parallel", "chained", "mixed", "none", "unsolvable"}


def test_without_the_tool_it_fails_honestly():
    failed = said_so = 0
    for task in islice(world().tasks("test"), 60):
        gold = world().gold(task.id)
        if not gold.steps:
            continue
        left = [tool for tool in task.tools if tool.name != gold.steps[-1].tool]
        text, _ = asyncio.run(react(oracle(), task, tools=left))
        assert not right(world(), task, text), task.id
        failed += 1
        said_so += text == CANNOT
    assert failed > 40
    assert 0 < said_so < failed  # with a look-alike at hand it takes that one and is wrong


def test_a_cut_observation_is_no_evidence():
    task = of_kind("chained", least_depth=3)

    def cleared(messages):
        return [observation_cleared(message) for message in messages]

    def observation_cleared(message):
        return (
            message
            if message.role != "tool"
            else type(message)("tool", user("[cleared]").parts, (), message.tool_call_id)
        )

    text, turns = asyncio.run(react(oracle(), task, change=cleared))
    assert text == CANNOT
    assert turns == 3  # it asked twice for the first result and then gave up

    def forgotten(messages):
        return messages[:2]

    assert asyncio.run(react(oracle(), task, change=forgotten, steps=6)) == ("", 6)


def test_an_old_result_may_go_once_it_has_been_used():
    task = of_kind("chained", least_depth=3)

    def only_the_last(messages):
        results = [place for place, message in enumerate(messages) if message.role == "tool"]
        gone = set(results[:-1])
        return [
            type(message)("tool", user("[cleared]").parts, (), message.tool_call_id) if place in gone else message
            for place, message in enumerate(messages)
        ]

    text, turns = asyncio.run(react(oracle(), task, change=only_the_last))
    assert right(world(), task, text)
    assert turns == 1 + int(task.labels["depth"])


def test_without_the_question_it_cannot_tell():
    task = of_kind("none")
    assert right(world(), task, ask(oracle(), user(task.text), prompt="react@1").text)
    assert ask(oracle(), user(task.text[:-5]), prompt="react@1").text == CANNOT
    assert ask(oracle(), user("Hello"), prompt="react@1").text == CANNOT
    assert ask(oracle(), system(f"Earlier: {task.text}"), user("Go on."), prompt="react@1").text != CANNOT


def test_the_later_question_counts():
    one, two = islice((task for task in world().tasks("test") if task.labels["kind"] == "none"), 2)
    said = ask(oracle(), user(f"Once you were asked:\n{one.text}\n\nNow: {two.text}"), prompt="react@1")
    assert right(world(), two, said.text)


def plan_of(model, task, **fields):
    lines = "\n".join(signature(tool.spec) for tool in task.tools)
    return ask(model, system(f"Plan. Tools:\n{lines}"), user(task.text), prompt="plan@1", **fields)


def carry_out(task, plan):
    tools, results, lines = {tool.name: tool for tool in task.tools}, [], []
    for number, step in enumerate(plan["steps"], 1):
        arguments = {
            name: results[int(value[1:]) - 1].value if isinstance(value, str) and value.startswith("$") else value
            for name, value in step["arguments"].items()
        }
        results.append(tools[step["tool"]].call(arguments))
        lines.append((number, step["tool"], json.dumps(arguments), results[-1].text))
    return lines


@pytest.mark.parametrize(
    "form", ["${0} = {3}", "${0}: {1}({2}) = {3}", "{1}({2}) = {3}", "- {1}({2}) => {3}"], ids=range(4)
)
def test_it_plans_and_answers_from_the_evidence(form):
    model = oracle()
    for task in islice(world().tasks("test"), 60):
        plan = json.loads(plan_of(model, task).text)
        assert len(plan["steps"]) == len(world().gold(task.id).steps)
        evidence = "\n".join(form.format(*line) for line in carry_out(task, plan))
        said = ask(model, user(task.text), user(f"Results:\n{evidence}\nAnswer."), prompt="answer@1")
        assert right(world(), task, said.text), (task.id, said.text, evidence)
        if plan["steps"]:
            assert ask(model, user(task.text), user("Answer."), prompt="answer@1").text == CANNOT
            cut = "\n".join(evidence.splitlines()[:-1])
            assert ask(model, user(task.text), user(f"{cut}\nAnswer."), prompt="answer@1").text == CANNOT


def test_a_call_that_was_not_made_is_no_evidence():
    assert list(told("$2: staff_manager was not called, since a call it depends on failed")) == []
    assert list(told("- add_tax(net: number, rate: number) - The price including tax")) == []
    assert [seen.text for seen in told('$1: f({"a": "b(c) = d"}) = 12')] == ["12"]


def test_a_plan_ends_before_a_step_whose_tool_is_not_listed():
    task = of_kind("chained", least_depth=2)
    missing = world().gold(task.id).steps[-1].tool
    lines = "\n".join(signature(tool.spec) for tool in task.tools if tool.name != missing)
    said = ask(oracle(), system(lines), user(task.text), prompt="plan@1")
    assert [step["tool"] for step in json.loads(said.text)["steps"]] == [
        step.tool for step in world().gold(task.id).steps[:-1]
    ]


def test_a_plan_keeps_to_its_schema():
    task = of_kind("chained", least_depth=2)
    step = {"type": "object", "properties": {"tool": {}, "arguments": {"type": "object"}, "why": {"type": "string"}},
            "required": ["tool", "arguments", "why"], "additionalProperties": False}  # fmt: skip
    schema = {
        "type": "object",
        "properties": {"thought": {"type": "string"}, "steps": {"type": "array", "items": step}},
        "required": ["thought", "steps"],
    }
    plan = json.loads(plan_of(oracle(), task, schema=schema).text)
    assert list(plan) == ["thought", "steps"]
    assert all(set(item) == {"tool", "arguments", "why"} for item in plan["steps"])


def test_errors_are_drawn_by_task_and_step_and_shared_by_every_way():
    model = oracle("oracle?error=0.2&seed=7")
    tasks = [task for task in islice(world().tasks("test"), 120) if world().gold(task.id).steps]
    wrong = Counter()
    for task in tasks:
        by_react, _ = asyncio.run(react(model, task, parallel=False))
        lines = carry_out(task, json.loads(plan_of(model, task).text))
        evidence = "\n".join(f"${line[0]} = {line[3]}" for line in lines)
        by_plan = ask(model, user(task.text), user(evidence), prompt="solve@1").text
        assert by_react == by_plan, task.id
        gold = world().gold(task.id)
        minds = Mind(Sight(Request((user(task.text),)), task, gold), model.habits, "")
        slipped = any(minds.errs(place) for place in range(len(gold.steps)))
        assert right(world(), task, by_react) is not slipped
        wrong[slipped] += 1
    assert 0.2 < wrong[True] / len(tasks) < 0.55
    again = [asyncio.run(react(oracle("oracle?error=0.2&seed=7"), task))[0] for task in tasks[:20]]
    other = [asyncio.run(react(oracle("oracle?error=0.2&seed=8"), task))[0] for task in tasks[:20]]
    assert again == [asyncio.run(react(model, task))[0] for task in tasks[:20]]
    assert again != other


def test_the_error_rate_is_the_one_that_is_stated():
    rates = {}
    for correlation in (1.0, 0.0):
        habits = Habits(error=0.1, correlation=correlation)
        minds = [
            Mind(Sight(Request((user(task.text),)), task, world().gold(task.id)), habits, "salt")
            for task in world().tasks("test")
        ]
        draws = [mind.errs(place) for mind in minds for place in range(max(1, len(mind.sight.gold.steps)))]
        rates[correlation] = sum(draws) / len(draws)
        assert 0.08 < rates[correlation] < 0.12
        salted = [Mind(mind.sight, habits, "other").errs(0) for mind in minds]
        same = sum(a.errs(0) is b for a, b in zip(minds, salted, strict=True)) / len(minds)
        assert (same == 1.0) is (correlation == 1.0)


def test_an_erring_oracle_calls_something_for_what_cannot_be_done():
    model = oracle("oracle?error=1")
    task = of_kind("unsolvable")
    text, turns = asyncio.run(react(model, task))
    assert turns == 2
    assert not right(world(), task, text)
    task = of_kind("none")
    assert asyncio.run(react(model, task))[0] == world().gold(task.id).wrong


def test_the_knowledge_boundary_and_its_gate():
    bench = Boundary()
    model, wrong = Oracle(bench), Oracle.parse("oracle?error=1", bench)
    for task in islice(bench.tasks("test"), 40):
        gold = bench.gold(task.id)
        text, turns = asyncio.run(react(model, task))
        assert right(bench, task, text)
        assert turns == 1 + gold.needs_call
        said = json.loads(ask(model, user(task.text), prompt="gate@2").text)
        assert said["call"] is gold.needs_call
        assert right(bench, task, said["answer"]) is not gold.needs_call
        assert json.loads(ask(wrong, user(task.text), prompt="gate@2").text)["call"] is not gold.needs_call


def test_function_calling_benchmarks():
    bench = BFCL(FIXTURES)
    for name, wanted in (("oracle", True), ("oracle?error=1", False)):
        model = Oracle.parse(name, bench)
        for task in bench.tasks("test"):
            for prompt in ("calls@1", "react@1"):
                said = ask(model, user(task.text), tools=tuple(tool.spec for tool in task.tools), prompt=prompt)
                score = asyncio.run(bench.score(task, Answer(calls=said.tool_calls), None))
                assert score.success is wanted, (task.id, score.detail)
            assert not ask(model, user(task.text), prompt="calls@1").tool_calls


class Twins:
    """Two tasks of one wording that offer different tools."""

    name, version, splits, default_split = "twins", "1", ("test",), "test"

    def __init__(self):
        tools = world().tools
        base = of_kind("single")
        self.all = [
            type(base)(f"twin-{place}", "What is the matter here, please?", tools[place : place + 1])
            for place in (0, 1)
        ]

    def tasks(self, split):
        return iter(self.all)

    def gold(self, task_id):
        tool = next(task for task in self.all if task.id == task_id).tools[0]
        return Gold("number", (1,), (Step(tool.name, {"a": 1}, ("a", 2), "number"),), (0,))


@pytest.mark.parametrize("place", [0, 1])
def test_tasks_of_one_wording_are_told_apart_by_their_tools(place):
    bench = Twins()
    task = bench.all[place]
    specs = tuple(tool.spec for tool in task.tools)
    said = ask(Oracle(bench), user(task.text), tools=specs, prompt="react@1")
    assert [call.name for call in said.tool_calls] == [task.tools[0].name]
    said = ask(Oracle(bench), system(signature(specs[0])), user(task.text), prompt="plan@1")
    assert [step["tool"] for step in json.loads(said.text)["steps"]] == [task.tools[0].name]


def test_a_result_of_one_step_is_no_evidence_of_another():
    """Two steps call one tool; while the second's argument is unknown, the first's call must not pass for it."""
    steps = (
        Step("next_of", {"name": "a"}, ("name", "x"), "text"),
        Step("place_of", {"name": Ref(0)}, ("name", "x"), "text"),
        Step("next_of", {"name": Ref(1)}, ("name", "x"), "text"),
    )
    task = of_kind("single")
    gold = Gold("text", ("z",), steps, (2,))
    call = assistant("", [fake_call("1", "next_of", {"name": "a"})])
    request = Request((user(task.text), call, observation(call.tool_calls[0], "b")))
    mind = Mind(Sight(request, task, gold), Habits(), "")
    assert mind.value(0) == "b"
    assert mind.final is None


def fake_call(key, name, arguments):
    return type(ask(oracle(), user(of_kind("single").text), tools=(world().tools[1].spec,), prompt="react@1")
                .tool_calls[0])(key, name, arguments)  # fmt: skip


def test_usage_has_a_prefix_cache_like_a_provider():
    task = of_kind("chained", least_depth=2)
    specs = tuple(tool.spec for tool in task.tools)
    for least, first_hit in ((0, True), (10**6, False)):
        model = oracle(f"oracle?cache_min={least}")
        opening = (system("Use the tools."), user(task.text))
        cold = ask(model, *opening, tools=specs, prompt="react@1")
        assert cold.usage.cached_input == 0
        assert cold.usage.input > 96 * 40
        later = (*opening, cold.message, observation(cold.tool_calls[0], "1"))
        warm = ask(model, *later, tools=specs, prompt="react@1")
        if first_hit:
            assert warm.usage.cached_input >= cold.usage.prompt - 3
            assert 0 < warm.usage.input < 120
        else:
            assert warm.usage.cached_input == 0
        assert warm.usage.prompt > cold.usage.prompt
        reordered = ask(model, *opening, tools=specs[::-1], prompt="react@1")
        assert reordered.usage.cached_input == 0
        model.cold()
        assert ask(model, *later, tools=specs, prompt="react@1").usage.cached_input == 0


def test_output_length_follows_its_parameters_and_its_cap():
    task = of_kind("parallel")
    specs = tuple(tool.spec for tool in task.tools)
    short = ask(oracle("oracle?words=0&overhead=0"), user(task.text), tools=specs, prompt="react@1")
    long = ask(oracle("oracle?words=60&overhead=30"), user(task.text), tools=specs, prompt="react@1")
    assert short.text == ""
    assert len(long.text.split()) == 60
    assert long.usage.output >= short.usage.output + 50 + 30 * len(short.tool_calls)
    cut = ask(oracle(), user(task.text), tools=specs, prompt="react@1", max_output=9)
    assert (cut.finish, cut.tool_calls, cut.usage.output) == ("length", (), 9)
    assert ask(oracle(), user(task.text), tools=specs, prompt="react@1", temperature=1.0, seed=5) == ask(
        oracle(), user(task.text), tools=specs, prompt="react@1"
    )


def test_facts_state_what_evidence_asks_for():
    facts = oracle("oracle?error=0.1&seed=2").facts
    assert (facts["error"], facts["seed"], facts["correlation"]) == (0.1, 2, 1.0)
    assert "structure only" in facts["kind"]
    assert {"words_per_thought", "tokens_per_call_overhead", "cache", "tokens"} <= set(facts)
    assert json.dumps(dict(facts))


def test_names_and_prompts_that_do_not_exist():
    assert isinstance(oracle(), Model)
    for name, says in (
        ("oracle?errors=0.1", "no option 'errors'"),
        ("oracle?error=often", "a number"),
        ("oracle?error=1.5", "cannot be"),
        ("oracle?error=nan", "cannot be"),
        ("oracle?words=-1", "cannot be"),
    ):
        with pytest.raises(InputError, match=says):
            oracle(name)
    with pytest.raises(UnknownName, match="oracle rule"):
        ask(oracle(), user(of_kind("single").text), prompt="reflect@1")


def test_no_walk_over_attributes_reaches_the_gold():
    model = oracle()
    task = of_kind("single")
    asyncio.run(react(model, task))
    seen, waiting = set(), [model, task]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (str, int, float, type)):
            continue
        seen.add(id(thing))
        assert not isinstance(thing, (Gold, Step, ToolWorld)), thing
        if isinstance(thing, dict):
            waiting += [*thing.keys(), *thing.values()]
        elif isinstance(thing, (list, tuple, set, frozenset)):
            waiting += list(thing)
        else:
            slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting += list(getattr(thing, "__dict__", {}).values())
            waiting += [getattr(thing, name) for name in slots if name != "__weakref__" and hasattr(thing, name)]
            waiting += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
    assert len(seen) > 500


def test_a_call_with_96_tools_is_fast():
    task, model = of_kind("chained", least_depth=2), oracle()
    specs = tuple(tool.spec for tool in task.tools)
    messages = (system("Use the tools."), user(task.text))

    async def many():
        for place in range(100):
            request = Request((*messages, user(f"turn {place}")), specs, prompt="react@1")
            async for _ in model.stream(request):
                pass

    asyncio.run(many())
    gc.collect()
    start = time.perf_counter()
    asyncio.run(many())
    assert (time.perf_counter() - start) / 100 < 2e-3
