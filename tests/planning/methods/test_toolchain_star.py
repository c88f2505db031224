"""ToolChain*: one request an expansion, A* by agreement, solved plans and imagination."""

from __future__ import annotations

import json

import anyio
import pytest

from scrimp.core.context.means import Settings
from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import ToolCall
from scrimp.core.task import Task
from scrimp.models.scripted import ScriptedModel
from scrimp.planning.methods.mcts import MCTS
from scrimp.planning.methods.toolchain_star import ToolChainStar, cost_to_go, step_cost
from scrimp.planning.search.tree import Node, Proposal
from scrimp.testing import Bench, conformance
from tests.support.searching import ROOM, TASK, TOOL, WAY, counting, expansions, finish, guide, search, step


def test_it_walks_straight_where_the_samples_agree() -> None:
    calls: list[str] = []
    answer, bench = search(ToolChainStar(), tools=[counting(calls)])
    assert answer.text == "treasure"
    assert expansions(bench) == len(WAY) + 1
    assert calls == list(WAY), "a call is made when its node is expanded, once"
    assert {event.prompt.partition("@")[0] for event in bench.events if event.prompt} == {"next-steps"}


def test_the_same_tree_costs_mcts_more() -> None:
    star, tree = search(ToolChainStar())[1], search(MCTS(enough=2.0))[1]
    assert expansions(tree) > 2 * expansions(star)


def test_costs_are_the_papers_products() -> None:
    node = Node(Proposal(ToolCall("s", "b", {}), share=0.75, left=2.0), Node(Proposal(ToolCall("s", "a", {})), Node()))
    solved = [("a", "b", "final_answer")]
    assert step_cost(node, solved, 0.5) == 0.0, "a step that solved plans have is free"
    assert step_cost(node, [], 0.5) == pytest.approx((1.0**0.5) * (0.25**0.5))
    assert cost_to_go(node, [], 0.5) == pytest.approx((1 - 2 / 4) ** 0.5)
    assert cost_to_go(node, solved, 0.5) == pytest.approx((1 - 2 / 3) ** 0.5 * (1 - 2 / 4) ** 0.5)
    assert cost_to_go(Node(Proposal(ToolCall("s", "final_answer", {}), final=True), Node()), solved, 0.5) == 0.0


def test_a_solved_plan_is_kept_and_used_by_the_next_task() -> None:
    bench = Bench(ScriptedModel(guide), tools=[TOOL], settings=ROOM)
    planner = ToolChainStar()
    anyio.run(planner.solve, TASK, bench.ctx)
    anyio.run(planner.solve, TASK, bench.ctx)
    kept = anyio.run(bench.ctx.store("", "toolchain-star").scan)
    assert [record.data["steps"] for record in kept] == [["open", "open", "open", "final_answer"]], "kept once"
    failing = Bench(ScriptedModel(lambda request: json.dumps({"steps": [finish("x")]})), tools=[TOOL], settings=ROOM)
    anyio.run(ToolChainStar().solve, TASK, failing.ctx)
    assert anyio.run(failing.ctx.store("", "toolchain-star").count) == 0, "no step, nothing learned"


def test_it_stops_at_its_budget_with_its_best_answer() -> None:
    with pytest.raises(BudgetExceeded):
        search(ToolChainStar(), budget={"model_calls": 2})

    def two_ends(request):  # type: ignore[no-untyped-def]
        return json.dumps({"steps": [finish("maybe")] * 2 + [step("left")] * 8})

    answer, bench = search(ToolChainStar(), two_ends, budget={"nodes": 3})
    assert (answer.text, answer.partial) == ("maybe", True)
    assert bench.account.spent["nodes"] <= 3


def test_broken_replies_are_asked_for_once_more_and_counted() -> None:
    replies = iter(["not JSON", json.dumps({"steps": [finish("treasure")]})])
    answer, bench = search(ToolChainStar(), lambda request: next(replies))
    assert answer.text == "treasure"
    assert [event.retry for event in bench.events if event.kind == "model"] == ["", "repair"]
    nonsense = json.dumps({"steps": [{"tool": "rm -rf", "arguments": {}}, {"tool": "open", "arguments": 7}, "x"]})
    answer, bench = search(ToolChainStar(), lambda request: nonsense if "next" in request.prompt else "I give up")
    assert answer.text == "I give up"
    assert all(event.kind != "tool" for event in bench.events)


def test_a_task_that_wants_calls_gets_the_plan() -> None:
    answer, bench = search(ToolChainStar(), task=Task("t", "Find the treasure.", answer_with="calls"))
    assert [call.arguments["door"] for call in answer.calls] == list(WAY)  # type: ignore[index]
    assert all(event.kind != "tool" for event in bench.events)


@pytest.mark.anyio
async def test_it_keeps_the_promises_of_a_planner() -> None:
    await conformance.planner(ToolChainStar)


def test_what_it_cannot_take_is_said() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        ToolChainStar(alpha=2.0)


def test_its_samples_have_room_whatever_an_answer_may_take() -> None:
    """A System's limit on an answer is meant for one answer, not for ten."""
    model = ScriptedModel(guide)
    bench = Bench(model, tools=[TOOL], settings=Settings(max_output=64))
    assert anyio.run(ToolChainStar(samples=10).solve, TASK, bench.ctx).text == "treasure"
    assert model.requests[0].max_output == 2000
