"""A plan as a graph of calls: steps that name earlier steps' results, as `$n` or in a method's own notation.

Shared by every planner that plans before it acts. What runs such a graph is `dag_run`, what reads it out of lines of
text `dag_text`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

REFERENCE = re.compile(r"\$(?:\{(\d{1,6})\}|(\d{1,6})(?!\d|[.,]\d))")
"""`$3` or `${3}`: the result of step 3, counted from 1. `$3.50` and `$1,200` are money.

Another notation is another pattern, with the number in whichever of its groups matches.
"""

MOST_CALLS = 50
"""Calls of one plan; more is no plan but a loop."""


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
        PlanError: a step refers to itself or to a later one, or is no call; there are more than MOST_CALLS.
    """
    if len(steps) > MOST_CALLS:
        raise PlanError(f"a plan has {MOST_CALLS} calls at most")
    plan: list[Step] = []
    for number, raw in enumerate(steps, start=first):
        arguments = raw.get("arguments")
        if not isinstance(raw.get("tool"), str) or not isinstance(arguments, Mapping):
            raise PlanError(f"step {number} is no call: it needs a tool and its arguments")
        plan.append(made(number, raw["tool"], arguments, range(1, number)))
    return plan


def made(
    number: int, tool: str, arguments: Mapping[str, Any], earlier: Container[int],
    pattern: re.Pattern[str] = REFERENCE,
) -> Step:  # fmt: skip
    """A step that refers to `earlier` ones only, which no cycle does.

    Raises:
        PlanError: it refers to itself or to a step that is not there yet, or is nested too deep to be looked through.
    """
    try:
        needs = frozenset(references(arguments, pattern))
    except RecursionError:
        raise PlanError(f"step {number} is nested too deep") from None
    wrong = sorted(need for need in needs if need == number or need not in earlier)
    if wrong:
        written = (match for match in pattern.finditer(json.dumps(arguments)) if _number(match) == wrong[0])
        raise PlanError(f"step {number} refers to {next(written).group()}, but only earlier steps have results")
    return Step(number, tool, arguments, needs)


def references(value: Any, pattern: re.Pattern[str] = REFERENCE) -> list[int]:
    """Numbers of the steps a value refers to, however deep."""
    if isinstance(value, str):
        return [_number(match) for match in pattern.finditer(value)]
    if isinstance(value, Mapping):
        return [number for item in value.values() for number in references(item, pattern)]
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in references(item, pattern)]
    return []


def fill(value: Any, results: Mapping[int, str], pattern: re.Pattern[str] = REFERENCE) -> Any:
    """Put results in the place of references.

    A string that is only a reference becomes the result as JSON reads it (a number stays a number);
    a reference inside other words becomes the result's text.
    """
    if isinstance(value, str):
        whole = pattern.fullmatch(value.strip())
        if whole:
            return _as_value(results[_number(whole)])
        return pattern.sub(lambda match: results[_number(match)], value)
    if isinstance(value, Mapping):
        return {key: fill(item, results, pattern) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, results, pattern) for item in value]
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
    return int(next(group for group in match.groups() if group))


def _as_value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
