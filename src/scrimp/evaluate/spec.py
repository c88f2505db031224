"""An experiment as one TOML file; what the options of `compare` say wins over what it says.

bench = "toolworld?tools=16"
model = "local"
n = 50
systems = ["baseline", "efficient", "mine.toml"]
budget = {usd = "0.50"}
levels = [{usd = "0.0005"}, {usd = "0.002"}]

[[system]]
name = "short"
planner = {name = "react", max_steps = 4}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError, UnknownName
from scrimp.core.system import System
from scrimp.core.toml import read_toml
from scrimp.evaluate.experiment import Experiment
from scrimp.evaluate.systems import named

TYPES: Mapping[str, tuple[type, ...]] = {
    "bench": (str,), "data": (str,), "model": (str,), "n": (int,), "seeds": (int,), "split": (str,),
    "prices": (str,), "budget": (dict,), "levels": (list,), "margin": (int, float), "controls": (bool,),
    "at_cost": (dict,), "at_quality": (int, float), "guard": (str,), "workers": (int,), "executor": (str,),
    "out": (str,), "systems": (list,), "system": (list,),
}  # fmt: skip
"""What a specification may hold: fields of Experiment, and Systems by name (`systems`) or as tables (`[[system]]`)."""

WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table", list: "a list"}


def read(path: str | Path) -> Experiment:
    """An experiment from a TOML file; files that it names are looked for beside it.

    Raises:
        InputError: it cannot be read, or holds a key or value that an experiment has not; the line names it.
    """
    file = Path(path)
    return from_data(read_toml(file, "specification"), file)


def from_data(data: Mapping[str, Any], file: Path) -> Experiment:
    """An experiment from the values of a specification; `file` is named in errors.

    Raises:
        InputError: as `read`.
    """
    _check(data, file)
    systems = [_named(name, file) for name in data.get("systems", ())]
    systems += [_system(table, number, file) for number, table in enumerate(data.get("system", ()), 1)]
    given: dict[str, Any] = {key: value for key, value in data.items() if key not in ("systems", "system")}
    for key in ("data", "out"):
        if key in given:
            given[key] = _beside(given[key], file)
    if "prices" in given and given["prices"].endswith(".toml"):
        given["prices"] = str(_beside(given["prices"], file))
    for key in ("budget", "at_cost"):
        if key in given:
            given[key] = _budget(given[key], key, file)
    if "levels" in given:
        given["levels"] = tuple(_budget(value, "levels", file) for value in given["levels"])
    for key in ("margin", "at_quality"):
        if key in given:
            given[key] = float(given[key])
    given.setdefault("controls", True)
    return Experiment(tuple(systems), given.pop("bench", ""), **given)


def _check(data: Mapping[str, Any], file: Path) -> None:
    for key, value in data.items():
        if key not in TYPES:
            unknown = UnknownName("key of a specification", key, TYPES)
            raise InputError(f"{file}: {unknown.message}", remedy=unknown.remedy)
        allowed = TYPES[key]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise InputError(f"{file}: {key} is {value!r}", remedy=f"it takes {' or '.join(WORDS[t] for t in allowed)}")


def _named(name: Any, file: Path) -> System:
    if not isinstance(name, str):
        raise InputError(f"{file}: systems holds {name!r}", remedy='names, as in systems = ["baseline"]')
    return named(str(_beside(name, file)) if name.endswith(".toml") else name)


def _system(table: Any, number: int, file: Path) -> System:
    if not isinstance(table, dict):
        raise InputError(f"{file}: system {number} is {table!r}", remedy="write it as a [[system]] table")
    system = System.from_data(table, source=f"{file}, system {number}")
    return system if system.name else replace(system, name=f"system {number}")


def _beside(name: str, file: Path) -> Path:
    path = Path(name).expanduser()
    return path if path.is_absolute() else file.parent / path


def _budget(value: Any, key: str, file: Path) -> Budget:
    try:
        return Budget(value)
    except InputError as error:
        raise InputError(f"{file}: {key}: {error.message}", remedy=error.remedy) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{file}: {key} is {value!r}", remedy='a table, as in {usd = "0.02"}') from error
