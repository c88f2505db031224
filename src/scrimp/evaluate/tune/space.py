"""A space of Systems: a base, and what may be exchanged in it.

[base]
system = "baseline"

[space]
planner = ["react", "plan-then-execute"]
tool_text = ["json", "signature"]
"selector.top-k.k" = [4, 8]          # only where the selector is top-k
transforms = [[], ["shorten-schemas"]]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.registry import create
from scrimp.core.system import PARTS, Part, System
from scrimp.core.toml import read_toml
from scrimp.evaluate.systems import named

Choice = tuple[tuple[str, Any], ...]
"""One point of a space: each key with the value chosen."""


@dataclass(frozen=True)
class Space:
    """A base System and the alternatives to its parts, each a key with its values.

    A key is a field of System, or `family.method.parameter`, which matters only where that method is chosen.
    """

    base: System
    axes: Mapping[str, tuple[Any, ...]]

    @classmethod
    def read(cls, path: Path) -> Space:
        """A space from a TOML file.

        Raises:
            InputError: it cannot be read, or names something that no System has.
        """
        data = read_toml(path, "space")
        unknown = [key for key in data if key not in ("base", "space")]
        if unknown or not isinstance(data.get("space"), dict) or not data["space"]:
            what = f"has a table {unknown[0]!r}" if unknown else "has no [space]"
            raise InputError(f"{path} {what}", remedy='write [base] with system = "baseline", and [space]')
        base = dict(data.get("base", {"system": "baseline"}))
        system = named(base.pop("system")) if "system" in base else System(name="base")
        system = System.from_data({**system.to_json(), **base}, source=f"{path}, [base]")
        return cls(system, {key: _values(key, values, path) for key, values in data["space"].items()})

    def check(self) -> None:
        """Build every System of the space once.

        Raises:
            InputError: one cannot be built.
        """
        for system in self.systems():
            for family in PARTS:
                part = system.part(family)
                if part is not None:
                    create(family, part.name, part.parameters)
            for transform in system.transforms:
                one = Part.of(transform)
                create("transform", one.name, one.parameters)

    def systems(self) -> Iterator[System]:
        """Every System of the space, once each."""
        seen = set()
        for values in product(*self.axes.values()):
            system = self.at(tuple(zip(self.axes, values, strict=True)))
            key = str({**system.to_json(), "name": ""})
            if key not in seen:
                seen.add(key)
                yield system

    def at(self, choice: Choice) -> System:
        """The System at a point; parameters of methods that were not chosen have no effect."""
        data = self.base.to_json()
        plain = {key: value for key, value in choice if "." not in key}
        for key, value in plain.items():
            data[key] = list(value) if isinstance(value, tuple) else value
        for key, value in choice:
            if "." in key:
                family, method, parameter = key.split(".")
                part = Part.of(data[family]) if data.get(family) is not None else None
                if part is not None and part.name == method:
                    data[family] = {"name": method, **part.parameters, parameter: value}
        data["name"] = _name(choice, data)
        return System.from_data(data, source="the space")


def _values(key: str, values: Any, path: Path) -> tuple[Any, ...]:
    known = {item.name for item in fields(System)} - {"name", "model", "prices", "budget"}
    pieces = key.split(".")
    if key not in known and not (len(pieces) == 3 and pieces[0] in PARTS):
        unknown = UnknownName("axis of a space", key, [*known, "family.method.parameter"])
        raise InputError(f"{path}: {unknown.message}", remedy=unknown.remedy)
    if not isinstance(values, list) or not values:
        raise InputError(f"{path}: {key} is {values!r}", remedy=f'write {key} = ["one", "other"]')
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def _name(choice: Choice, data: Mapping[str, Any]) -> str:
    """What tells this System from the others."""
    told = []
    for key, value in choice:
        pieces = key.split(".")
        if len(pieces) == 3 and Part.of(data[pieces[0]]).name != pieces[1]:
            continue
        told.append(f"{pieces[-1]}={_short(value)}")
    return " ".join(told)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("name", value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "+".join(_short(item) for item in value) or "none"
    return str(value)
