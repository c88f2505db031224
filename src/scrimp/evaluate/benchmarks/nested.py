"""Nested calls, as Seal-Tools and NesTools write them: an argument may be what an earlier call gives.

What the calls give is numbered from 0 over all of them, `API_call_0`, `API_call_1`..., each call giving as many values
as its document says. A planner that writes `$n` for the result of step n means the first value of that call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.files import bad, field
from scrimp.evaluate.benchmarks.gold import Step, slip_of

ASK = (
    "Make all tool calls that the request needs, at once. The values that the calls give are numbered from 0 in the "
    "order of the calls, each giving as many as its description says; where an argument is such a value, write "
    "API_call_n with its number.\nRequest: {}"
)
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}
_STEP = re.compile(r"\$(\d+)")
_VALUE = re.compile(r"API_call_(\d+)")
_ODD = re.compile(r"[^A-Za-z0-9_-]")

Made = tuple[str, Mapping[str, Any]]
"""A call: presented name and arguments."""


@dataclass(frozen=True)
class Document:
    """A tool's document: `parameters` and `gives` with their types and words."""

    name: str
    about: str
    parameters: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...]
    gives: Mapping[str, Any]

    @classmethod
    def read(cls, where: str, row: Mapping[str, Any]) -> Document:
        """The document of a row.

        Raises:
            InputError: a field is not as it must be.
        """
        parameters = field(where, row, "parameters", dict)
        for name, declared in parameters.items():
            if not isinstance(declared, dict) or declared.get("type") not in _TYPES:
                raise bad(where, f"parameters.{name}", "has no known type")
        return cls(
            field(where, row, "api_name", str), str(row.get("api_description", "")), parameters,
            tuple(map(str, field(where, row, "required", list))), field(where, row, "responses", dict),
        )  # fmt: skip

    def tool(self) -> Tool:
        """The tool that a model is offered."""
        properties = {
            name: {"type": _TYPES[one["type"]], "description": str(one.get("description", ""))}
            for name, one in self.parameters.items()
        }
        gives = ", ".join(self.gives) or "nothing"
        schema = {"type": "object", "properties": properties, "required": list(self.required)}
        return Tool(presented(self.name), f"{self.about} Gives: {gives}.", schema, source="nested")


@dataclass(frozen=True)
class Call:
    """A gold call; `gives` are the names of its values."""

    tool: str
    parameters: Mapping[str, Any]
    gives: tuple[str, ...]

    @classmethod
    def read(cls, where: str, row: Any, name: str) -> Call:
        """A call of a gold list; `name` is the field with the tool's name.

        Raises:
            InputError: a field is not as it must be.
        """
        if not isinstance(row, dict):
            raise bad(where, "calling", "holds a call that is no object")
        gives = field(where, row, "responses", list)
        return cls(field(where, row, name, str), field(where, row, "parameters", dict), tuple(map(str, gives)))


def presented(name: str) -> str:
    """A tool's name as native APIs accept it."""
    return _ODD.sub("_", name)[:64]


def gold_steps(calls: Sequence[Call]) -> tuple[Step, ...]:
    """Gold calls as steps; the wrong value of a step stands at its first argument."""
    steps = []
    for call in calls:
        first = next(iter(call.parameters), "")
        slip = (first, slip_of(call.parameters[first])) if first else ("", None)
        steps.append(Step(presented(call.tool), dict(call.parameters), slip, "any"))
    return tuple(steps)


def named(calls: Sequence[Made], counts: Mapping[str, int]) -> list[Made]:
    """Calls with every `$n` written as the first value of the n-th call.

    Args:
        counts: how many values each tool gives, by its presented name.
    """
    firsts, number = [], 0
    for tool, _ in calls:
        firsts.append(number)
        number += counts.get(tool, 1)

    def written(value: Any) -> Any:
        if isinstance(value, str) and (found := _STEP.fullmatch(value.strip())) and 1 <= int(found[1]) <= len(firsts):
            return f"API_call_{firsts[int(found[1]) - 1]}"
        if isinstance(value, list):
            return [written(one) for one in value]
        if isinstance(value, dict):
            return {key: written(one) for key, one in value.items()}
        return value

    return [(tool, {key: written(value) for key, value in arguments.items()}) for tool, arguments in calls]


def value_number(value: Any) -> int | None:
    """The number of an earlier value, where an argument is one."""
    found = _VALUE.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(found[1]) if found else None


@dataclass
class Hits:
    """Right ones of those predicted and those wanted."""

    right: int = 0
    said: int = 0
    wanted: int = 0

    def add(self, right: int, said: int, wanted: int) -> None:
        """Count one item more."""
        self.right, self.said, self.wanted = self.right + right, self.said + said, self.wanted + wanted

    def figures(self) -> dict[str, float]:
        """Micro precision, recall and F1; 0 where there is nothing."""
        precision = self.right / self.said if self.said else 0.0
        recall = self.right / self.wanted if self.wanted else 0.0
        both = precision + recall
        return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / both if both else 0.0}


def parameter_hits(said: Sequence[Made], gold: Sequence[Made]) -> tuple[int, int, int]:
    """Right, predicted and wanted parameters: for each predicted call the gold call of that name, values as text."""
    by_name = dict(reversed(gold))
    right = sum(
        key in by_name[name] and str(by_name[name][key]) == str(value)
        for name, arguments in said
        if name in by_name
        for key, value in arguments.items()
    )
    return right, sum(len(arguments) for _, arguments in said), sum(len(arguments) for _, arguments in gold)


def wrong(said: Sequence[Made], gold: Sequence[Made]) -> str:
    """What is wrong with the calls of an item, empty where tools and parameters are all right, in any order of calls
    that leaves the numbers of their values as they are."""
    if sorted(name for name, _ in said) != sorted(name for name, _ in gold):
        return f"expected {', '.join(name for name, _ in gold)}; got {', '.join(name for name, _ in said) or 'no call'}"
    left = list(said)
    for name, arguments in gold:
        fits = next((one for one in left if one[0] == name and _texts(one[1]) == _texts(arguments)), None)
        if fits is None:
            return f"no call of {name} has the arguments {dict(arguments)}"
        left.remove(fits)
    return ""


def _texts(arguments: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in arguments.items()}
