"""API-Bank: the API call that comes next in a dialogue. Li et al., EMNLP 2023 (arXiv 2304.08244).

For every API turn the turns before it are shown, and the call is asked for. Level 1 offers the APIs of its dialogue,
level 2 the ToolSearcher and what it has found so far. Officially a call is right where the API's own check accepts it,
which for most compares results; the APIs' code is not at hand, so here name and parameters must be equal but for case
and blanks, and any keywords do for the ToolSearcher. Replies (ROUGE-L) are not asked for.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.files import AGAIN, Source, bad, by_id, field, one_of
from scrimp.evaluate.benchmarks.gold import Gold, Step, slip_of

SETS: Mapping[str, str] = {"level-1-given-desc": "level1", "level-2-toolsearcher": "level2"}
SEARCHER = "ToolSearcher"
ASK = "Make the API call that comes next in this dialogue of a user and an assistant (AI).\nDialogue {id}:\n{turns}"
_ARGUMENT = re.compile(r"(\w+): (\w+)")
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}


@dataclass(frozen=True)
class Item:
    """One API turn and what was said before it."""

    id: str
    split: str
    before: tuple[Mapping[str, Any], ...]
    apis: tuple[str, ...]
    call: str
    parameters: Mapping[str, Any]
    where: str


class APIBank:
    """API-Bank's call matching as a Benchmark; tasks ask for the call itself.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "api_bank"
    splits = ("test", "level1", "level2")
    default_split = "test"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("api_bank", data)
        self.version = self._source.version("EMNLP 2023")

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The API turns of a level, or all."""
        if split not in self.splits:
            raise UnknownName("split of api_bank", split, self.splits)
        return (self._task(item) for item in self._items.values() if split in ("test", item.split))

    def gold(self, task_id: str) -> Gold:
        """The call; for scorers and the oracle only."""
        item = self._item(task_id)
        first = next(iter(item.parameters), "")
        slip = (first, slip_of(item.parameters[first])) if first and item.call != SEARCHER else ("", None)
        return Gold("calls", (item.call,), (Step(item.call, dict(item.parameters), slip, "any"),), (0,))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether the call is the gold one."""
        item = self._item(task.id)
        if len(answer.calls) != 1:
            return Score(0.0, False, f"expected 1 call, got {len(answer.calls)}")
        call = answer.calls[0]
        if call.name != item.call:
            return Score(0.0, False, f"expected a call of {item.call}, got {call.name}")
        same = item.call == SEARCHER or _normal(call.arguments or {}) == _normal(item.parameters)
        return Score(float(same), same, "" if same else f"expected {dict(item.parameters)}, got {call.arguments}")

    def _task(self, item: Item) -> Task:
        turns = "\n".join(map(_told, item.before))
        tools = tuple(self._tools[name] for name in item.apis)
        return Task(item.id, ASK.format(id=item.id, turns=turns), tools, answer_with="calls",
                    labels={"level": item.split})  # fmt: skip

    def _item(self, task_id: str) -> Item:
        if task_id not in self._items:
            raise UnknownName("task of api_bank", task_id)
        return self._items[task_id]

    @cached_property
    def _items(self) -> Mapping[str, Item]:
        rows = self._source.rows("dialogues_lv1_lv2", key="file")
        items = (item for where, row in rows for item in self._read(where, row))
        return by_id(items, lambda item: item.id, lambda item: item.where)

    def _read(self, where: str, row: Mapping[str, Any]) -> Iterator[Item]:
        split = SETS[one_of(where, "set", row.get("set"), tuple(SETS))]
        turns = field(where, row, "turns", list)
        for turn in turns:
            _check_turn(where, turn)
        calls = [turn["api_name"] for turn in turns if turn["role"] == "API"]
        for name in calls:
            if name not in self._tools:
                raise bad(where, "turns", f"calls {name!r}, which the list of APIs does not have")
        known = [SEARCHER] if split == "level2" else list(dict.fromkeys(calls))
        number = 0
        for place, turn in enumerate(turns):
            if turn["role"] != "API":
                continue
            offered = tuple(dict.fromkeys([*known, turn["api_name"]]))
            name = f"{split}-{str(row['file']).removesuffix('.jsonl')}-{number}"
            yield Item(name, split, tuple(turns[:place]), offered, turn["api_name"], turn["param_dict"], where)
            number += 1
            known += [found for found in _found(turn) if found in self._tools] if split == "level2" else []

    @cached_property
    def _tools(self) -> Mapping[str, Tool]:
        """Every API as a tool, from the official list."""
        path = self._source.folder / "all_apis.csv"
        text = self._source.text("all_apis.csv" if path.is_file() else "all_apis.csv.gz")
        found = {SEARCHER: _tool(SEARCHER, "", "(keywords: str)")}  # the list leaves it out
        for row in csv.DictReader(io.StringIO(text)):
            name = (row.get("类名") or "").strip()
            if name and name not in found:
                found[name] = _tool(name, row.get("api_info") or "", row.get("input_parameters") or "")
        if len(found) == 1:
            raise InputError("all_apis.csv lists no API by its class name", remedy=AGAIN)
        return found


def _tool(name: str, info: str, signature: str) -> Tool:
    """An API of the list. Description and parameters stand there as assignments of literals; where they do not (one
    row), the signature `(name: type, ...)` is all there is."""
    try:
        written = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(info).body
                   if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}  # fmt: skip
    except (SyntaxError, ValueError):
        written = {"input_parameters": {key: {"type": kind} for key, kind in _ARGUMENT.findall(signature)}}
    parameters = written.get("input_parameters")
    parameters = parameters if isinstance(parameters, dict) else {}  # None, or a set, where it takes nothing
    properties = {
        key: {"type": _TYPES.get(str(one.get("type")), "string"), "description": str(one.get("description", ""))}
        for key, one in parameters.items()
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, str(written.get("description", "")), schema, source="api_bank")


def _check_turn(where: str, turn: Any) -> None:
    if not isinstance(turn, dict) or turn.get("role") not in ("User", "AI", "API"):
        raise bad(where, "turns", "holds a turn whose role is not User, AI or API")
    if turn["role"] != "API":
        field(where, turn, "text", str)
    else:
        field(where, turn, "api_name", str), field(where, turn, "param_dict", dict)


def _found(turn: Mapping[str, Any]) -> list[str]:
    """The APIs that a search gave."""
    output = (turn.get("result") or {}).get("output") if turn["api_name"] == SEARCHER else None
    rows = output if isinstance(output, list) else [output]
    return [row["name"] for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str)]


def _told(turn: Mapping[str, Any]) -> str:
    if turn["role"] != "API":
        return f"{turn['role']}: {turn['text']}"
    output = (turn.get("result") or {}).get("output")
    arguments = json.dumps(turn["param_dict"], ensure_ascii=False)
    return f"API: {turn['api_name']}({arguments}) gave {json.dumps(output, ensure_ascii=False)}"


def _normal(arguments: Mapping[str, Any]) -> dict[str, str]:
    return {key: " ".join(str(value).split()).casefold() for key, value in arguments.items() if value not in ("", None)}


def accuracy(scores: Sequence[Score]) -> float:
    """Correct calls over calls."""
    return sum(score.success for score in scores) / len(scores)
