"""BFCL v4, the categories in which one call is asked for: simple (Python) and multiple.

Berkeley Function Calling Leaderboard (Patil et al., ICML 2025), Apache-2.0. The data are not ours
and not shipped; they are read from the folder of the official package (`bfcl_eval/data`) or from one
with `questions/` and `possible_answer/`, plain or gzipped. Scores follow the official AST rules
(bfcl_ast). The whole leaderboard score needs categories that are not here yet.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.bfcl_ast import NESTED, TYPES, check_calls, presented
from scrimp.evaluate.benchmarks.gold import Gold, Step, slip_of

CATEGORIES: Mapping[str, str] = {"simple_python": "simple_python", "simple": "simple_python", "multiple": "multiple"}
"""Names a category may be asked for by."""

ENDINGS = (".jsonl.gz", ".json.gz", ".jsonl", ".json")

REMEDY = "--data DIR or SCRIMP_DATA names the official files; `scrimp bench show bfcl` says where they come from"

_SCHEMA_TYPES = {"dict": "object", "float": "number", "tuple": "array"}
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Item:
    """One official entry with its accepted answers."""

    id: str
    category: str
    text: str
    functions: tuple[Mapping[str, Any], ...]
    truth: tuple[Mapping[str, Any], ...]
    where: str


class BFCL:
    """BFCL v4 as a Benchmark; tasks ask for the calls themselves.

    Args:
        data: folder of the files, or one that holds it as `bfcl`; else SCRIMP_DATA.
        categories: `simple_python` (also `simple`) and `multiple`.

    Raises:
        InputError: no such folder or category.
    """

    name = "bfcl"
    version = "4"
    title = "BFCL v4, function calling: simple (Python) and multiple"
    default_split = "test"
    metrics = ("success",)
    licence = "Apache-2.0"

    def __init__(
        self, data: Path | str | None = None, categories: Sequence[str] | str = ("simple_python", "multiple")
    ) -> None:
        asked = (categories,) if isinstance(categories, str) else tuple(categories)
        for category in asked:
            if category not in CATEGORIES:
                raise UnknownName("category of bfcl", category, CATEGORIES)
        self.categories = tuple(dict.fromkeys(CATEGORIES[category] for category in asked))
        self.splits = ("test", *self.categories)
        self._folder = _folder(data)

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The tasks of a category, or of all under `test`.

        Raises:
            InputError: a file or an item is not as it must be.
        """
        if split not in self.splits:
            raise UnknownName("split of bfcl", split, self.splits)
        return (_task(item) for item in self._items.values() if split in ("test", item.category))

    def gold(self, task_id: str) -> Gold:
        """The accepted answers, and one call among them; for scorers and the oracle only."""
        item = self._item(task_id)
        arguments = derived(item.truth[0])
        name = presented(next(iter(item.truth[0])))
        return Gold("calls", item.truth, (Step(name, arguments, _slip(item, name, arguments), "any"),), (0,))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Right or wrong by the official AST rules, on the calls of the answer."""
        item = self._item(task.id)
        wrong = check_calls(item.functions, [(call.name, call.arguments) for call in answer.calls], item.truth)
        return Score(float(not wrong), not wrong, wrong)

    def check(self) -> dict[str, Any]:
        """Load every item and score its own gold call.

        Returns:
            Counts: `items`, one per category, and `gold_fails`, ids whose own gold breaks the rules.
        """
        counts: dict[str, Any] = dict.fromkeys(self.categories, 0)
        fails = []
        for item in self._items.values():
            counts[item.category] += 1
            name = presented(next(iter(item.truth[0])))
            if check_calls(item.functions, [(name, derived(item.truth[0]))], item.truth):
                fails.append(item.id)
        return {"items": len(self._items), "splits": counts, "gold_fails": fails}

    def _item(self, task_id: str) -> Item:
        if task_id not in self._items:
            raise UnknownName("task of bfcl", task_id)
        return self._items[task_id]

    @cached_property
    def _items(self) -> Mapping[str, Item]:
        items: dict[str, Item] = {}
        for category in self.categories:
            for item in _category(self._folder, category):
                if item.id in items:
                    raise InputError(f"{item.where}: the id stands there twice", remedy="take the official file again")
                items[item.id] = item
        return items


# -- finding and reading ------------------------------------------------------------------------------


def _folder(data: Path | str | None) -> Path:
    named = data if data is not None else os.environ.get("SCRIMP_DATA")
    if not named:
        raise InputError("bfcl needs its official data", remedy=REMEDY)
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise InputError(f"there is no data folder {folder}", remedy=REMEDY)
    return folder / "bfcl" if (folder / "bfcl").is_dir() else folder


def _file(folder: Path, places: Sequence[str], category: str) -> Path:
    for place in places:
        for ending in ENDINGS:
            path = folder / place / f"BFCL_v4_{category}{ending}"
            if path.is_file():
                return path
    wanted = folder / places[0] / f"BFCL_v4_{category}.jsonl.gz"
    raise InputError(f"there is no file {wanted} (nor plain .json or .jsonl)", remedy=REMEDY)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a JSON-lines file with where each stands; the id is checked."""
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("id"), str):
                    raise InputError(f"{path.name}: line {number} is no object with an id", remedy="is it a BFCL file?")
                yield f"{path.name}: item {row['id']}", row
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path.name}: line {number} is no JSON ({error.msg})", remedy="take the file again"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name}: unreadable after line {number} ({error})",
            remedy="the file is damaged or cut off; take it again",
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})", remedy=REMEDY) from error


