"""BFCL v4, the single-turn categories: simple (three languages), multiple, parallel, irrelevance, made and live.

Berkeley Function Calling Leaderboard (Patil et al., ICML 2025), Apache-2.0. The data are not ours
and not shipped; they are read from the folder of the official package (`bfcl_eval/data`) or from one
with `questions/` and `possible_answer/`, plain or gzipped. Scores follow the official AST rules
(bfcl_ast); an irrelevance item is right where nothing is called, a relevance item where anything is.
The leaderboard's overall score also needs multi-turn, memory and web search, which are not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.bfcl_ast import check_calls, presented
from scrimp.evaluate.benchmarks.bfcl_types import NESTED, TYPES, Language, written
from scrimp.evaluate.benchmarks.checking import check
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field
from scrimp.evaluate.benchmarks.gold import Gold, Step, slip_of

NON_LIVE = ("simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple",
            "irrelevance")  # fmt: skip
LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple", "live_irrelevance", "live_relevance")
CATEGORIES = (*NON_LIVE, *LIVE)
SHORT = {"simple": "simple_python"}
"""Other names a category may be asked for by."""

WITHOUT_GOLD = ("irrelevance", "live_irrelevance", "live_relevance")
"""Categories without a file of answers: it matters only whether anything is called."""

GOLD_FAILS = frozenset({
    "live_multiple_507-149-4", "live_multiple_862-181-3", "parallel_multiple_12", "simple_java_36", "simple_java_64",
})  # fmt: skip
"""Items whose own gold loses by the official rules, in the official checker as well."""

GROUPS: Mapping[str, tuple[str, ...]] = {"all": CATEGORIES, "non_live": NON_LIVE, "live": LIVE}
"""Splits of several categories; `test` is what the option `categories` says."""

NOTHING_FITS = "None of the functions fits."
"""What an oracle says where nothing may be called."""

_SCHEMA_TYPES = {"dict": "object", "float": "number", "tuple": "array"}
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MADE_UP: Mapping[str, Any] = {"string": "x", "any": "x", "integer": 1, "float": 1.0, "boolean": True, "dict": {}}


@dataclass(frozen=True)
class Item:
    """One official entry with its accepted answers; none in the categories without gold."""

    id: str
    category: str
    text: str
    functions: tuple[Mapping[str, Any], ...]
    truth: tuple[Mapping[str, Any], ...]
    where: str

    @property
    def language(self) -> Language:
        """What its functions are written in."""
        return language_of(self.category)


class BFCL:
    """BFCL v4 as a Benchmark; tasks ask for the calls themselves.

    Args:
        data: folder of the files, or one that holds it as `bfcl`; else SCRIMP_DATA; `sample` for our own few.
        categories: those of the split `test`; names of CATEGORIES, and `simple`.

    Raises:
        InputError: no such folder or category.
    """

    name = "bfcl"
    default_split = "test"
    splits = ("test", *GROUPS, *CATEGORIES)

    def __init__(
        self, data: Path | str | None = None, categories: Sequence[str] | str = ("simple_python", "multiple")
    ) -> None:
        asked = [SHORT.get(one, one) for one in ((categories,) if isinstance(categories, str) else categories)]
        for category in asked:
            if category not in CATEGORIES:
                raise UnknownName("category of bfcl", category, (*CATEGORIES, *SHORT))
        self.categories = tuple(dict.fromkeys(asked))
        self._source = Source("bfcl", data)
        self.version = self._source.version("4")
        self._loaded: dict[str, Mapping[str, Item]] = {}

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The tasks of a category, of a group of them, or those of `categories` under `test`.

        Raises:
            InputError: a file or an item is not as it must be.
        """
        if split not in self.splits:
            raise UnknownName("split of bfcl", split, self.splits)
        named = self.categories if split == "test" else GROUPS.get(split, (split,))
        return (_task(item) for category in named for item in self._category(category).values())

    def gold(self, task_id: str) -> Gold:
        """The accepted answers, and calls among them; for scorers and the oracle only."""
        item = self._item(task_id)
        if item.category.endswith("irrelevance"):
            return Gold("calls", (), direct=NOTHING_FITS)
        steps = tuple(_gold_step(item, place) for place in range(len(item.truth)))
        if not item.truth:  # any call will do
            steps = (Step(presented(item.functions[0]["name"]), _made_up(item.functions[0]), ("", None), "any"),)
        return Gold("calls", item.truth, steps, tuple(range(len(steps))))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Right or wrong by the official AST rules, on the calls of the answer."""
        wrong = self.wrong(task.id, [(call.name, call.arguments) for call in answer.calls])
        return Score(float(not wrong), not wrong, wrong)

    def wrong(self, task_id: str, calls: Sequence[tuple[str, Any]]) -> str:
        """What is wrong with the calls (presented names, arguments) of an item, empty where nothing is."""
        item = self._item(task_id)
        if item.category.endswith("irrelevance"):
            return f"expected no call, got {len(calls)}" if calls else ""
        if not item.truth:
            return "" if calls else "expected a call, got none"
        return check_calls(item.functions, calls, item.truth, item.language)

    def check(self) -> dict[str, Any]:
        """Load every item of the categories whose files are there, and score its own gold calls."""
        here = [one for one in CATEGORIES if one in self.categories or self._source.has(*_places(one))]
        return check(self, here, GOLD_FAILS)

    def _item(self, task_id: str) -> Item:
        for category in sorted(CATEGORIES, key=len, reverse=True):  # an id begins with its category
            if task_id.startswith(f"{category}_"):
                if task_id in self._category(category):
                    return self._category(category)[task_id]
                break
        raise UnknownName("task of bfcl", task_id)

    def _category(self, category: str) -> Mapping[str, Item]:
        if category not in self._loaded:
            items = _read_category(self._source, category)
            self._loaded[category] = by_id(items, lambda item: item.id, lambda item: item.where)
        return self._loaded[category]


def language_of(category: str) -> Language:
    """The language of a category's functions."""
    return "java" if category == "simple_java" else "javascript" if category == "simple_javascript" else "python"


