"""Tool schemas for records that do not hold them: given by the user, else put together from the calls that were made.

What is put together is a lower bound: it has the names of tools and arguments and the arguments' types, but none of the
descriptions, and none of the tools that no run used.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from scrimp.audit.trace import Trace
from scrimp.audit.wire_openai import tools as read_tools
from scrimp.core.errors import InputError
from scrimp.core.messages import ToolSpec

BUFFER = 256
"""Runs of one file whose calls are looked at together; more are held in no case."""

NOTE = (
    "tool schemas are not in the record: they were put together from the calls of the runs, without descriptions, "
    "so their tokens are a lower bound (--tools FILE gives the real ones)"
)

FORM = 'a JSON list of {"name", "description", "parameters"} or of {"type": "function", "function": {...}} is needed'

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"),
)  # fmt: skip


def load_schemas(path: Path) -> Mapping[str, ToolSpec]:
    """Tool schemas by name from a JSON list, in the form that a provider takes.

    Raises:
        InputError: it cannot be read, is no JSON, or holds something else than tool schemas.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"the tool schemas {path} cannot be read: {error.strerror}", remedy=FORM) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the tool schemas {path} are no JSON", remedy=FORM) from error
    listed = data.get("tools", data) if isinstance(data, dict) else data
    for at, item in enumerate(listed if isinstance(listed, list) else ()):
        if not read_tools([item]):
            raise InputError(f"item {at + 1} of {path} is no tool schema", remedy=FORM)
    found = read_tools(listed)
    if not found:
        raise InputError(f"{path} holds no tool schema", remedy=FORM)
    return {spec.name: spec for spec in found}


def with_schemas(traces: Iterable[Trace], given: Mapping[str, ToolSpec]) -> Iterator[Trace]:
    """The traces in their order, each with tool schemas in its requests.

    Args:
        given: schemas by tool name; where there are any, all of them are taken to have been offered.
    """
    held: list[Trace] = []
    known: dict[str, dict[str, str]] = {}
    for trace in traces:
        if trace.tools_told and not held:
            yield trace
            continue
        held.append(trace)
        if not trace.tools_told:
            _learn(known, trace)
        if len(held) >= BUFFER:
            yield from _filled(held, known, given)
            held.clear()
    yield from _filled(held, known, given)


def _learn(known: dict[str, dict[str, str]], trace: Trace) -> None:
    """Names and argument types of the tools that a run called, answered or not."""
    asked = (call for step in trace.steps for call in step.answer.tool_calls)
    for call in chain(asked, (use.call for use in trace.tools)):
        arguments = known.setdefault(call.name, {})
        for name, value in (call.arguments or {}).items():
            if name not in arguments:
                arguments[name] = next((label for kind, label in _TYPES if isinstance(value, kind)), "string")


def _filled(
    held: list[Trace], known: Mapping[str, Mapping[str, str]], given: Mapping[str, ToolSpec]
) -> Iterator[Trace]:
    specs = tuple(given.values()) if given else tuple(_spec(name, known[name]) for name in sorted(known))
    for trace in held:
        if trace.tools_told or not specs:
            yield trace
            continue
        steps = [
            step if step.request.tools else replace(step, request=step.request.with_(tools=specs))
            for step in trace.steps
        ]
        notes = trace.notes if given else [*trace.notes, NOTE]
        yield replace(trace, steps=steps, notes=notes, tools_told=bool(given))


def _spec(name: str, arguments: Mapping[str, str]) -> ToolSpec:
    properties: dict[str, Any] = {key: {"type": kind} for key, kind in arguments.items()}
    return ToolSpec(name, "", {"type": "object", "properties": properties})
