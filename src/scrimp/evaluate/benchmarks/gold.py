"""What a benchmark of ours knows of the right way, and how an answer in words is compared with it.

Gold stays with the benchmark that made it and is handed out by `benchmark.gold(task_id)` only, to a
scorer or to the oracle model. No Task, Request or Context carries any of this.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scrimp.core.task import Score
from scrimp.core.tool import Tool, ToolResult

Form = Literal["number", "text", "list", "several", "calls"]

UNSOLVABLE = "unsolvable"
"""The right answer to a task that no tool can do; every task text says so."""

TOLERANCE = 1e-6
"""Largest relative difference between two numbers that count as equal."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The whole result of an earlier step; `step` counts from 0."""

    step: int


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the gold way.

    Attributes:
        arguments: constants and Refs.
        slip: one argument and the value of the same kind that an erring model writes there.
        evidence: texts that the prompt must show for it, beside the results it refers to.
        gives: what its result is: `number`, `text`, `list`, `line` (the first line counts) or anything else.
    """

    tool: str
    arguments: Mapping[str, Any]
    slip: tuple[str, Any]
    gives: str = "text"
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gold:
    """The right answer of one task and a way to it.

    Attributes:
        form: how `answer` is compared; `several` is one part per call of a parallel task.
        answer: the right answer; one element, or one per part or list element.
        steps: the calls that lead to it; a step refers only to steps before it.
        read: whose results, in this order, are the answer.
        direct: what a model that needs no tool says; empty where the answer hangs on a call.
        wrong: what such a model says when it errs.
        says: the answer where it is no result as it stands: it is said once the results of `read` and `evidence` show.
        evidence: texts that the prompt must show before `says` may be said.
        ordered: each step is taken after the one before it, as in an environment.
        foreseen: how many of the steps can be planned before any is taken, since what is observed tells the others;
            0 where all can.
        optimum: fewest steps that are known to do it; 0 where `steps` are.
    """

    form: Form
    answer: tuple[Any, ...]
    steps: tuple[Step, ...] = ()
    read: tuple[int, ...] = ()
    direct: str = ""
    wrong: str = ""
    says: str = ""
    evidence: tuple[str, ...] = ()
    ordered: bool = False
    foreseen: int = 0
    optimum: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_call(self) -> bool:
        """Whether the answer can be had only by calling."""
        return bool(self.steps) and not self.direct

    @property
    def depth(self) -> int:
        """Length of the longest dependent chain of calls."""
        depths: list[int] = []
        for step in self.steps:
            before = [depths[value.step] for value in step.arguments.values() if isinstance(value, Ref)]
            depths.append(1 + max(before, default=0))
        return max(depths, default=0)


def resolve(arguments: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
    """Arguments with every Ref replaced by the result it means."""
    return {name: results[value.step] if isinstance(value, Ref) else value for name, value in arguments.items()}


def run_steps(steps: Sequence[Step], tools: Mapping[str, Tool]) -> list[ToolResult]:
    """Really run the gold calls, one after another.

    Raises:
        ValueError: a step's tool refused, so the steps are no gold way.
    """
    results: list[ToolResult] = []
    for step in steps:
        call = tools[step.tool].call
        result = call(resolve(step.arguments, [item.value for item in results])) if call else None
        if not isinstance(result, ToolResult) or not result.ok:
            raise ValueError(f"{step.tool} refused: {result.text if isinstance(result, ToolResult) else result}")
        results.append(result)
    return results


def slip_of(value: Any) -> Any:
    """A plausible wrong value of the same JSON type, always the same one and never equal."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 if abs(value) < 10 else value + 10
    if isinstance(value, float):
        return value + 1.0
    if isinstance(value, str):
        return value[:-1] if len(value) > 1 else value + "x"
    if isinstance(value, list):
        return value[:-1] if value else ["x"]
    if isinstance(value, dict):
        return dict(list(value.items())[:-1]) if value else {"x": 1}
    return "x"


# -- comparing --------------------------------------------------------------------------------------

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![A-Za-z0-9_]|\.\d)"
)
_LEAD = re.compile(r"^(?:the\s+)?(?:final\s+)?(?:answer|result|答案|结果)(?:\s+is\b|\s*[:：是为])+\s*", re.IGNORECASE)
_QUOTES = "\"'`“”‘’「」*_ \t"


def last_line(text: str) -> str:
    """The last line with anything on it, without `Answer:`, quotes, emphasis and a final full stop."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return ""
    line = _LEAD.sub("", lines[-1].strip(_QUOTES)).strip(_QUOTES)
    if line.endswith("。") or (line.endswith(".") and not line.endswith("..")):
        line = line[:-1]
    return line.strip(_QUOTES)


def number_in(line: str) -> float | None:
    """The one number in a line, None where there is none or more than one."""
    found = _NUMBER.findall(line)
    if len(found) != 1:
        return None
    return float(found[0].replace(",", "").replace("−", "-"))


def same(gold: Any, said: str) -> bool:
    """Whether one element of an answer is right: numbers within TOLERANCE, words but for case and blanks."""
    if isinstance(gold, (int, float)) and not isinstance(gold, bool):
        number = number_in(said)
        return number is not None and math.isclose(number, gold, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)
    return _words(str(gold)) == _words(said)


def _words(text: str) -> str:
    return " ".join(text.strip(_QUOTES).split()).casefold()


def _elements(line: str, separators: str) -> list[str]:
    if line.startswith("[") and line.endswith("]"):
        try:
            return [item if isinstance(item, str) else json.dumps(item) for item in json.loads(line)]
        except json.JSONDecodeError:
            line = line[1:-1]
    return [part.strip() for part in re.split(f"[{separators}]", line) if part.strip()]


def compare(gold: Gold, text: str) -> Score:
    """Compare an answer in words with gold: right or wrong, nothing between.

    Only the last line that is not blank counts. A number must be the only number on it; words may
    stand around it. A text must be the whole line but for case, blanks, quotes, a leading
    `Answer:` and a final full stop. A list is `[...]` or separated by commas, several results by
    semicolons; both in order, each element by the rules above.
    """
    line = last_line(text)
    if not line:
        return Score(0.0, False, "empty answer")
    if gold.form in ("number", "text"):
        right = same(gold.answer[0], line)
        return Score(float(right), right, "" if right else f"expected {gold.answer[0]!r}, the last line says {line!r}")
    parts = _elements(line, ";；" if gold.form == "several" else ",，、")
    if len(parts) != len(gold.answer):
        return Score(0.0, False, f"expected {len(gold.answer)} parts, the last line has {len(parts)}: {line!r}")
    for place, (expected, said) in enumerate(zip(gold.answer, parts, strict=True), 1):
        if not same(expected, said):
            return Score(0.0, False, f"part {place}: expected {expected!r}, got {said!r}")
    return Score(1.0, True)
