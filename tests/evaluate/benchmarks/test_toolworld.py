import asyncio
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from itertools import islice

import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer
from scrimp.evaluate.benchmarks.gold import UNSOLVABLE, Ref, run_steps
from scrimp.evaluate.benchmarks.toolworld import CYCLE, ToolWorld
from scrimp.evaluate.benchmarks.world.invented import world
from scrimp.evaluate.benchmarks.world.registry import FAMILIES, FIRST, ordered, unseen


@lru_cache(maxsize=4)
def made(tools=None):
    return ToolWorld(tools)


def test_every_gold_way_holds_and_the_sizes_are_as_stated():
    facts = made().check()
    assert facts["splits"] == {"test": 1600, "dev": 400, "unseen": 400}
    assert facts["tools"] == 96
    assert all(count >= 200 for count in facts["kinds"].values())
    assert made(16).check()["tools"] == 16


def test_tools_are_typed_described_and_declared():
    assert len(ordered()) == len({entry.name for entry in ordered()}) == 128
    for entry in ordered():
        tool = entry.tool
        properties = tool.parameters["properties"]
        assert tool.pure
        assert tool.inline
        assert tool.latency > 0
        assert tool.price is not None
        assert tool.price > Decimal(0)
        assert tool.description
        assert tool.parameters["additionalProperties"] is False
        assert set(tool.parameters["required"]) == set(properties) == set(entry.kinds)
        assert all(schema["description"] and schema["type"] for schema in properties.values())
        for phrases in entry.phrases.values():
            assert phrases
            assert all("{" + name + "}" in phrase for name in entry.kinds for phrase in phrases)
    assert {tool.tags["family"] for tool in made().tools} == {family.name for family in FAMILIES}


def test_look_alikes_are_planted():
    arguments = Counter(
        (entry.family, tuple(entry.tool.parameters["properties"]), entry.gives) for entry in ordered()[:96]
    )
    assert sum(count for count in arguments.values() if count > 1) >= 48
    pairs = [("add_tax", "tax_on_top"), ("product_net_price", "product_list_price"),
             ("calendar_days_between", "business_days_between")]  # fmt: skip
    by_name = {entry.name: entry.tool for entry in ordered()}
    for one, other in pairs:
        assert set(by_name[one].parameters["properties"]) == set(by_name[other].parameters["properties"])


