"""A tool as a value: what the model is told of it, what calling it means and what it costs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from scrimp.core.messages import ToolSpec

if TYPE_CHECKING:
    from scrimp.core.context import Context

Status = Literal["ok", "error", "unknown"]


@dataclass(frozen=True)
class ToolResult:
    """What a call gave the agent.

    `status` is `error` where the tool refused or raised (the text says why), and `unknown` where
    nobody can tell whether it took effect (it hung, or the run was killed while it ran).
    """

    text: str
    status: Status = "ok"
    value: Any = None

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text, "status": self.status}


@dataclass(frozen=True)
class Tool:
    """A function an agent may call.

    Attributes:
        parameters: JSON schema of the arguments, an object.
        call: takes the validated arguments and returns the result as a value or a ToolResult; may
            be async. None where the tool is only a description (its calls are recorded, not run).
        call_in: as `call`, and takes a Context besides, inside of which what it does is nested: for tools that call
            others, or that read what the run keeps.
        price: dollars per call, declared by whoever offers the tool. Tools of ours cost nothing
            unless declared; a tool from outside is None, unknown, until it is priced.
        latency: declared seconds per call, for planning and the critical path; 0 where not declared.
        pure: calling it twice with the same arguments changes nothing and gives the same result.
            A call that is not pure is never repeated after a kill without being asked.
        acts: calling it is a step in the task's environment (`call` is None then).
        timeout: seconds after which a call is given up and reported as unknown.
        inline: the function returns at once and is run without a thread.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    call: Callable[[Mapping[str, Any]], Any | Awaitable[Any]] | None = None
    price: Decimal | None = Decimal(0)
    latency: float = 0.0
    pure: bool = False
    acts: bool = False
    timeout: float = 60.0
    inline: bool = False
    source: str = "python"
    tags: Mapping[str, str] = field(default_factory=dict)
    call_in: Callable[[Mapping[str, Any], Context], Awaitable[Any]] | None = None

    @cached_property
    def spec(self) -> ToolSpec:
        """The part a model sees."""
        return ToolSpec(self.name, self.description, self.parameters)

    @property
    def document(self) -> str:
        """Name, description and argument names as text, for retrieval."""
        properties = self.parameters.get("properties", {})
        arguments = ", ".join(
            f"{name}: {schema.get('description', '')}" if isinstance(schema, Mapping) else name
            for name, schema in properties.items()
        )
        return f"{self.name.replace('_', ' ').replace('.', ' ')}. {self.description} {arguments}".strip()


@runtime_checkable
class ToolSource(Protocol):
    """Where tools come from that may change while the agent lives: a server, say."""

    async def tools(self, taken: Collection[str] = ()) -> Sequence[Tool]:
        """Its tools as they are now, under names that nobody in `taken` has."""
        ...

    def close(self) -> None:
        """Let go of what it holds; the next call for its tools would open it again."""
        ...


def signature(spec: ToolSpec) -> str:
    """A tool in one line, as a model can read it: `name(argument: type, optional?: type) - description`.

    An argument's own description follows its type where it has one.
    """
    properties = spec.parameters.get("properties", {})
    required = spec.parameters.get("required", ())
    arguments = []
    for name, schema in properties.items():
        mark = "" if name in required else "?"
        about = f" ({schema['description'].rstrip('.')})" if schema.get("description") else ""
        arguments.append(f"{name}{mark}: {_type(schema)}{about}")
    return f"{spec.name}({', '.join(arguments)}) - {' '.join(spec.description.split())}"


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return f"{_type(schema['items'])}[]"
    return "|".join(kind) if isinstance(kind, list) else str(kind)
