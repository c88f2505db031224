import asyncio
import copy
import gzip
import importlib
import json
import os
import random
import shutil
import sys
import types
from collections import defaultdict
from pathlib import Path

import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.messages import ToolCall
from scrimp.core.task import Answer
from scrimp.evaluate.benchmarks.bfcl import BFCL, WITHOUT_GOLD, gold_calls, json_schema
from scrimp.evaluate.benchmarks.bfcl_ast import check_calls, presented
from scrimp.evaluate.benchmarks.bfcl_types import read
from scrimp.evaluate.benchmarks.files import samples

FIXTURES = samples("bfcl")


def scored(bench, task, *calls):
    answer = Answer(calls=tuple(ToolCall(str(i), name, arguments) for i, (name, arguments) in enumerate(calls)))
    return asyncio.run(bench.score(task, answer, None))


def by_id(bench):
    return {task.id: task for task in bench.tasks("test")}


def test_tasks_show_native_names_and_json_schema_but_no_gold():
    bench = BFCL(FIXTURES)
    tasks = by_id(bench)
    assert [task.id for task in bench.tasks("multiple")] == ["multiple_0", "multiple_1", "multiple_2"]
    counts = {
        "simple_python": 5, "simple_java": 2, "simple_javascript": 2, "multiple": 3, "parallel": 2,
        "parallel_multiple": 1, "irrelevance": 2, "live_relevance": 1,
    }  # fmt: skip
    assert bench.check() == {"items": 18, "splits": counts, "gold_fails": [], "known_to_fail": []}
    order = tasks["simple_python_3"].tools[0]
    assert order.name == "bakery_order"
    assert order.call is None
    assert order.parameters["type"] == "object"
    assert order.parameters["properties"]["lines"]["items"]["type"] == "object"
    assert order.parameters["properties"]["window"] == {
        "type": "array",
        "description": "Earliest and latest hour.",
        "items": {"type": "number"},
    }
    assert "type" not in order.parameters["properties"]["note"]
    assert tasks["simple_python_4"].text.startswith("system: You help a lighthouse.\nuser: ")
    assert "蜂箱" in tasks["simple_python_2"].text
    assert all(task.answer_with == "calls" for task in tasks.values())
    assert "celadon" in str(bench.gold("simple_python_0").answer)
    assert "1180], " not in repr(tasks["simple_python_0"])


@pytest.mark.parametrize(
    ("arguments", "right", "why"),
    [
        ({"peak": 1180, "ramp": 2.5, "glaze": "Celadon"}, True, ""),
        ({"peak": 1180, "ramp": 2.5, "glaze": "celadon-GLAZE."}, True, ""),
        ({"peak": 1180, "ramp": 2.5, "glaze": "celadon", "hold": False}, True, ""),
        ({"peak": 1180.0, "ramp": 2.5, "glaze": "celadon"}, False, "not of type integer"),
        ({"peak": True, "ramp": 2.5, "glaze": "celadon"}, False, "not of type integer"),
        ({"peak": 1180, "ramp": 2, "glaze": "celadon"}, False, "not among"),
        ({"peak": 1180, "ramp": 2.5}, False, "'glaze' is missing and may not be"),
        ({"ramp": 2.5, "glaze": "celadon"}, False, "required parameter 'peak'"),
        ({"peak": 1180, "ramp": 2.5, "glaze": "celadon", "colour": "red"}, False, "'colour' is not expected"),
    ],
)
def test_the_rules_on_one_call(arguments, right, why):
    bench = BFCL(FIXTURES)
    score = scored(bench, by_id(bench)["simple_python_0"], ("kiln_schedule", arguments))
    assert (score.success, score.value) == (right, float(right))
    assert why in score.detail