def _category(folder: Path, category: str) -> Iterator[Item]:
    questions = _file(folder, ("questions", "."), category)
    answers = _file(folder, ("possible_answer",), category)
    truths: dict[str, tuple[str, Any]] = {}
    for where, row in _rows(answers):
        if row["id"] in truths:
            raise InputError(f"{where}: the id stands there twice", remedy="take the official file again")
        truths[row["id"]] = (where, row.get("ground_truth"))
    for where, row in _rows(questions):
        if row["id"] not in truths:
            raise InputError(f"{where}: {answers.name} has no answer for it", remedy="take both files from one release")
        yield _read(where, category, row, *truths[row["id"]])


def _read(where: str, category: str, row: Mapping[str, Any], truth_at: str, truth: Any) -> Item:
    functions = row.get("function")
    if not isinstance(functions, list) or not functions:
        raise _bad(where, "function", "is no list of function documents")
    for document in functions:
        _check_document(where, document)
    names = [presented(document["name"]) for document in functions]
    if len(set(names)) != len(names):
        raise _bad(where, "function", "holds two functions of one name")
    _check_truth(truth_at, truth, {document["name"]: document for document in functions})
    return Item(row["id"], category, _question(where, row.get("question")), tuple(functions), tuple(truth), where)


def _bad(where: str, name: str, what: str) -> InputError:
    return InputError(f"{where}: field {name!r} {what}", remedy="take the official file again")


def _question(where: str, turns: Any) -> str:
    """The words of the only turn; roles stand before them where there is more than one message."""
    if not isinstance(turns, list) or len(turns) != 1 or not isinstance(turns[0], list) or not turns[0]:
        raise _bad(where, "question", "is not one turn with messages")
    for message in turns[0]:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str) or "role" not in message:
            raise _bad(where, "question", "holds a message without role or content")
    if len(turns[0]) == 1:
        return str(turns[0][0]["content"])
    return "\n".join(f"{message['role']}: {message['content']}" for message in turns[0])


def _check_document(where: str, document: Any) -> None:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise _bad(where, "function", "holds a document without a name")
    if not _TOOL_NAME.fullmatch(presented(document["name"])):
        raise _bad(where, "function.name", f"{document['name']!r} is no name that an API accepts")
    parameters = document.get("parameters")
    if not isinstance(parameters, dict) or not isinstance(parameters.get("properties"), dict):
        raise _bad(where, "function.parameters", f"of {document['name']} has no properties")
    if not isinstance(parameters.get("required"), list):
        raise _bad(where, "function.parameters.required", f"of {document['name']} is no list")
    for name, declared in parameters["properties"].items():
        if not isinstance(declared, dict) or declared.get("type") not in TYPES:
            raise _bad(where, f"function.parameters.properties.{name}", f"of {document['name']} has no known type")
        if declared["type"] in NESTED and declared.get("items", {}).get("type") not in TYPES:
            raise _bad(where, f"function.parameters.properties.{name}.items", "has no known type")


def _check_truth(where: str, truth: Any, documents: Mapping[str, Any]) -> None:
    if not isinstance(truth, list) or len(truth) != 1 or not isinstance(truth[0], dict) or len(truth[0]) != 1:
        raise _bad(where, "ground_truth", "is not one call")
    (name, accepted), *_ = truth[0].items()
    if name not in documents:
        raise _bad(where, "ground_truth", f"calls {name!r}, which the item does not offer")
    if not isinstance(accepted, dict) or not all(isinstance(values, list) for values in accepted.values()):
        raise _bad(where, "ground_truth", "has a parameter without a list of accepted values")


# -- what a model is shown ----------------------------------------------------------------------------


def _task(item: Item) -> Task:
    tools = tuple(
        Tool(presented(doc["name"]), str(doc.get("description", "")), json_schema(doc["parameters"]), source="bfcl")
        for doc in item.functions
    )
    return Task(item.id, item.text, tools, answer_with="calls", labels={"category": item.category})


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


def _slip(item: Item, name: str, arguments: Mapping[str, Any]) -> tuple[str, Any]:
    """The first argument and plausible wrong value that the rules refuse."""
    for key, value in arguments.items():
        wrong = slip_of(value)
        if check_calls(item.functions, [(name, {**arguments, key: wrong})], item.truth):
            return key, wrong
    return "", None