def test_ids_and_tasks_are_stable_and_the_same_everywhere():
    first = next(iter(made().tasks("test")))
    assert first.id == "toolworld-0-single-0000"
    other = "from scrimp.evaluate.benchmarks.toolworld import ToolWorld as W; w = W(); t = next(w.tasks('test'));"
    told = subprocess.run(
        [sys.executable, "-c", other + "print(t.text, w.gold(t.id).answer)"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == f"{first.text} {made().gold(first.id).answer}"
    again = ToolWorld(seed=1)
    assert next(iter(again.tasks("test"))).id == "toolworld-1-single-0000"
    assert next(iter(again.tasks("test"))).text != first.text
    ids = [task.id for split in made().splits for task in made().tasks(split)]
    texts = [task.text for split in made().splits for task in made().tasks(split)]
    assert len(set(ids)) == len(ids)
    assert len(set(texts)) > 0.99 * len(texts)


def test_any_ten_tasks_hold_every_kind_and_offer_every_tool():
    ten = list(islice(made().tasks("test"), 10))
    assert tuple(task.labels["kind"] for task in ten) == CYCLE
    assert all(task.tools == made().tools for task in ten)
    assert {task.labels["kind"] for task in ten} == {"single", "chained", "parallel", "mixed", "none", "unsolvable"}


def test_kinds_have_the_shape_of_their_name():
    for task in made().tasks("test"):
        gold = made().gold(task.id)
        uses = [value.step for step in gold.steps for value in step.arguments.values() if isinstance(value, Ref)]
        depth, kind = gold.depth, task.labels["kind"]
        assert task.labels["depth"] == str(depth)
        if kind == "single":
            assert len(gold.steps) == 1
        elif kind == "parallel":
            assert 2 <= len(gold.steps) <= 4
            assert not uses
            assert gold.form == "several"
        elif kind == "chained":
            assert 2 <= len(gold.steps) == depth <= 4
        elif kind == "mixed":
            assert len(gold.steps) > depth >= 2
            assert max(Counter(uses).values()) > 1 or len(uses) > depth - 1
        else:
            assert not gold.steps
            assert (gold.direct == UNSOLVABLE) is (kind == "unsolvable")


def test_no_answer_stands_in_its_question_unless_none_is_needed():
    for task in islice(made().tasks("test"), 400):
        gold = made().gold(task.id)
        if task.labels["kind"] == "none":
            assert str(gold.answer[0]) in task.text
        elif gold.form == "number":
            assert repr(gold.answer[0]) not in task.text.replace(",", " ").split()


def test_a_slip_gives_another_result():
    tools = {tool.name: tool for tool in made().tools}
    for task in islice(made().tasks("test"), 300):
        gold = made().gold(task.id)
        results = [result.value for result in run_steps(gold.steps, tools)]
        for step, right in zip(gold.steps, results, strict=True):
            arguments = {k: results[v.step] if isinstance(v, Ref) else v for k, v in step.arguments.items()}
            wrong = tools[step.tool].call({**arguments, step.slip[0]: step.slip[1]})
            assert wrong.ok
            assert wrong.value != right


def test_unseen_needs_tools_that_the_other_splits_never_need():
    for bench in (made(), made(16)):
        held = unseen(bench._entries)
        for split in ("test", "dev"):
            assert not any(step.tool in held for task in bench.tasks(split) for step in bench.gold(task.id).steps)
        for task in bench.tasks("unseen"):
            assert any(step.tool in held for step in bench.gold(task.id).steps)


def test_the_16_tool_subset_is_a_world_of_its_own():
    small = made().tools_subset(16)
    assert [tool.name for tool in small.tools] == list(FIRST)
    assert small.name == "toolworld16"
    names = set(FIRST)
    for task in small.tasks("test"):
        assert {step.tool for step in small.gold(task.id).steps} <= names
        assert task.id.startswith("toolworld16-0-")
    with pytest.raises(InputError, match="16 to 128"):
        ToolWorld(5)


def test_a_tenth_is_asked_in_chinese():
    tasks = list(made().tasks("test"))
    chinese = [task for task in tasks if task.labels["language"] == "zh"]
    assert 0.07 < len(chinese) / len(tasks) < 0.13
    assert all(any("一" <= letter <= "鿿" for letter in task.text) for task in chinese)
    assert {task.labels["kind"] for task in chinese} == set(CYCLE)
    assert all(UNSOLVABLE in task.text for task in tasks)


def test_scoring_and_names_that_do_not_exist():
    task = next(task for task in made().tasks("test") if task.labels["kind"] == "single")
    gold = made().gold(task.id)
    said = f"So it must be:\n{gold.answer[0]}"
    assert asyncio.run(made().score(task, Answer(said), None)).success
    score = asyncio.run(made().score(task, Answer("no idea"), None))
    assert (score.success, score.value) == (False, 0.0)
    assert "expected" in score.detail
    with pytest.raises(UnknownName):
        made().tasks("train")
    with pytest.raises(UnknownName):
        made().gold("toolworld-0-single-9999")


def test_a_task_carries_no_gold():
    for task in islice(made().tasks("test"), 50):
        gold = made().gold(task.id)
        if task.labels["kind"] in ("none", "unsolvable"):
            continue
        shown = {name: value for name, value in vars(task).items() if name not in ("tools", "text", "id")}
        assert all(str(part) not in str(shown) for part in gold.answer if len(str(part)) > 2)


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("calendar_days_between", {"start": "2024-02-28", "end": "2024-03-01"}, 2),
        ("business_days_between", {"start": "2026-11-20", "end": "2026-11-23"}, 1),
        ("business_days_between", {"start": "2026-11-01", "end": "2026-11-30"}, 21),
        ("add_business_days", {"start": "2026-11-20", "days": 6}, "2026-11-30"),
        ("add_months", {"start": "2024-01-31", "months": 13}, "2025-02-28"),
        ("full_years_between", {"start": "2000-02-29", "end": "2025-02-28"}, 24),
        ("end_of_month", {"day": "2028-02-03"}, "2028-02-29"),
        ("iso_week", {"day": "2027-01-01"}, 53),
        ("nautical_miles_to_kilometres", {"miles": 10}, 18.52),
        ("statute_miles_to_kilometres", {"miles": 10}, 16.0934),
        ("fahrenheit_to_kelvin", {"degrees": 212}, 373.15),
        ("short_tons_to_kilograms", {"tons": 1}, 907.1847),
        ("long_tons_to_kilograms", {"tons": 1}, 1016.0469),
        ("round_half_up", {"x": 2.675, "digits": 2}, 2.68),
        ("round_half_even", {"x": 2.665, "digits": 2}, 2.66),
        ("digital_root", {"n": 99999999999}, 9),
        ("power_modulo", {"base": 7, "exponent": 100, "modulus": 13}, 9),
        ("add_tax", {"net": 100, "rate": 19}, 119.0),
        ("remove_tax", {"gross": 119, "rate": 19}, 100.0),
        ("tax_inside", {"gross": 119, "rate": 19}, 19.0),
        ("price_by_margin", {"cost": 80, "percent": 20}, 100.0),
        ("price_by_markup", {"cost": 80, "percent": 20}, 96.0),
        ("loan_instalment", {"principal": 100000, "rate": 6, "years": 30}, 599.55),
        ("compound_interest", {"principal": 1000, "rate": 10, "years": 2}, 210.0),
        ("sample_deviation", {"values": [2, 4, 4, 4, 5, 5, 7, 9]}, 2.13809),
        ("population_deviation", {"values": [2, 4, 4, 4, 5, 5, 7, 9]}, 2.0),
        ("kth_largest", {"values": [5, 1, 9, 7], "k": 2}, 7.0),
        ("trimmed_mean", {"values": [1, 2, 3, 100]}, 2.5),
        ("triangle_area_sides", {"a": 3, "b": 4, "c": 5}, 6.0),
        ("city_block_distance", {"x1": 0, "y1": 0, "x2": 3, "y2": -4}, 7.0),
        ("straight_distance", {"x1": 0, "y1": 0, "x2": 3, "y2": -4}, 5.0),
        ("shift_letters_forward", {"text": "xyz a", "shift": 3}, "abc d"),
        ("mirror_alphabet", {"text": "abz"}, "zya"),
        ("letter_value", {"text": "abz"}, 29),
        ("reverse_word_order", {"text": "one two three"}, "three two one"),
    ],
)
def test_functions_do_what_they_say(name, arguments, result):
    tool = next(entry.tool for entry in ordered() if entry.name == name)
    wanted = pytest.approx(result) if isinstance(result, float) else result
    assert tool.call(arguments).value == wanted
    assert tool.call(arguments).ok


def test_look_ups_refuse_what_is_not_there():
    tool = next(entry.tool for entry in ordered() if entry.name == "city_population")
    name = next(iter(world().cities))
    assert tool.call({"city": name.upper()}).value == world().cities[name]["population"]
    assert tool.call({"city": "Atlantis"}).text == "error: no city is called 'Atlantis'"
    assert "argument 'town' is not known" in tool.call({"town": name}).text