# -- reading ------------------------------------------------------------------------------------------


def _places(category: str) -> tuple[str, ...]:
    return f"questions/BFCL_v4_{category}", f"BFCL_v4_{category}"


def _read_category(source: Source, category: str) -> Iterator[Item]:
    questions = source.file(*_places(category))
    if category in WITHOUT_GOLD:
        for where, row in source.rows(*_places(category)):
            yield _read(where, category, row, where, ())
        return
    answers = list(source.rows(f"possible_answer/BFCL_v4_{category}"))
    truths = by_id(answers, lambda one: str(one[1]["id"]), lambda one: one[0])
    for where, row in source.rows(*_places(category)):
        if row["id"] not in truths:
            remedy = f"take {questions.name} of both folders from one release"
            raise InputError(f"{where}: possible_answer has no answer for it", remedy=remedy)
        truth_at, answer = truths[row["id"]]
        yield _read(where, category, row, truth_at, answer.get("ground_truth"))


def _read(where: str, category: str, row: Mapping[str, Any], truth_at: str, truth: Any) -> Item:
    functions = field(where, row, "function", list)
    if not functions and category not in WITHOUT_GOLD:
        raise bad(where, "function", "holds no function document")
    for document in functions:
        _check_document(where, document, language_of(category))
    names = [presented(document["name"]) for document in functions]
    if len(set(names)) != len(names):
        raise bad(where, "function", "holds two functions of one name")
    if category in WITHOUT_GOLD:
        truth = ()
    else:
        _check_truth(truth_at, truth, "parallel" in category, {document["name"]: document for document in functions})
    return Item(row["id"], category, _question(where, row.get("question")), tuple(functions), tuple(truth), where)


def _question(where: str, turns: Any) -> str:
    """The words of the only turn; roles stand before them where there is more than one message."""
    if not isinstance(turns, list) or len(turns) != 1 or not isinstance(turns[0], list) or not turns[0]:
        raise bad(where, "question", "is not one turn with messages")
    for message in turns[0]:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str) or "role" not in message:
            raise bad(where, "question", "holds a message without role or content")
    if len(turns[0]) == 1:
        return str(turns[0][0]["content"])
    return "\n".join(f"{message['role']}: {message['content']}" for message in turns[0])


def _check_document(where: str, document: Any, language: Language) -> None:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise bad(where, "function", "holds a document without a name")
    if not _TOOL_NAME.fullmatch(presented(document["name"])):
        raise bad(where, "function.name", f"{document['name']!r} is no name that an API accepts")
    parameters = document.get("parameters")
    if not isinstance(parameters, dict) or not isinstance(parameters.get("properties"), dict):
        raise bad(where, "function.parameters", f"of {document['name']} has no properties")
    if not isinstance(parameters.get("required"), list):
        raise bad(where, "function.parameters.required", f"of {document['name']} is no list")
    for name, declared in parameters["properties"].items():
        if not isinstance(declared, dict) or declared.get("type") not in TYPES[language]:
            raise bad(where, f"function.parameters.properties.{name}", f"of {document['name']} has no known type")
        if declared["type"] in NESTED[language] and declared.get("items", {}).get("type") not in TYPES[language]:
            raise bad(where, f"function.parameters.properties.{name}.items", "has no known type")


