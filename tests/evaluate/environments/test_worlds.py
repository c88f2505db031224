"""The worlds of Blocksworld, CostBench and the stories: their rules, hostile input, clones, and doing a run again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.blocksworld import BlocksworldSet
from scrimp.evaluate.benchmarks.checking import right_answer
from scrimp.evaluate.benchmarks.costbench import CostBench, optimal
from scrimp.evaluate.benchmarks.gold import resolve
from scrimp.evaluate.benchmarks.stories import Stories
from scrimp.evaluate.benchmarks.tau2_bench import Tau2Bench
from scrimp.evaluate.benchmarks.tau_bench import TauBench
from scrimp.evaluate.environments.blocksworld import Blocksworld, Goal, Impossible, Table
from scrimp.evaluate.environments.story import story
from scrimp.evaluate.environments.tool_graph import EVENTS, Graph
from scrimp.evaluate.oracle_evidence import read
from scrimp.testing import conformance

OPENED: dict[str, Callable[[], Any]] = {
    "blocksworld": lambda: BlocksworldSet("sample"),
    "costbench": CostBench,
    "costbench with an event": lambda: CostBench(event="cost_change"),
    "stories": lambda: Stories(scenes=6),
    "retail": lambda: TauBench("sample"),
    "retail, second": lambda: Tau2Bench("sample", user="none"),
}


@pytest.mark.parametrize("name", OPENED)
def test_the_promises_of_a_world(name: str) -> None:
    async def main() -> None:
        bench = OPENED[name]()
        task = first(bench)
        given: list[str] = []
        way, world = [], bench.environment(task)
        await world.reset(task)
        for step in bench.gold(task.id).steps[:4]:
            way.append({"name": step.tool, "arguments": resolve(step.arguments, given)})
            given.append(str(read((await world.step(way[-1], None)).text, step.gives)))
        await conformance.environment(lambda: bench.environment(task), task, way)

    anyio.run(main)


async def do(world: Any, name: str, **arguments: Any) -> str:
    return (await world.step({"name": name, "arguments": arguments}, None)).text  # type: ignore[no-any-return]


def first(bench: Any, split: str | None = None) -> Task:
    return next(iter(bench.tasks(split or bench.default_split)))


def in_loop(main: Callable[[], Awaitable[None]]) -> None:
    anyio.run(main)


# -- Blocksworld


def test_what_can_be_done_with_blocks() -> None:
    table = Table((("A", "B"), ("C",), ()), {"A": 60, "B": 40, "C": 50})
    held = table.after("unstack", "B", "A")
    assert held.held == "B"
    assert held.after("put_down", "B").stacks == (("A",), ("C",), ("B",)), "the leftmost free place"
    assert held.after("stack", "B", "C").stacks == (("A",), ("C", "B"), ())
    for action, why in (
        (("pick_up", "B"), "B lies on A"), (("pick_up", "A"), "A is not on top"), (("pick_up", "Z"), "no block Z"),
        (("unstack", "B", "C"), "does not lie on C"), (("put_down", "B"), "does not hold B"),
    ):  # fmt: skip
        with pytest.raises(Impossible, match=why):
            table.after(*action)
    with pytest.raises(Impossible, match="the hand holds B"):
        held.after("pick_up", "C")
    with pytest.raises(Impossible, match="C is larger than B"):
        table.after("pick_up", "C").after("stack", "C", "B")
    with pytest.raises(Impossible, match="no free place"):
        Table((("C",), ("B",)), held="A").after("put_down", "A")


@pytest.mark.parametrize(
    ("says", "stacks", "holds"),
    [
        ("Build tower A-B-C from bottom to top.", (("A", "B", "C"), ("D",)), True),
        ("Build tower A-B-C from bottom to top.", (("A", "B", "C", "D"),), False),
        ("Create Tower E,D,C from bottom to top.", ((), ("E", "D", "C")), True),
        ("Create the stacks A-B, and C alone.", (("A", "B"), ("C",)), True),
        ("Create the stacks A-B, and C alone.", (("A", "B"), ("D", "C")), False),
        ("Restack Stack 3 (B-A) to Stack 1 (empty).", (("B", "A"), (), ()), True),
        ("Restack Stack 3 (B-A) to Stack 1 (empty).", ((), (), ("B", "A")), False),
    ],
)
def test_goals_are_read_from_their_words(says: str, stacks: tuple[tuple[str, ...], ...], holds: bool) -> None:
    assert Goal.read(says, ()).holds(stacks, {}) is holds


def test_other_goals_are_their_targets_in_any_order() -> None:
    singles = Goal.read("Each stack should contain only one block.", (("A",), ("B",)))
    assert singles.holds((("B",), (), ("A",)), {})
    sizes = Goal.read("Build towers, each containing only blocks of one size.", (("A", "B"), ("C",)))
    assert sizes.holds((("B", "A"), ("C",)), {"A": 1, "B": 1, "C": 2})
    assert not sizes.holds((("C", "A"), ("B",)), {"A": 1, "B": 1, "C": 2})


def test_a_plan_is_verified_without_moving_anything() -> None:
    async def main() -> None:
        world = Blocksworld(Table((("A", "B"), ())), Goal((("B", "A"),)), veiled=True)
        assert await world.reset(Task("t", "x")) == (
            "Stacks, top blocks only: stack 1: top block B; stack 2: empty. The hand is empty."
        )
        plan = [{"action": "unstack", "block1": "B", "block2": "A"}, {"action": "put_down", "block": "B"}]
        assert await do(world, "verify_plan", plan=plan) == "the plan does not reach the goal"
        whole = [*plan, {"action": "pick_up", "block": "A"}, {"action": "stack", "block1": "A", "block2": "B"}]
        assert await do(world, "verify_plan", plan=whole) == "the plan is valid and reaches the goal"
        assert "fails at action 1" in await do(world, "verify_plan", plan=whole[1:])
        assert world.state() == {"stacks": [["A", "B"], []], "held": "", "steps": 0, "attempts": 3, "errors": 0}
        assert "does not lie on" in await do(world, "unstack", block1="B", block2="C")
        assert world.state()["errors"] == 1

    in_loop(main)


def test_an_impossible_goal_must_be_called_so() -> None:
    async def main() -> None:
        bench = BlocksworldSet("sample")
        (task,) = bench.tasks("impossible")
        assert (await bench.score(task, Answer("No plan can reach this goal."))).success
        assert not (await bench.score(task, Answer("done", state={"stacks": [["A"]]}))).success
        possible = first(bench, "basic")
        held: Score = await bench.score(possible, Answer("done", state={"stacks": [[], ["B"]], "held": "A"}))
        assert not held.success

    in_loop(main)


# -- CostBench


def test_the_cheapest_way_is_never_dearer_than_any_other() -> None:
    for number in range(30):
        graph = Graph.made("dining", {"tier": ("grand", "modest")}, 3, f"t{number}")
        price, tools = graph.cheapest()
        by_name = {offer.name: offer for offer in graph.offers}
        assert price == pytest.approx(sum(by_name[tool].price for tool in tools))
        assert price <= graph.greedy() + 1e-9
        assert price <= sum(offer.price for offer in graph.offers if offer.end - offer.start == 1) + 1e-9
        assert max(offer.end - offer.start for offer in graph.offers) == graph.length - 1, (
            "the longest bundle is banned"
        )


@pytest.mark.parametrize("event", EVENTS)
def test_the_official_metrics_of_the_best_and_of_a_dearer_way(event: str) -> None:
    async def main() -> None:
        bench = CostBench(event=event)
        states = {}
        for task in list(bench.tasks("made"))[:30]:
            answer = await right_answer(bench, task)
            score = await bench.score(task, answer)
            assert (score.value, score.success) == (1.0, True)
            states[task.id] = (answer.state, score.success)
        best = bench.figures(states)
        assert (best["cost_gap"], best["aed"], best["emr"], best["uihr"], best["itur"]) == (0.0, 0.0, 1.0, 1.0, 0.0)
        worse = {
            key: ({**state, "paid": state["paid"] + 20.0, "invalid": 1}, hit) for key, (state, hit) in states.items()
        }
        assert bench.figures(worse)["cost_gap"] == pytest.approx(1.0)
        assert bench.figures(worse)["itur"] > 0
        lost = {key: ({**state, "place": 1}, False) for key, (state, _) in states.items()}
        assert bench.figures(lost)["aned"] == 1.0

    in_loop(main)


def test_a_call_takes_exactly_what_the_one_before_gave() -> None:
    async def main() -> None:
        bench = CostBench()
        task = first(bench)
        world = bench.environment(task)
        told = await world.reset(task)
        assert all(f"{offer.name} {offer.price:g}" in told for offer in world.graph.offers)
        decide = next(offer for offer in world.graph.offers if offer.start == 0 and offer.end == 1)
        then = next(offer for offer in world.graph.offers if offer.start == 1)
        assert "does not take what is there now" in await do(world, then.name, input="nothing yet")
        wants = optimal(bench._item(task.id))[0][0][1]
        given = await do(world, decide.name, **wants)
        assert "input must be" in await do(world, then.name, input=f"{given}x")
        assert (await do(world, then.name, input=given)).startswith(given.rpartition(":")[0])
        assert world.state()["invalid"] == 2
        assert world.state()["path"] == [decide.name, then.name]

    in_loop(main)


def test_options_that_cannot_be() -> None:
    with pytest.raises(InputError, match="refinement steps"):
        CostBench(refine=0)
    with pytest.raises(InputError, match="scenes from 2"):
        Stories(scenes=1)


# -- stories


def test_a_clue_comes_before_the_scene_that_needs_it_and_is_not_told_again() -> None:
    for number in range(20):
        scenes = story(f"s{number}", 12, 4)
        for place, scene in enumerate(scenes):
            if scene.why is None:
                continue
            assert scene.why == place - 4
            assert scene.clue in scenes[scene.why].text
            assert scene.clue not in scene.text
            assert (
                scene.ways[scene.right].removeprefix("show the ").removesuffix(" ribbon").removeprefix("draw ")
                in scene.clue
            )


def test_the_two_modes() -> None:
    async def main() -> None:
        bench = Stories(scenes=4, delay=2)
        task = first(bench, "immediate")
        scenes, world = bench._story(task.id), bench.environment(task)
        await world.reset(task)
        right = [scene.right + 1 for scene in scenes]
        wrong = right[0] % 3 + 1
        assert await do(world, "choose", way=wrong) == "That was wrong; choose again."
        for way in right:
            said = await do(world, "choose", way=way)
        assert said == "The end: you arrive safely."
        assert world.state() == {"first_right": 3, "first": 4, "retries": 1, "longest": 4, "ended": True}

        task = first(bench, "recovery")
        scenes, world = bench._story(task.id), bench.environment(task)
        await world.reset(task)
        right = [scene.right + 1 for scene in scenes]
        for way in (right[0], right[1] % 3 + 1, right[2]):
            await do(world, "choose", way=way)
        assert "The story fails" in await do(world, "choose", way=right[3])
        assert "the story failed; go back" in await do(world, "choose", way=1)
        assert (await do(world, "go_back", scene=2)).startswith("Scene 2 of 4")
        for way in right[1:]:
            said = await do(world, "choose", way=way)
        assert said == "The end: you arrive safely."
        score = await bench.score(task, Answer("done", state=world.state()))
        assert (score.value, score.success) == (0.75, True)

    in_loop(main)
