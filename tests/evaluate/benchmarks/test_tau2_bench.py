import asyncio
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from scrimp.cli.main import main
from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer
from scrimp.evaluate.benchmarks.files import samples
from scrimp.evaluate.benchmarks.gold import Step
from scrimp.evaluate.benchmarks.tau2_bench import Tau2Bench
from scrimp.models.scripted import ScriptedModel
from scrimp.testing.harness import Bench

SAMPLE = samples("tau2_bench")
on_real_data = pytest.mark.skipif("SCRIMP_DATA" not in os.environ, reason="SCRIMP_DATA names no data")


def task_of(bench, identity):
    return next(task for task in bench.tasks(identity.rpartition("-")[0]) if task.id == identity)


async def walked(bench, identity, text="", but=lambda steps: steps, ctx=None):
    """The score of the gold way, changed by `but`, with a final answer."""
    task = task_of(bench, identity)
    world = bench.environment(task)
    await world.reset(task)
    for step in but(list(bench.gold(identity).steps)):
        await world.step({"name": step.tool, "arguments": dict(step.arguments)}, None)
    return await bench.score(task, Answer(text, state=world.state()), ctx)


@pytest.mark.parametrize("user", ["scripted", "none", "local"])
def test_every_gold_way_of_the_sample_wins(user):
    bench = Tau2Bench("sample", user, judge="wise")
    assert bench.check() == {"items": 6, "splits": {"retail": 3, "airline": 3}, "gold_fails": [], "refused": {}}
    assert bench.figures is (user != "scripted")
    assert bench.roles == {"judge": "wise", **({"user": "local"} if user == "local" else {})}


def test_a_task_tells_what_the_user_was_told_only_where_there_is_nobody():
    bench, alone = Tau2Bench("sample"), Tau2Bench("sample", "none")
    tasks = [task for split in bench.splits for task in bench.tasks(split)]
    assert len({task.text for task in tasks}) == len(tasks)
    assert all(task.steps == 100 and "ilse" not in task.text for task in tasks)
    text = task_of(alone, "retail-1").text
    assert "What you know:\nYou are Ilse Marrow." in text
    assert "How you behave:\nYou are cheerful." in text
    assert "880000000002" not in text
    assert "What you do not know" not in text
    with pytest.raises(UnknownName):
        bench.tasks("telecom")
    with pytest.raises(UnknownName):
        bench.gold("retail_train-0")


def test_the_parts_of_the_reward():
    async def parts():
        bench = Tau2Bench("sample")
        number = "It was 880000000002."
        assert (await walked(bench, "retail-1", number)).success
        assert (await walked(bench, "retail-1", "It was sent.")).detail == "failed: COMMUNICATE"
        fewer = await walked(bench, "retail-1", number, lambda steps: [steps[1], *steps[3:]])
        assert fewer.detail == "failed: ACTION"  # an order was not looked up
        assert (await walked(bench, "retail-1", number, lambda steps: steps[:-1])).detail == "failed: DB, ACTION"
        assert (await walked(bench, "retail-2", "", lambda steps: steps[2:])).success  # its basis is the database
        unsaid = await walked(bench, "retail-0", "Done.")  # neither is what must be said
        assert (unsaid.value, unsaid.detail) == (1.0, "NL_ASSERTION: 1 not judged")
        wrong = await walked(bench, "retail-0", "Done.", lambda steps: steps[:-1])
        assert (wrong.value, wrong.detail) == (0.0, "failed: DB; NL_ASSERTION: 1 not judged")
        assert (await walked(bench, "airline-1")).detail == ""  # its assertions are not in its basis

    asyncio.run(parts())


def test_actions_are_compared_in_the_arguments_that_are_named_for_them():
    async def main():
        bench = Tau2Bench("sample")
        item = bench._item("airline-2")
        bench._split("airline")[item.id] = replace(item, basis=("ACTION",))
        other = Step("transfer_to_human_agents", {"summary": "in other words"}, ("", None))
        assert (await walked(bench, item.id, "", lambda steps: [*steps[:-1], other])).success
        bench._split("airline")[item.id] = replace(item, basis=("ACTION",), compared=())
        assert not (await walked(bench, item.id, "", lambda steps: [*steps[:-1], other])).success
        # As officially: a call that has none of the arguments agrees with any.
        none = Step("transfer_to_human_agents", {}, ("", None))
        assert (await walked(bench, item.id, "", lambda steps: [*steps[:-1], none])).success

    asyncio.run(main())


def test_a_judge_is_asked_once_for_each_assertion_and_only_where_it_matters():
    async def main(said, text, but):
        judge = ScriptedModel([said])
        run = Bench({"main": ScriptedModel([]), "judge": judge})
        score = await walked(Tau2Bench("sample", judge="wise"), "retail-0", text, but, run.ctx)
        return score, judge.requests

    def all_of_them(steps):
        return steps

    score, asked = anyio.run(main, "Yes.", "You get 2.70.", all_of_them)
    assert (score.value, score.detail, len(asked)) == (1.0, "", 1)
    text = asked[0].messages[0].text
    assert "Agent: Hi! How can I help you today?" in text
    assert "Customer: Why you call:" in text
    assert "Agent: You get 2.70." in text
    assert "2.70 dollars are refunded" in text
    score, asked = anyio.run(main, "no", "You get 3.", all_of_them)
    assert (score.value, score.detail, len(asked)) == (0.0, "failed: NL_ASSERTION", 1)
    score, asked = anyio.run(main, "yes", "", lambda steps: steps[:-1])
    assert (score.value, score.detail, len(asked)) == (0.0, "failed: DB", 0)