def test_parallel_calls_fit_in_any_order_and_each_only_once():
    bench = BFCL(FIXTURES)
    task = {task.id: task for task in bench.tasks("parallel")}["parallel_0"]
    gull = ("tide_range", {"harbour": "Gull Bay", "day": "2031-05-04"})
    orbin = ("tide_range", {"harbour": "orbin sound", "day": "2031-05-04"})
    assert scored(bench, task, gull, orbin).success
    assert scored(bench, task, orbin, gull).success
    assert "no call fits tide_range" in scored(bench, task, gull, gull).detail
    assert "expected 2 calls, got 1" in scored(bench, task, gull).detail


def test_without_gold_it_matters_whether_anything_is_called():
    bench = BFCL(FIXTURES)
    (first, *_), (relevant,) = bench.tasks("irrelevance"), bench.tasks("live_relevance")
    assert scored(bench, first).success
    assert "expected no call, got 1" in scored(bench, first, ("tide_range", {"harbour": "x"})).detail
    assert "expected a call, got none" in scored(bench, relevant).detail
    assert scored(bench, relevant, ("anything", {})).success


def test_java_and_javascript_arguments_are_texts_of_their_language():
    bench = BFCL(FIXTURES)
    bells, _ = bench.tasks("simple_java")
    assert bells.tools[0].parameters["properties"]["hours"] == {
        "type": "string", "description": "When to ring. Written as Java writes a value of type ArrayList of integer."
    }  # fmt: skip
    right = {"tower": "bellTower", "hours": "new ArrayList<>(Arrays.asList(6, 12))", "loud": "true", "weight": "12L"}
    assert scored(bench, bells, ("Tower_ring", right)).success
    assert scored(
        bench, bells, ("Tower_ring", {**right, "hours": "new ArrayList<Integer>() {{ add(6); add(12); }}"})
    ).success
    assert not scored(bench, bells, ("Tower_ring", {**right, "weight": "12"})).success, "a long is written with an L"
    assert "is no text" in scored(bench, bells, ("Tower_ring", {**right, "loud": True})).detail
    tide, _ = bench.tasks("simple_javascript")
    said = {"harbour": "'Gull Bay'", "days": "[1, 2]", "options": "{unit: 'metre', rounded: true}"}
    assert scored(bench, tide, ("tideTable", said)).success
    assert not scored(bench, tide, ("tideTable", {**said, "days": "[2, 1]"})).success


@pytest.mark.parametrize(
    ("language", "text", "declared", "element", "value"),
    [
        ("java", "new int[]{1, 2}", "Array", "integer", [1, 2]),
        ("java", "new long[]{1L, 2}", "Array", "long", [1, "2"]),
        ("java", 'new ArrayList<String>(Arrays.asList("a", "b"))', "ArrayList", "String", ["a", "b"]),
        ("java", "new ArrayList<>()", "ArrayList", "String", []),
        ("java", 'new HashMap<>() {{ put("k", 1); put("on", true); }}', "HashMap", None, {"k": 1, "on": True}),
        ("java", "1.5f", "float", None, 1.5),
        ("java", "1.5", "float", None, "1.5"),
        ("java", "someVariable", "Array", "integer", "someVariable"),
        ("javascript", "[[1, 2], [3]]", "array", None, [[1, 2], [3]]),
        ("javascript", "new Array('a', 'b')", "array", "String", ["a", "b"]),
        ("javascript", "12n", "Bigint", None, 12),
        ("javascript", "{a: 1, b: [1, 2]}", "dict", None, {"a": 1, "b": [1, 2]}),
        ("javascript", '"x"', "String", None, "x"),
        ("javascript", "maybe", "Boolean", None, "maybe"),
    ],
)
def test_values_of_other_languages(language, text, declared, element, value):
    assert read(language, text, declared, element) == value


