"""HotpotQA, LoCoMo, LongMemEval, MemBench and the dialogues: what is shown, what is right, and what an oracle needs."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.dialogues import Dialogues
from scrimp.evaluate.benchmarks.files import moment
from scrimp.evaluate.benchmarks.hotpotqa import HotpotQA
from scrimp.evaluate.benchmarks.locomo import LoCoMo, official
from scrimp.evaluate.benchmarks.longmemeval import LongMemEval
from scrimp.evaluate.benchmarks.membench import MemBench
from scrimp.memory.parts.recalled import date
from scrimp.testing import Bench, ScriptedModel


def scored(bench: Any, task: Task, text: str, ctx: Any = None) -> Score:
    async def main() -> Score:
        found: Score = await bench.score(task, Answer(text), ctx)
        return found

    return anyio.run(main)


def first(bench: Any, split: str) -> Task:
    return next(iter(bench.tasks(split)))


# -- HotpotQA


def test_a_search_gives_the_paragraphs_that_fit_best() -> None:
    search = first(HotpotQA("sample"), "search").tools[0]
    assert search.call is not None
    found = str(search.call({"query": "Ines Calder"})).splitlines()
    assert found[0].startswith("Ines Calder: Ines Calder was an engineer.")
    assert len(found) == 2
    assert str(search.call({"query": "who built a lighthouse in 1902"})).startswith("Tern Tower")
    with pytest.raises(ValueError, match="not empty"):
        search.call({"query": " "})


def test_gold_searches_find_their_evidence() -> None:
    bench = HotpotQA("sample")
    for task in bench.tasks("search"):
        gold, search = bench.gold(task.id), task.tools[0]
        assert search.call is not None
        shown = " ".join(str(search.call(step.arguments)) for step in gold.steps)
        assert all(text in shown for text in gold.evidence)
    bridge = bench.gold("own1-search")
    assert (bridge.ordered, bridge.foreseen) == (True, 1), "the second title is read in the first paragraph"
    assert [step.arguments["query"] for step in bridge.steps] == ["Gull Tower", "Ines Calder"]


def test_paragraphs_to_be_remembered_come_in_a_fixed_order_and_without_marks() -> None:
    one, other = (first(HotpotQA("sample"), "memory") for _ in range(2))
    assert one.history == other.history
    assert len(one.history) == 10
    assert {episode.owner for episode in one.history} == {one.owner}


def test_success_is_exact_match_and_the_value_is_f1() -> None:
    bench = HotpotQA("sample")
    task = first(bench, "search")
    assert scored(bench, task, "Let me see.\nAnswer: marrow hythe.").success
    near = scored(bench, task, "the town of Marrow Hythe")
    assert not near.success
    assert near.value == pytest.approx(2 / 3)
    assert scored(bench, task, "").value == 0.0


# -- LoCoMo


@pytest.mark.parametrize(
    ("said", "gold", "category", "value"),
    [
        ("two cloths, a scarf", "two cloths, a scarf", 1, 1.0),
        ("a scarf", "two cloths, a scarf", 1, 0.5),
        ("a scarf and two cloths", "two cloths, a scarf", 1, (2 * 2 / 5 + 2 * 1 / 4) / 2),
        ("Yes", "Yes; because she weaves", 3, 1.0),
        ("bakeries", "the bakery", 4, 1.0),
        ("no information available", "x", 5, 1.0),
        ("It is not mentioned anywhere.", "x", 5, 1.0),
        ("two cloths", "x", 5, 0.0),
    ],
)
def test_the_official_score_by_category(said: str, gold: str, category: int, value: float) -> None:
    assert official(said, gold, category) == pytest.approx(value)


def test_turns_are_episodes_and_aids_are_not_read() -> None:
    bench = LoCoMo("sample")
    task = first(bench, "test")
    assert [episode.source for episode in task.history] == ["D1:1", "D1:2", "D1:3", "D2:1", "D2:2", "D3:1", "D3:2"]
    assert task.history[2].text == (
        "(9:10 am on 3 May, 2031) Runa: Look at the first cloth! [shares a picture of a striped blue cloth on a table]"
    )
    temporal = first(bench, "temporal")
    assert temporal.text.endswith("Use DATE of CONVERSATION to answer with an approximate date.")
    gold = bench.gold(first(bench, "multi_hop").id)
    assert gold.evidence == (task.history[4].text,)
    assert {task.id for task in bench.tasks("adversarial")}.isdisjoint(task.id for task in bench.tasks("answerable"))


def test_the_excerpt_has_its_own_conversations() -> None:
    tasks = list(LoCoMo("sample").tasks("excerpt"))
    assert {task.owner for task in tasks} == {"own-1-excerpt", "own-2-excerpt"}
    assert all(episode.owner == task.owner for task in tasks for episode in task.history)
    assert len(tasks) == 7


@pytest.mark.parametrize("bench", [LoCoMo("sample"), LongMemEval("sample")], ids=lambda bench: str(bench.name))
def test_turns_and_the_question_carry_their_moments(bench: Any) -> None:
    for task in bench.tasks("test"):
        moments = [turn.at for turn in task.history]
        assert moments == sorted(moments)
        assert moments[0] > 0
        assert task.at >= moments[-1]
        assert all(date(turn.at)[:4] in turn.text for turn in task.history)


def test_a_moment_of_another_form_is_named() -> None:
    assert moment("file: item 1", "date", "", "%Y") == 0
    with pytest.raises(InputError, match="file: item 1: field 'date' is no moment as in 2023: 'soon'"):
        moment("file: item 1", "date", "soon", "%Y")


# -- LongMemEval


def test_without_a_judge_the_answer_must_hold_the_gold_one() -> None:
    bench = LongMemEval("sample")
    tasks = {task.id: task for task in bench.tasks()}
    assert scored(bench, tasks["own1"], "They are in the North Field now.").success
    assert not scored(bench, tasks["own1"], "In the south field.").success
    assert not scored(bench, tasks["own3"], "You have sixty.").success
    assert scored(bench, tasks["own4_abs"], "The conversations do not say.").success
    assert not scored(bench, tasks["own4_abs"], "Bella.").success
    assert len(bench.gold("own1").evidence) == 4, "every turn that is marked is evidence"


def test_a_judge_is_asked_by_the_rule_of_the_type() -> None:
    bench = LongMemEval("sample", judge="local")
    assert bench.roles == {"judge": "local"}
    tasks = {task.id: task for task in bench.tasks()}
    model = ScriptedModel(["Yes.", "no"])
    doors = Bench({"main": model, "judge": model})
    assert scored(bench, tasks["own3"], "six", doors.ctx).success
    assert not scored(bench, tasks["own4_abs"], "Bella", doors.ctx).success
    update, trap = (request.messages[-1].text for request in model.requests)
    assert "the newest answer" in update
    assert "cannot be answered" in trap
    assert "Response: Bella" in trap


# -- MemBench


def test_letters_and_both_shapes_of_messages() -> None:
    bench = MemBench("sample")
    chinese, english = bench.tasks()
    assert "B. 青石镇" in chinese.text
    assert chinese.history[0].text == "(2031年05月01日 周四 08:00, 青石镇) 我的表姐住在青石镇。"
    assert english.history[0].text.endswith("user: The baker on Ferry Lane keeps geese.\nagent: How many?")
    assert scored(bench, english, "The answer is C.").success
    assert scored(bench, chinese, "答案：B。").success
    assert not scored(bench, english, "C or D").success
    assert not scored(bench, english, "Cats").success


# -- dialogues


def test_an_update_is_the_newest_value_and_before_is_the_first() -> None:
    bench, seen = Dialogues(), set()
    for task in bench.tasks("dev"):
        gold, kind = bench.gold(task.id), task.labels["kind"]
        seen.add(kind)
        said = {episode.source: episode.text for episode in task.history}
        turns = gold.labels["turns"].split()
        for turn, statement in zip(turns, gold.evidence, strict=True):
            assert statement in said[turn]
        if kind in ("fact", "updated", "contradicted", "before"):
            assert str(gold.answer[0]) in gold.evidence[0]
        if kind == "two_hop":
            assert len(gold.evidence) == 2
            assert str(gold.answer[0]) in gold.evidence[1]
        if kind == "unanswerable":
            assert gold.direct
            assert not turns
    assert seen == {"fact", "updated", "contradicted", "before", "two_hop", "unanswerable"}


def test_dialogues_are_the_same_by_seed_and_grow() -> None:
    one, other = (list(Dialogues(seed=3).tasks("dev")) for _ in range(2))
    assert one == other
    assert [task.text for task in one] != [task.text for task in Dialogues(seed=4).tasks("dev")]
    assert len(first(Dialogues(sessions=30, turns=20), "dev").history) == 600
    assert {task.labels["language"] for task in Dialogues().tasks("test")} == {"en", "zh"}
