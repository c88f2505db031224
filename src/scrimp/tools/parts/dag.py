"""A plan as a graph of calls: steps that name earlier steps' results as `$n`.

Shared by every planner that plans before it acts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

REFERENCE = re.compile(r"\$(?:\{(\d+)\}|(\d+)(?!\d|[.,]\d))")
"""`$3` or `${3}`: the result of step 3, counted from 1. `$3.50` and `$1,200` are money."""


@dataclass(frozen=True)
class Step:
    """One call of a plan. `needs` are the numbers of the steps whose results it refers to."""

    number: int
    tool: str
    arguments: Mapping[str, Any]
    needs: frozenset[int] = field(default_factory=frozenset)


class PlanError(ValueError):
    """A plan that cannot be executed; the message is meant for whoever wrote the plan."""


def read(steps: Sequence[Mapping[str, Any]], *, first: int = 1) -> list[Step]:
    """Number steps from `first` and find what each refers to.

    Raises:
        PlanError: a step refers to itself or to a later one, or is no call.
    """
    plan = []
    for number, raw in enumerate(steps, start=first):
        arguments = raw.get("arguments")
        if not isinstance(raw.get("tool"), str) or not isinstance(arguments, Mapping):
            raise PlanError(f"step {number} is no call: it needs a tool and its arguments")
        needs = frozenset(references(arguments))
        wrong = sorted(need for need in needs if not 1 <= need < number)
        if wrong:
            raise PlanError(f"step {number} refers to ${wrong[0]}, but only earlier steps have results")
        plan.append(Step(number, raw["tool"], arguments, needs))
    return plan


def references(value: Any) -> list[int]:
    """Numbers of the steps a value refers to, however deep."""
    if isinstance(value, str):
        return [_number(match) for match in REFERENCE.finditer(value)]
    if isinstance(value, Mapping):
        return [number for item in value.values() for number in references(item)]
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in references(item)]
    return []


def fill(value: Any, results: Mapping[int, str]) -> Any:
    """Put results in the place of references.

    A string that is only a reference becomes the result as JSON reads it (a number stays a number);
    a reference inside other words becomes the result's text.
    """
    if isinstance(value, str):
        whole = REFERENCE.fullmatch(value.strip())
        if whole:
            return _as_value(results[_number(whole)])
        return REFERENCE.sub(lambda match: results[_number(match)], value)
    if isinstance(value, Mapping):
        return {key: fill(item, results) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, results) for item in value]
    return value


def ready(plan: Sequence[Step], done: Mapping[int, Any]) -> list[Step]:
    """Steps not done whose needs are all done, in their order."""
    return [step for step in plan if step.number not in done and all(need in done for need in step.needs)]


def waves(plan: Sequence[Step]) -> list[list[Step]]:
    """The plan as rounds of calls that can be made at once."""
    done: dict[int, None] = {}
    result = []
    while wave := ready(plan, done):
        result.append(wave)
        done.update(dict.fromkeys(step.number for step in wave))
    return result


def _number(match: re.Match[str]) -> int:
    return int(match.group(1) or match.group(2))


def _as_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