def test_names_counts_and_malformed_arguments():
    bench = BFCL(FIXTURES)
    task = by_id(bench)["multiple_0"]
    right = ("tide_range", {"harbour": "st orbins harbour"})
    assert not scored(bench, task, right).success  # the apostrophe is not among the ignored marks
    right = ("tide_range", {"harbour": "st orbin's harbour"})
    assert scored(bench, task, right).success
    assert "expected 1 call, got 2" in scored(bench, task, right, right).detail
    assert "expected 1 call, got 0" in scored(bench, task).detail
    assert "expected a call of tide.range" in scored(bench, task, ("tide_height", right[1])).detail
    assert not scored(bench, task, ("tide.range", right[1])).success  # native APIs know no dots
    assert "no JSON object" in scored(bench, task, ("tide_range", None)).detail


def test_lists_dicts_and_lists_of_dicts():
    bench = BFCL(FIXTURES)
    hives, order = by_id(bench)["simple_python_1"], by_id(bench)["simple_python_3"]
    good = {"hives": [3, 8, 12], "day": "2031-05-04", "keeper": {"name": "ilse marrow"}}
    assert scored(bench, hives, ("inspect_hives", good)).success
    assert not scored(bench, hives, ("inspect_hives", {**good, "hives": [8, 3, 12]})).success
    assert not scored(bench, hives, ("inspect_hives", {**good, "keeper": {"years": 7}})).success
    assert not scored(bench, hives, ("inspect_hives", {**good, "keeper": {"name": "Ilse Marrow", "age": 1}})).success
    lines = [{"loaf": "Rye", "count": 4}, {"loaf": "spelt", "count": 2}]
    assert scored(bench, order, ("bakery_order", {"lines": lines, "window": [7.5, 9.0]})).success
    assert not scored(bench, order, ("bakery_order", {"lines": lines[::-1], "window": [7.5, 9.0]})).success
    assert not scored(bench, order, ("bakery_order", {"lines": lines[:1], "window": [7.5, 9.0]})).success


def test_every_category_reads_plain_gzipped_and_official_layouts(tmp_path, monkeypatch):
    flat = tmp_path / "bfcl"
    (flat / "possible_answer").mkdir(parents=True)
    for name in ("simple_python", "multiple"):
        shutil.copy(FIXTURES / "questions" / f"BFCL_v4_{name}.jsonl", flat / f"BFCL_v4_{name}.json")
        text = (FIXTURES / "possible_answer" / f"BFCL_v4_{name}.jsonl").read_bytes()
        (flat / "possible_answer" / f"BFCL_v4_{name}.jsonl.gz").write_bytes(gzip.compress(text))
    monkeypatch.setenv("SCRIMP_DATA", str(tmp_path))
    assert BFCL().check()["items"] == 8
    assert {task.labels["category"] for task in BFCL(categories="simple").tasks("test")} == {"simple_python"}


def damaged(tmp_path, name, change):
    folder = tmp_path / "data"
    shutil.copytree(FIXTURES, folder)
    path = folder / name
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    change(rows)
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return folder