def test_ten_failed_calls_end_it():
    async def main():
        bench = Tau2Bench("sample")
        task = task_of(bench, "retail-2")
        world = bench.environment(task)
        await world.reset(task)
        gold = bench.gold(task.id).steps
        seen = [
            await world.step({"name": "get_order_details", "arguments": {"order_id": "x"}}, None) for _ in "123456789"
        ]
        assert {one.text for one in seen} == {"error: order not found"}
        for step in gold:
            assert (await world.step({"name": step.tool, "arguments": dict(step.arguments)}, None)).ok
        assert (await bench.score(task, Answer(state=world.state()))).success
        await world.step({}, None)
        assert world.state()["ended"] == "errors"
        over = await world.step({"name": "calculate", "arguments": {"expression": "1"}}, None)
        assert over.text == "error: 10 calls have failed; nothing can be done any more"
        assert "before its time" in (await bench.score(task, Answer(state=world.state()))).detail

    asyncio.run(main())


@pytest.mark.parametrize("word", ["###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###"])
def test_each_stop_word_ends_it(word):
    async def main():
        bench = Tau2Bench("sample", user="somebody")
        task = task_of(bench, "retail-2")
        world = bench.environment(task)
        run = Bench({"main": ScriptedModel([]), "user": ScriptedModel([word])}, environment=world)
        seen = await run.ctx.act({"name": "message_user", "arguments": {"text": "Hi!"}})
        assert "#" not in seen.text
        assert world.state()["ended"] == "user"

    anyio.run(main)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda row: row.pop("evaluation_criteria"), "field 'evaluation_criteria' is missing"),
        (lambda row: row["evaluation_criteria"].update(reward_basis=["LUCK"]), "is 'LUCK', not one of DB"),
        (lambda row: row["evaluation_criteria"].update(actions=None), "field 'actions' is no list"),
        (lambda row: row["evaluation_criteria"]["actions"][0].update(name="fly"), "names no tool of the retail desk"),
        (lambda row: row["evaluation_criteria"]["actions"][0].update(compare_args="x"), "field 'compare_args'"),
        (lambda row: row["evaluation_criteria"].update(env_assertions=[{}]), "field 'initial_state'"),
        (lambda row: row["user_scenario"]["instructions"].pop("reason_for_call"), "'reason_for_call' is missing"),
        (lambda row: row["user_scenario"].update(instructions="go"), "field 'instructions' is no object"),
        (lambda row: row.update(id="1"), "the id 'retail-1' stands there twice"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(tmp_path, change, line):
    folder = tmp_path / "data"
    shutil.copytree(SAMPLE, folder)
    path = folder / "retail_tasks.jsonl"
    rows = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
    change(rows[0])
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.raises(InputError) as caught:
        list(Tau2Bench(folder).tasks("retail"))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(list(Tau2Bench(folder).tasks("airline"))) == 3


def test_a_database_without_a_table(tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(SAMPLE, folder)
    (folder / "airline_db.json").write_text('{"flights": {}, "users": {}}')
    with pytest.raises(InputError, match="'reservations' is missing"):
        Tau2Bench(folder).check()
    (folder / "airline_db.json").write_text("[]")
    with pytest.raises(InputError, match="'flights' is missing"):
        Tau2Bench(folder).check()
    (folder / "airline_db.json").write_text('{"flights": {"a": 1}, "users": {}, "reservations": {}}')
    with pytest.raises(InputError, match="'flights' is no table of records"):
        Tau2Bench(folder).check()


@pytest.mark.parametrize("split", ["retail", "airline"])
@pytest.mark.parametrize("user", ["scripted", "none"])
def test_an_oracle_wins_step_by_step_and_cannot_plan_ahead(user, split, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"scrimp.evaluate.benchmarks.tau2_bench:Tau2Bench?data=sample&user={user}"
    asked = ("--bench", name, "--split", split, "--model", "oracle", "--no-controls", "--out", "out")
    assert main(("compare", "--systems", "baseline,efficient", *asked)) == 0
    trials = [json.loads(line) for line in Path("out/trials.jsonl").read_text("utf-8").splitlines()]
    assert len(trials) == 6
    won = {(trial["system"], trial["task"]) for trial in trials if trial["success"]}
    assert len({task for system, task in won if system == "baseline"}) == 3
    # What the desk tells is not known before it is asked: a plan made at once wins only where nothing is to be changed.
    assert {task for system, task in won if system == "efficient"} == {"airline-2"} & {
        trial["task"] for trial in trials
    }


@on_real_data
@pytest.mark.parametrize("user", ["scripted", "none"])
def test_every_official_gold_way_wins(user):
    bench = Tau2Bench(user=user)
    found = bench.check()
    assert found["gold_fails"] == []
    assert found["splits"]["retail"] >= 91
    assert found["splits"]["airline"] >= 40
    assert all("retail" in name for name in found["refused"])  # lookups that go wrong at first; no airline action
    judged = [item for item in bench._split("retail").values() if item.assertions and "NL_ASSERTION" in item.basis]
    assert len(judged) >= 29
