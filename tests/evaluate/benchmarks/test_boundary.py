import asyncio
from functools import lru_cache

import pytest

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer
from scrimp.evaluate.benchmarks.boundary import Boundary, calculator, known_facts, search


@lru_cache(maxsize=1)
def made():
    return Boundary()


def test_every_item_holds():
    facts = made().check()
    assert facts["splits"] == {"test": 1600, "dev": 400}
    assert set(facts["kinds"].values()) == {500}


def test_a_call_is_needed_exactly_where_nothing_is_known():
    taught = dict(made().taught())
    assert len(taught) == len(known_facts()) == 500
    for task in made().tasks("test"):
        gold = made().gold(task.id)
        known = gold.labels["boundary"] == "known"
        assert gold.needs_call is not known
        assert gold.steps
        if gold.labels["kind"] == "fact" and task.labels["language"] == "en":
            assert (task.text in taught) is known
            assert not known or taught[task.text] == gold.direct


def test_a_task_does_not_say_on_which_side_it_stands():
    for task in made().tasks("dev"):
        assert "known" not in task.id
        assert "known" not in str(dict(task.labels))


def test_large_sums_are_large():
    for task in made().tasks("test"):
        gold = made().gold(task.id)
        if gold.labels["kind"] == "arithmetic":
            big = abs(gold.answer[0]) >= 10_000_000
            assert big == (gold.labels["boundary"] == "unknown"), task.text


def test_the_tools():
    assert calculator("(12.5 + 3) * -4") == -62.0
    assert calculator("7 / 3") == 2.333333
    for bad in ("2 ** 9999", "__import__('os')", "1 +", "a + 1", "True + 1", "1" * 300):
        with pytest.raises(ValueError):
            calculator(bad)
    sums, facts = made().tools
    assert sums.call({"expression": "1 / 0"}).status == "error"
    assert facts.call({"guild": "Nowhere", "attribute": "year"}).text == "error: no guild is called 'Nowhere'"
    guild, attribute = next(iter(known_facts()))
    assert search(guild, attribute) == facts.call({"guild": guild, "attribute": attribute}).text


def test_scoring_says_whether_a_call_was_due():
    task = next(iter(made().tasks("test")))
    gold = made().gold(task.id)
    right = asyncio.run(made().score(task, Answer(str(gold.answer[0])), None))
    assert right.success
    assert right.detail in ("a call was needed", "no call was needed")
    assert not asyncio.run(made().score(task, Answer("nothing"), None)).success
    with pytest.raises(UnknownName):
        made().tasks("train")
    assert [t.text for t in Boundary(1).tasks("dev")] != [t.text for t in made().tasks("dev")]