TWICE = "item simple_python_0: the id 'simple_python_0' stands there twice"
QUESTIONS, ANSWERS = "questions/BFCL_v4_simple_python.jsonl", "possible_answer/BFCL_v4_simple_python.jsonl"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (QUESTIONS, lambda rows: rows.append(rows[0]), TWICE),
        (ANSWERS, lambda rows: rows.append(rows[0]), TWICE),
        (ANSWERS, lambda rows: rows.pop(2), "item simple_python_2: possible_answer has no answer"),
        (QUESTIONS, lambda rows: rows[1].pop("function"), "item simple_python_1: field 'function'"),
        (QUESTIONS, lambda rows: rows[1].update(question="hello"), "item simple_python_1: field 'question'"),
        (QUESTIONS, lambda rows: rows[0]["function"][0]["parameters"]["properties"]["peak"].update(type="whole"),
         "item simple_python_0: field 'function.parameters.properties.peak'"),
        (ANSWERS, lambda rows: rows[3].update(ground_truth=[{"bakery.buy": {}}]), "item simple_python_3: field"),
        (ANSWERS, lambda rows: rows[3].pop("ground_truth"), "item simple_python_3: field 'ground_truth'"),
        (QUESTIONS, lambda rows: rows[1].pop("id"), "line 2 is no object with field 'id'"),
    ],
)  # fmt: skip
def test_bad_items_are_one_clear_line(tmp_path, name, change, says):
    with pytest.raises(InputError) as caught:
        BFCL(damaged(tmp_path, name, change)).check()
    assert says in str(caught.value)
    assert Path(name).name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_files_are_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.delenv("SCRIMP_DATA", raising=False)
    with pytest.raises(InputError, match="needs its official data"):
        BFCL()
    with pytest.raises(InputError, match="there is no data folder"):
        BFCL(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"there is no file .*BFCL_v4_simple_python"):
        BFCL(tmp_path).check()
    with pytest.raises(UnknownName):
        BFCL(FIXTURES, "multi_turn_base")
    shutil.copytree(FIXTURES, tmp_path / "data")
    plain = tmp_path / "data" / QUESTIONS
    packed = gzip.compress(plain.read_bytes())
    plain.unlink()
    plain.with_name(plain.name + ".gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match=r"BFCL_v4_simple_python.jsonl.gz: unreadable after line \d"):
        BFCL(tmp_path / "data").check()
    plain.with_name(plain.name + ".gz").write_bytes(b"not gzip at all")
    with pytest.raises(InputError, match="unreadable after line 0"):
        BFCL(tmp_path / "data").check()
    plain.with_name(plain.name + ".gz").unlink()
    plain.write_text('{"id": "simple_python_0", ', "utf-8")
    with pytest.raises(InputError, match="line 1 is no JSON"):
        BFCL(tmp_path / "data").check()


def test_schema_conversion_goes_into_the_depth():
    declared = {"type": "dict", "properties": {"a": {"type": "tuple", "items": {"type": "float"}, "optional": True}}}
    assert json_schema(declared) == {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "number"}}},
    }


# -- agreement with the official checker -----------------------------------------------------------


def official():
    """The official AST checker; its table of models (and the SDKs behind it) is replaced by one entry."""
    pytest.importorskip("bfcl_eval")
    table = types.ModuleType("bfcl_eval.constants.model_config")
    table.MODEL_CONFIG_MAPPING = defaultdict(lambda: types.SimpleNamespace(underscore_to_dot=True))
    table.MODEL_CONFIG_MAPPING["any"]
    before = sys.modules.get(table.__name__)
    sys.modules[table.__name__] = table
    try:
        checker = importlib.import_module("bfcl_eval.eval_checker.ast_eval.ast_checker")
        languages = importlib.import_module("bfcl_eval.constants.enums").Language
    except ImportError as error:
        pytest.skip(f"the official checker cannot be imported: {error}")
    finally:
        if before is None:
            del sys.modules[table.__name__]
        else:
            sys.modules[table.__name__] = before
    return lambda item, calls: checker.ast_checker(
        copy.deepcopy(list(item.functions)),
        [{name: copy.deepcopy(arguments)} for name, arguments in calls],
        copy.deepcopy(list(item.truth)),
        getattr(languages, item.language.upper()),
        item.category,
        "any",
    )["valid"]


VALUES = (None, 0, 1, 7, -3, 2.5, 5.0, True, False, "", "x", "1", "New York", [], [1], [1.0], ["a"], [[1]], {},
          {"a": 1}, [{}], [{"a": 1}])  # fmt: skip