def _check_truth(where: str, truth: Any, several: bool, documents: Mapping[str, Any]) -> None:
    if not isinstance(truth, list) or not truth or not all(isinstance(one, dict) and len(one) == 1 for one in truth):
        raise bad(where, "ground_truth", "is not one call in each element")
    if len(truth) > 1 and not several:
        raise bad(where, "ground_truth", "is not one call")
    for name, accepted in (call for one in truth for call in one.items()):
        if name not in documents:
            raise bad(where, "ground_truth", f"calls {name!r}, which the item does not offer")
        if not isinstance(accepted, dict) or not all(isinstance(values, list) for values in accepted.values()):
            raise bad(where, "ground_truth", "has a parameter without a list of accepted values")


# -- what a model is shown ----------------------------------------------------------------------------


def _task(item: Item) -> Task:
    tools = tuple(
        Tool(
            presented(doc["name"]),
            str(doc.get("description", "")),
            _schema(doc["parameters"], item.language),
            source="bfcl",
        )
        for doc in item.functions
    )
    return Task(item.id, item.text, tools, answer_with="calls", labels={"category": item.category})


def _schema(declared: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Parameters as JSON schema; those of Java and JavaScript are texts in the notation of their language."""
    if language == "python":
        return json_schema(declared)
    name = "Java" if language == "java" else "JavaScript"
    properties = {}
    for key, one in declared["properties"].items():
        kind = f"{one['type']} of {one['items']['type']}" if one["type"] in NESTED[language] else one["type"]
        about = f"{one.get('description', '')} Written as {name} writes a value of type {kind}.".strip()
        properties[key] = {"type": "string", "description": about}
    return {"type": "object", "properties": properties, "required": list(declared["required"])}


def json_schema(declared: Mapping[str, Any]) -> dict[str, Any]:
    """A BFCL parameter document as JSON schema: `dict`, `float`, `tuple` and `any` have other names there."""
    out: dict[str, Any] = {}
    for key, value in declared.items():
        if key == "type":
            if value != "any":
                out["type"] = _SCHEMA_TYPES.get(value, value)
        elif key == "properties" and isinstance(value, dict):
            out[key] = {name: json_schema(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = json_schema(value)
        elif key != "optional":
            out[key] = value
    return out


# -- gold as one call ---------------------------------------------------------------------------------


def derived(truth: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with the first accepted value of each parameter; those that may be left out only are."""
    accepted = next(iter(truth.values()))
    return {name: _first(values) for name, values in accepted.items() if any(value != "" for value in values)}


def _first(values: Sequence[Any]) -> Any:
    value = next(value for value in values if value != "")
    return _inner(value)


def _inner(value: Any) -> Any:
    """An accepted value as an argument; a dict in it holds lists of accepted values of its own."""
    if isinstance(value, dict) and all(isinstance(one, list) for one in value.values()):
        return {name: _first(inner) for name, inner in value.items() if any(one != "" for one in inner)}
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return [_inner(one) for one in value]
    return value


def gold_calls(item: Item) -> list[tuple[str, dict[str, Any]]]:
    """Calls among the accepted ones, in the item's language."""
    documents = {document["name"]: document for document in item.functions}
    found = []
    for one in item.truth:
        name, arguments = next(iter(one)), derived(one)
        if item.language != "python":
            declared = documents[name]["parameters"]["properties"]
            arguments = {
                key: written(item.language, value, declared[key]["type"], declared[key].get("items", {}).get("type"))
                for key, value in arguments.items()
            }
        found.append((presented(name), arguments))
    return found


def _gold_step(item: Item, place: int) -> Step:
    """One gold call as a step, with the first wrong value that the rules refuse."""
    others = gold_calls(item)
    name, arguments = others[place]
    for key, value in arguments.items():
        wrong = slip_of(value)
        said = [*others[:place], (name, {**arguments, key: wrong}), *others[place + 1 :]]
        if check_calls(item.functions, said, item.truth, item.language):
            return Step(name, arguments, (key, wrong), "any")
    return Step(name, arguments, ("", None), "any")


def _made_up(document: Mapping[str, Any]) -> dict[str, Any]:
    """Any arguments that a function takes."""
    properties = document["parameters"]["properties"]
    return {name: _MADE_UP.get(properties[name]["type"], []) for name in document["parameters"]["required"]}
