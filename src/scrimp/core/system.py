"""A System: one complete way of building an agent, as data.

It can be written in TOML, hashed and compared; it is a point in a search space. Everything that a
comparison varies is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError, UnknownName
from scrimp.core.messages import digest
from scrimp.core.registry import load
from scrimp.core.toml import read_toml, toml


@dataclass(frozen=True)
class Part:
    """A method by name, with its parameters."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Part | str | Mapping[str, Any]) -> Part:
        """Read `"mem0"`, `{name = "mem0", top_k = 5}` or a Part."""
        if isinstance(value, Part):
            return value
        if isinstance(value, str):
            return cls(value)
        parameters = dict(value) if isinstance(value, Mapping) else {}
        name = parameters.pop("name", None)
        if not isinstance(name, str):
            raise InputError(f"a part of a System needs a name, got {value!r}", remedy='name = "react"')
        return cls(name, parameters)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.parameters}


LEAST_SHOWN = 200
"""Characters of a tool's result that an agent is shown in any case."""
PARTS = ("planner", "context", "selector", "gate", "memory")


@dataclass(frozen=True)
class System:
    """One way of building an agent.

    Attributes:
        model: name of the main model (`local`, `openai:NAME`, `URL#NAME`...).
        models: further models by the role a method asks for.
        planner, context, selector, gate, memory: a method's name, a Part, or a mapping with `name`
            and parameters; None where the System has none of that family.
        transforms: rewritings of every request, in order.
        embedder: what turns texts into vectors.
        prices: price list by name or file; local tokens are priced at its reference rates.
        budget: hard limits of one run.
        max_output: most tokens of one answer; `temperature`, `seed`, `effort` as the model takes them.
        offload: characters of a tool's result above which the agent is shown its ends and a handle to read the rest
            by; 0 shows all.
        programs: the agent may also write programs that call its tools, run in a sandbox (tools/programs.py).
        tool_text: how tools are written for a model without native tool calls: `json` or `signature`.
    """

    model: str = "local"
    planner: Part | str = "react"
    context: Part | str = "everything"
    selector: Part | str = "all-tools"
    gate: Part | str | None = None
    memory: Part | str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    transforms: tuple[Part | str, ...] = ()
    embedder: str = "multilingual"
    prices: str = "hosted-2026-11"
    budget: Budget | Mapping[str, Any] = field(default_factory=Budget)
    max_output: int = 512
    temperature: float = 0.0
    seed: int | None = None
    effort: str | None = None
    parallel_calls: bool = True
    tool_text: str = "json"
    offload: int = 0
    programs: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        for key in PARTS:
            value = getattr(self, key)
            if value is not None:
                object.__setattr__(self, key, Part.of(value))
        object.__setattr__(self, "transforms", tuple(Part.of(item) for item in self.transforms))
        object.__setattr__(self, "temperature", float(self.temperature))  # 0 and 0.0 are one System
        if isinstance(self.budget, Mapping):
            object.__setattr__(self, "budget", Budget(self.budget))
        if self.tool_text not in ("json", "signature"):
            raise InputError(f"tool_text is {self.tool_text!r}", remedy="json or signature")
        if self.offload and self.offload < LEAST_SHOWN:
            raise InputError(f"offload is {self.offload}", remedy=f"0, or at least {LEAST_SHOWN} characters")
        if self.max_output < 1:
            raise InputError(f"max_output is {self.max_output}", remedy="a positive number of tokens")

    def part(self, family: str) -> Part | None:
        """The method of a family, None where the System has none."""
        value = getattr(self, family)
        return None if value is None else Part.of(value)

    def with_(self, **changes: Any) -> System:
        """A copy with some fields changed."""
        return replace(self, **changes)

    # -- as data --

    def to_json(self) -> dict[str, Any]:
        """Everything that makes up the System, as plain values; the inverse of `from_data`."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, (Part, Budget)):
                value = value.to_json()
            elif item.name == "transforms":
                value = [Part.of(part).to_json() for part in value]
            elif isinstance(value, Mapping):
                value = dict(value)
            if value is not None or item.default is not None:
                out[item.name] = value
        return out

    @classmethod
    def from_data(cls, data: Mapping[str, Any], *, source: str = "System") -> System:
        """Read plain values, as TOML gives them.

        Raises:
            InputError: a key or value the System does not have; the message names it and `source`.
        """
        known = {item.name: item for item in fields(cls)}
        values = dict(data)
        if "transform" in values:  # [[transform]] tables read better in TOML
            values["transforms"] = values.pop("transform")
        for key, value in values.items():
            if key not in known:
                unknown = UnknownName("key of a System", key, known)
                raise InputError(f"{source}: {unknown.message}", remedy=unknown.remedy)
            _check(source, key, value)
        if "transforms" in values:
            values["transforms"] = tuple(values["transforms"])
        return cls(**values)

    @classmethod
    def from_toml(cls, path: str | Path) -> System:
        """Read a System from a TOML file; its name is the file's unless it states one."""
        file = Path(path)
        system = cls.from_data(read_toml(file, "System"), source=file.name)
        return system if system.name else replace(system, name=file.stem)

    def to_toml(self) -> str:
        """The System as a TOML file; the inverse of `from_toml`."""
        return "".join(f"{key} = {toml(value)}\n" for key, value in self.to_json().items() if value is not None)

    # -- identity --

    def hash(self, models: Mapping[str, str]) -> str:
        """Identity of the System: methods, parameters, prompt versions and model files.

        Prices take no part (they are recorded beside), and neither does its name.

        Args:
            models: identity of each named model (the hash of its file, or its name).
        """
        data = self.to_json()
        for key in ("name", "prices"):
            data.pop(key, None)
        for key in ("offload", "programs"):
            if not data[key]:
                del data[key]  # as if it were not there: a System is the same as before there was such a thing
        data["model"] = models.get(self.model, self.model)
        data["models"] = {role: models.get(name, name) for role, name in self.models.items()}
        prompts = {}
        for family in PARTS:
            part = self.part(family)
            if part is not None:
                cls = load(family, part.name)
                prompts[family] = [prompt.hash for prompt in getattr(cls, "prompts", ())]
        return digest([data, prompts])


def _check(source: str, key: str, value: Any) -> None:
    """One clear line for a value of the wrong type."""
    expected: dict[str, tuple[type, ...]] = {
        "model": (str,), "models": (dict,), "transforms": (list,), "embedder": (str,), "prices": (str,),
        "budget": (dict,), "max_output": (int,), "temperature": (int, float), "seed": (int,), "effort": (str,),
        "parallel_calls": (bool,), "tool_text": (str,), "offload": (int,), "programs": (bool,), "name": (str,),
    }  # fmt: skip
    allowed = expected.get(key, (str, dict))
    if value is None and key in PARTS and key != "planner":
        return
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        names = " or ".join(
            {"str": "text", "dict": "a table", "list": "a list"}.get(t.__name__, t.__name__) for t in allowed
        )
        raise InputError(f"{source}: {key} is {value!r}", remedy=f"it takes {names}")