def bent(rng, value):
    """A neighbour of a value: another spelling, type, order, length, or something else altogether."""
    ways = [lambda: rng.choice(VALUES), lambda: value]
    if isinstance(value, str):
        ways += [value.upper, lambda: value.replace(" ", ""), lambda: value + ".", lambda: value[:-1],
                 lambda: value.replace("'", '"'), lambda: value + "é", lambda: [value],
                 lambda: value.replace("-", "/")]  # fmt: skip
    elif isinstance(value, (int, float)):
        ways += [lambda: value + 1, lambda: float(value), lambda: int(value), lambda: str(value), lambda: -value,
                 lambda: bool(value), lambda: [value]]  # fmt: skip
    elif isinstance(value, list):
        ways += [lambda: value[::-1], lambda: value[:-1], lambda: value * 2, lambda: tuple_like(rng, value),
                 lambda: [bent(rng, item) for item in value]]  # fmt: skip
    elif isinstance(value, dict):
        ways += [lambda: {key: bent(rng, item) for key, item in value.items()}, lambda: {**value, "extra": 1},
                 lambda: dict(list(value.items())[1:])]  # fmt: skip
    return rng.choice(ways)()


def tuple_like(rng, value):
    return [float(item) if isinstance(item, int) and rng.random() < 0.5 else item for item in value]


def accepted(rng, values):
    """Any accepted value as an argument."""
    value = rng.choice([value for value in values if value != ""])
    if isinstance(value, dict):
        return {
            key: accepted(rng, inner) if isinstance(inner, list) and any(one != "" for one in inner) else ""
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [accepted(rng, [item]) for item in value]
    return value


def mutated(rng, item):
    """Calls near the gold one."""
    place = rng.randrange(len(item.truth))
    (name, truth), *_ = item.truth[place].items()
    calls = gold_calls(item)
    arguments = dict(calls[place][1])
    for key, values in truth.items():
        if item.language == "python" and any(value != "" for value in values) and rng.random() < 0.5:
            arguments[key] = accepted(rng, values)
    change = rng.random()
    if arguments and change < 0.6:
        for key in rng.sample(list(arguments), rng.randint(1, min(2, len(arguments)))):
            arguments[key] = bent(rng, arguments[key])
    elif arguments and change < 0.75:
        del arguments[rng.choice(list(arguments))]
    elif change < 0.8:
        arguments["unheard_of"] = 1
    elif change < 0.9:
        missing = [key for key in truth if key not in arguments]
        arguments.update({key: rng.choice(VALUES) for key in missing})
    calls[place] = (presented(name), arguments)
    if rng.random() < 0.5:
        rng.shuffle(calls)
    odd = rng.random()
    if odd < 0.02:
        return []
    if odd < 0.04:
        return calls * 2
    if odd < 0.06:
        return [(presented(rng.choice(item.functions)["name"]), arguments)]
    return [*calls[:-1], (name, arguments)] if odd < 0.08 else calls


def folders():
    data = os.environ.get("SCRIMP_DATA")
    return [FIXTURES, *([Path(data)] if data and (Path(data) / "bfcl").is_dir() else [])]


@pytest.mark.parametrize("folder", folders(), ids=str)
def test_agreement_with_the_official_checker(folder):
    judge = official()
    rng = random.Random(20260323)
    bench = BFCL(folder)
    here = bench.check()["splits"]
    items = [item for category in here if category not in WITHOUT_GOLD for item in bench._category(category).values()]
    for item in items:
        gold = gold_calls(item)
        assert judge(item, gold) == (check_calls(item.functions, gold, item.truth, item.language) == ""), item.id
    verdicts, crashes = {True: 0, False: 0}, 0
    for item in items * max(20, 2000 // len(items)):
        calls = mutated(rng, item)
        try:
            wanted = judge(item, calls)
        except (TypeError, KeyError, AttributeError, IndexError):
            crashes += 1  # the official checker itself breaks on such a call; ours must still answer
            check_calls(item.functions, calls, item.truth, item.language)
            continue
        said = check_calls(item.functions, calls, item.truth, item.language)
        assert (said == "") == wanted, (item.id, calls, item.truth, said)
        verdicts[wanted] += 1
    print(f"agreement on {sum(verdicts.values())} mutated calls: {verdicts}, official crashes {crashes}")
    assert verdicts[True] > 100
    assert verdicts[False] > 100
    assert crashes < 0.02 * sum(verdicts.values()) + 20
