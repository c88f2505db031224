"""MetaTool, Seal-Tools, NesTools, UltraTool and API-Bank: what is offered, what is right, and the official figures."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.messages import ToolCall
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks import metatool, nested
from scrimp.evaluate.benchmarks.api_bank import APIBank
from scrimp.evaluate.benchmarks.metatool import MetaTool
from scrimp.evaluate.benchmarks.nestools import NesTools
from scrimp.evaluate.benchmarks.seal_tools import SealTools
from scrimp.evaluate.benchmarks.ultratool import UltraTool, listed, similarity


def scored(bench: Any, task: Task, *calls: tuple[str, dict[str, Any]], text: str = "") -> Score:
    made = tuple(ToolCall(str(place), name, arguments) for place, (name, arguments) in enumerate(calls))

    async def main() -> Score:
        found: Score = await bench.score(task, Answer(text, made), None)
        return found

    return anyio.run(main)


def tasks(bench: Any, split: str) -> dict[str, Task]:
    return {task.id: task for task in bench.tasks(split)}


# -- MetaTool


def test_correct_selection_is_exactly_the_right_tools() -> None:
    bench = MetaTool("sample")
    (two,) = bench.tasks("multi_tool")
    assert scored(bench, two, ("KilnPlan", {}), ("DyeBath", {})).success
    assert not scored(bench, two, ("KilnPlan", {})).success
    assert (
        "got DyeBath, KilnPlan, LoomHelper"
        in scored(bench, two, ("KilnPlan", {}), ("DyeBath", {}), ("LoomHelper", {})).detail
    )
    (none,) = bench.tasks("reliability")
    assert "TideTool" not in {tool.name for tool in none.tools}
    assert scored(bench, none).success
    assert not scored(bench, none, ("SaltMap", {})).success


def test_similar_offers_the_gold_tool_among_its_nearest() -> None:
    bench = MetaTool("sample")
    for task in bench.tasks("similar"):
        names = [tool.name for tool in task.tools]
        assert bench.gold(task.id).answer[0] in names
        assert len(names) == len(set(names)) == 10
    assert [task.tools for task in bench.tasks("similar")] == [
        task.tools for task in MetaTool("sample").tasks("similar")
    ]


def test_awareness_is_a_yes_or_a_no_and_has_figures() -> None:
    bench = MetaTool("sample")
    no, yes = bench.tasks("awareness")
    assert scored(bench, yes, text="Yes, a tool is needed.").success
    assert not scored(bench, no, text="yes").success
    assert metatool.figures([(True, True), (True, False), (False, True), (False, False)]) == {
        "accuracy": 0.5, "precision": 0.5, "recall": 0.5, "f1": 0.5
    }  # fmt: skip


# -- nested calls


def test_a_planners_reference_becomes_the_first_value_of_that_call() -> None:
    calls = [("findKiln", {"town": "Vell"}), ("bookKiln", {"kiln_id": "$1", "day": ["$2", "$9"]})]
    assert nested.named(calls, {"findKiln": 2, "bookKiln": 1}) == [
        ("findKiln", {"town": "Vell"}), ("bookKiln", {"kiln_id": "API_call_0", "day": ["API_call_2", "$9"]})
    ]  # fmt: skip


def test_seal_tools_compares_values_as_text_and_references_by_number() -> None:
    bench = SealTools("sample")
    found = tasks(bench, "test_in_domain")
    glaze = found["test_in_domain-easy-0"]
    assert scored(bench, glaze, ("glazePrice", {"grams": 250, "glaze": "celadon"})).success
    assert "no call of glazePrice" in scored(bench, glaze, ("glazePrice", {"grams": 25, "glaze": "celadon"})).detail
    kiln = found["test_in_domain-difficult-1"]
    right = [("findKiln", {"town": "Brantwick"}), ("bookKiln", {"kiln_id": "API_call_0", "day": "Friday"}),
             ("tide_Now", {"harbour": "Gull Bay"})]  # fmt: skip
    assert scored(bench, kiln, *right).success
    assert scored(bench, kiln, right[0], ("bookKiln", {"kiln_id": "$1", "day": "Friday"}), right[2]).success
    assert "got findKiln" in scored(bench, kiln, right[0]).detail
    assert "Gives: kiln_id, keeper." in next(tool for tool in kiln.tools if tool.name == "findKiln").description


def test_seal_tools_pools() -> None:
    task = next(iter(SealTools("sample", pool=4).tasks()))
    assert len(task.tools) == 4
    assert "glazePrice" in {tool.name for tool in task.tools}
    assert len(next(iter(SealTools("sample", pool="all").tasks())).tools) == 6
    with pytest.raises(InputError, match="pool of 1 to 5000"):
        SealTools("sample", pool=0)


def test_seal_tools_official_figures() -> None:
    bench = SealTools("sample")
    gold = [(name, dict(arguments)) for name, arguments in bench.gold("test_in_domain-difficult-1").answer]
    made = [gold[0], ("bookKiln", {"kiln_id": "API_call_1", "day": "Friday"}), ("starName", {"height": 1})]
    found = bench.figures([("test_in_domain-difficult-1", made), ("test_in_domain-easy-0", None)])
    assert found["format_accuracy"] == 0.5
    assert found["tool"] == {"precision": 2 / 3, "recall": 2 / 4, "f1": pytest.approx(4 / 7)}
    # right: town and day; said: town, kiln_id, day, height; wanted: those of three calls and of the glaze
    assert found["parameter"] == {"precision": 2 / 4, "recall": 2 / 6, "f1": pytest.approx(0.4)}


def test_nestools_figures() -> None:
    bench = NesTools("sample")
    gold = [(name, dict(arguments)) for name, arguments in bench.gold("1").answer]
    perfect = bench.figures([("1", gold)])
    assert (perfect["tree_accuracy"], perfect["average"], perfect["format_accuracy"]) == (1.0, 1.0, 1.0)
    other = [gold[0], ("bookKiln", {"kiln_id": "API_call_1", "day": "Monday"}), gold[2]]
    found = bench.figures([("1", other)])
    assert found["tree_accuracy"] == 0.0
    assert found["order"]["f1"] == 1.0, "it is still nested in the right call"
    assert found["nested"]["f1"] == 0.0, "but takes the wrong value of it"
    assert found["parameter"]["recall"] == pytest.approx(3 / 4)
    (task,) = bench.tasks()
    assert scored(bench, task, *gold).success
    assert not scored(bench, task, *other).success


# -- UltraTool


def test_lists_in_an_answer_and_their_likeness() -> None:
    assert listed('Here: [{"a": 1}]') == [{"a": 1}]
    assert listed("[1, ") is None
    assert listed("none") is None
    assert similarity({"a": 1, "b": 2}, {"b": 2, "a": 1}) == 1.0
    assert similarity({"a": 1}, {"a": 2}) == pytest.approx(7 / 8)


def test_awareness_by_element_and_by_list() -> None:
    bench = UltraTool("sample")
    (task,) = bench.tasks("awareness")
    assert scored(bench, task, text="[0, 1, 1]").success
    half = scored(bench, task, text="[0, 1]")
    assert (half.value, half.success) == (pytest.approx(2 / 3), False)
    assert not scored(bench, task, text="[0, 1, 1, 1]").success
    (usage,) = bench.tasks("usage")
    assert scored(bench, usage, text='[{"harbour": "Gull Bay"}]').success
    assert 0.5 < scored(bench, usage, text='[{"harbour": "Gull"}]').value < 1


# -- API-Bank


def test_the_next_call_is_compared_but_for_case_and_blanks() -> None:
    bench = APIBank("sample")
    found = tasks(bench, "level1")
    tide, ferry = found["level1-own-level-1-1-0"], found["level1-own-level-1-1-1"]
    assert tide.text.endswith("User: Is it low tide at Gull Bay?")
    assert 'API: TideNow({"harbour": "Gull Bay"}) gave {"metres": 0.4}' in ferry.text
    assert {tool.name for tool in tide.tools} == {"TideNow", "BookFerry"}
    assert scored(bench, ferry, ("BookFerry", {"town": " vell ", "seats": 2})).success
    assert not scored(bench, ferry, ("BookFerry", {"town": "Vell"})).success
    assert not scored(bench, ferry, ("TideNow", {"harbour": "Gull Bay"})).success
    assert "expected 1 call, got 0" in scored(bench, ferry).detail


def test_the_searcher_offers_what_it_has_found() -> None:
    bench = APIBank("sample")
    search, bell = bench.tasks("level2")
    assert [tool.name for tool in search.tools] == ["ToolSearcher"]
    assert [tool.name for tool in bell.tools] == ["ToolSearcher", "Bell"]
    assert bell.tools[1].parameters["properties"] == {"loud": {"type": "string", "description": ""}}
    assert scored(bench, search, ("ToolSearcher", {"keywords": "any words do"})).success
