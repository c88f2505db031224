"""What the tools of both desks share: how they are described and used, and those that any desk has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scrimp.core.tool import Tool
from scrimp.evaluate.environments.desk_tables import Action, Record, Refused, Tables, calculate

Schema = Mapping[str, Any]

MESSAGE = "message_user"
"""The tool that speaks to the user."""
TRANSFER = "transfer_to_human_agents"


def text(about: str, *choices: str) -> Schema:
    """The schema of a text, or of one of some words."""
    return {"type": "string", "description": about, **({"enum": list(choices)} if choices else {})}


def whole(about: str) -> Schema:
    """The schema of a whole number."""
    return {"type": "integer", "description": about}


def number(about: str) -> Schema:
    """The schema of any number."""
    return {"type": "number", "description": about}


def several(about: str, items: Schema) -> Schema:
    """The schema of a list."""
    return {"type": "array", "description": about, "items": items}


def record(**fields: Schema) -> Schema:
    """The schema of an object that has all its fields."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def desk_tool(name: str, description: str, **arguments: Schema) -> Tool:
    """A tool that acts in a desk's world; it needs all its arguments."""
    return Tool(name, description, record(**arguments), acts=True)


WRONG = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What arguments of a wrong type or shape raise in a tool."""


@dataclass(frozen=True)
class Service:
    """The tools of a desk and what they do.

    Attributes:
        name: `retail` or `airline`.
        tools: as an agent sees them.
        actions: what each does.
    """

    name: str
    tools: tuple[Tool, ...]
    actions: Mapping[str, Action]

    def use(self, tables: Tables, name: Any, arguments: Any) -> str:
        """Use a tool: its result as text.

        Raises:
            Refused: it is not there, its arguments are not those it has, or it will not. As officially, one that
                fails on its way leaves behind what it had changed.
        """
        tool = next((one for one in self.tools if one.name == name), None)
        if tool is None or not isinstance(arguments, Mapping):
            raise Refused(f"no tool is called {name!r}, or its arguments are no object")
        if set(arguments) != set(tool.parameters["required"]):
            raise Refused(f"{name} takes {', '.join(tool.parameters['required']) or 'no arguments'}")
        try:
            found = self.actions[tool.name](tables, arguments)
        except Refused:
            raise
        except WRONG as error:
            raise Refused(f"the arguments of {name} do not fit ({type(error).__name__}: {error})") from error
        return found if isinstance(found, str) else json.dumps(found)

    def after(self, tables: Tables, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[str, list[str]]:
        """The hash of a database after calls, and why each of those failed that did: the others are made all the
        same, as officially."""
        own, failed = tables.copy(), []
        for name, arguments in calls:
            try:
                self.use(own, name, arguments)
            except Refused as refusal:
                failed.append(f"{name}: {refusal}")
        return own.digest(), failed


ASK = desk_tool(
    MESSAGE,
    "Say something to the user and get their reply. The user sees nothing else of what you do.",
    text=text("What you say, in full."),
)
SHARED = {
    "calculate": desk_tool(
        "calculate", "Work out an arithmetic expression, to 2 decimals.",
        expression=text("Numbers with + - * / and brackets, such as '(2 + 3) * 4'."),
    ),
    TRANSFER: desk_tool(
        TRANSFER, "Hand the user over to a human agent: only if they ask for one, or if policy and tools leave no way.",
        summary=text("What the user wants and what was done, in short."),
    ),
    "think": desk_tool(
        "think", "Write a thought down. It changes nothing and tells nothing new.",
        thought=text("The thought."),
    ),
}  # fmt: skip


def _transfer(tables: Tables, arguments: Mapping[str, Any]) -> str:
    return "Transfer successful"


def _think(tables: Tables, arguments: Mapping[str, Any]) -> str:
    return ""


ACTIONS: Mapping[str, Action] = {"calculate": calculate, TRANSFER: _transfer, "think": _think}


def user_details(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """The profile of a user."""
    return tables.get("users", arguments["user_id"])


def payment_method(tables: Tables, user: str, method: Any) -> Record:
    """A payment method of a user's profile, to look at.

    Raises:
        Refused: it is not there.
    """
    found: Record | None = tables.get("users", user)["payment_methods"].get(method)
    if found is None:
        raise Refused("payment method not found")
    return found


def own_method(tables: Tables, user: str, method: str) -> Record:
    """The same to change."""
    found: Record = tables.edit("users", user)["payment_methods"][method]
    return found
