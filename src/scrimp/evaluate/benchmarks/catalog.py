"""How a benchmark is opened by its name; which there are, stands in entries.py."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.protocols import Environment
from scrimp.core.task import Task
from scrimp.evaluate.benchmarks.entries import BENCHMARKS, Entry
from scrimp.evaluate.benchmarks.gold import Gold


class Opened(Protocol):
    """What every benchmark of the catalogue has beyond core's Benchmark protocol.

    Attributes:
        splits, default_split: names `tasks` takes, and the one meant when none is named.
    """

    name: str
    version: str
    splits: tuple[str, ...]
    default_split: str

    def tasks(self, split: str) -> Any: ...

    async def score(self, task: Task, answer: Any, ctx: Any) -> Any: ...

    def gold(self, task_id: str) -> Gold: ...


def split_name(text: str) -> tuple[str, dict[str, str]]:
    """`name?key=value&key=value` as a name and its options.

    Raises:
        InputError: an option without a value, or one named twice.
    """
    name, _, query = text.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise InputError(f"the options of {text!r} cannot be read", remedy="write NAME?key=value&key=value") from error
    options = dict(pairs)
    if len(options) != len(pairs) or not all(options.values()):
        raise InputError(f"the options of {text!r} are empty or named twice", remedy="write NAME?key=value&key=value")
    return name, options


def open_benchmark(name: str, data: Path | None = None, **options: Any) -> Opened:
    """A benchmark by name; options may stand in the name, as in `toolworld?tools=16`.

    Args:
        name: a name of BENCHMARKS, or `module:Class` of one's own, which has what `Opened` has that is used.
        data: folder of the official files, for those that need one.
        options: arguments of the benchmark; they win over those in the name.

    Raises:
        UnknownName: no benchmark of that name.
        InputError: an option it has not, a value it cannot take, or data that are missing.
    """
    plain, written = split_name(name)
    entry = BENCHMARKS.get(plain) or _own(plain)
    made = _load(entry)
    given = {**{key: _value(text) for key, text in written.items()}, **options}
    taken = set(inspect.signature(made).parameters)
    unknown = sorted(set(given) - taken)
    if unknown:
        known = ", ".join(entry.options or sorted(taken)) or "none"
        raise InputError(f"benchmark {plain} has no option {unknown[0]!r}", remedy=f"options: {known}")
    if data is not None and "data" in taken:
        given["data"] = data
    opened: Opened = made(**given)
    return opened


def world_of(benchmark: Any, task: Task) -> Environment | None:
    """A fresh world for a task that needs one."""
    if not task.environment:
        return None
    environment: Environment = benchmark.environment(task)
    return environment


async def closed(world: Environment | None) -> None:
    """Give back what a world holds outside this process, where it holds anything."""
    close = getattr(world, "aclose", None)
    if close is not None:
        await close()


def _own(name: str) -> Entry:
    """The entry of a benchmark that is named by its class."""
    if ":" not in name:
        raise UnknownName("benchmark", name, BENCHMARKS)
    return Entry(name, name, 0, (), (), "", name)


def _load(entry: Entry) -> Any:
    module, _, attribute = entry.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"benchmark {entry.name} cannot be loaded: {error}", remedy="write module:Class") from error


def _value(text: str) -> Any:
    if text.lstrip("-").isdigit():
        return int(text)
    return tuple(text.replace("+", " ").split()) if " " in text or "+" in text else text
