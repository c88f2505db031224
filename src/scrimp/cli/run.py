"""`scrimp run`: one task, one System, one budget."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import BudgetText, Json, Labels, Model, Prices, check_prices, read_budget, read_labels
from scrimp.core.errors import InputError
from scrimp.core.task import Task

if TYPE_CHECKING:
    from scrimp.agent import Agent, Result
    from scrimp.core.budget import Budget
    from scrimp.core.system import System
    from scrimp.core.tool import ToolSource

app = new_app()

METHOD = "METHOD"


@app.command()
def run(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="The task; @FILE reads it from a file, - from the input.")
    ],
    system: Annotated[
        str | None, typer.Option("--system", metavar="SYSTEM", help="baseline, efficient, a method or a TOML file.")
    ] = None,
    model: Model = None,
    planner: Annotated[str | None, typer.Option("--planner", metavar=METHOD, help="How the run is conducted.")] = None,
    memory: Annotated[str | None, typer.Option("--memory", metavar=METHOD, help="A long-term memory.")] = None,
    selector: Annotated[
        str | None, typer.Option("--selector", metavar=METHOD, help="Which tools the model is shown.")
    ] = None,
    context: Annotated[str | None, typer.Option("--context", metavar=METHOD, help="What stays in the prompt.")] = None,
    tools: Annotated[
        list[str] | None,
        typer.Option("--tools", metavar="FILE.py", help="Python file or module whose tools are offered; repeatable."),
    ] = None,
    mcp: Annotated[
        list[str] | None,
        typer.Option("--mcp", metavar="[NAME=]COMMAND|URL", help="MCP server whose tools are offered; repeatable."),
    ] = None,
    openapi: Annotated[
        list[str] | None,
        typer.Option("--openapi", metavar="FILE|URL", help="OpenAPI document whose operations are tools; repeatable."),
    ] = None,
    openapi_base: Annotated[
        str | None, typer.Option("--openapi-base", metavar="URL", help="Where its operations are called.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header", metavar="'NAME: WORDS'", help="For tools over HTTP; $NAME is an environment variable."
        ),
    ] = None,
    pass_env: Annotated[
        list[str] | None,
        typer.Option("--pass-env", metavar="NAME", help="Environment variable that MCP programs are given."),
    ] = None,
    store: Annotated[
        str, typer.Option("--store", metavar="FILE|URL", help="Where a memory keeps its records; home: in SCRIMP_HOME.")
    ] = "home",
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Whose memory it is.")] = "",
    budget: BudgetText = None,
    label: Labels = None,
    prices: Prices = None,
    as_json: Json = False,
) -> None:
    """Do one task and print the answer and what it cost.

    Exit code 3 if the budget ended the run (the best partial answer is printed), 4 if the model failed.
    """
    text, labels, limits = read_task(task), read_labels(label), read_budget(budget)
    parts = {"planner": planner, "memory": memory, "selector": selector, "context": context}
    changes = {**parts, "model": model, "prices": check_prices(prices)}
    chosen = choose_system(system, {key: value for key, value in changes.items() if value is not None})

    from scrimp.agent import Agent
    from scrimp.cli.tool_files import load_tools

    offered = [tool for name in tools or () for tool in load_tools(name)]
    outside = sources(mcp or (), openapi or (), openapi_base or "", header or (), pass_env or ())
    kept = store if chosen.memory is not None else None
    with Agent(chosen, tools=[*offered, *outside], budget=_within(chosen, limits), store=kept) as agent:
        result = _watched(agent, Task("", text, owner=owner), labels)
    finish(result, as_json)


def sources(
    mcp: Sequence[str], openapi: Sequence[str], base: str, headers: Sequence[str], variables: Sequence[str]
) -> list[ToolSource]:
    """The sources of tools that a command line names.

    Raises:
        InputError: one of them is not one, or the environment has not what it should be given.
    """
    if not mcp and not openapi:
        return []
    from scrimp.tools.sources.mcp import MCPServer
    from scrimp.tools.sources.openapi import OpenAPI, headers_from

    sent = headers_from(headers)
    for name in variables:
        if name not in os.environ:
            raise InputError(f"the environment has no variable {name}", remedy=f"export {name}=...")
    given = {name: os.environ[name] for name in variables}
    servers = [MCPServer.of(text, headers=sent, env=given) for text in mcp]
    return [*servers, *(OpenAPI(document, base, sent) for document in openapi)]


def read_task(given: str) -> str:
    """The text of a task.

    Raises:
        InputError: there is none, or its file cannot be read.
    """
    text = given
    if given == "-":
        text = sys.stdin.read()
    elif given.startswith("@"):
        path = Path(given[1:]).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            remedy = "a task that begins with @ can be given on the standard input, with -"
            raise InputError(f"the task file {path} cannot be read: {why}", remedy=remedy) from error
    if not text.strip():
        raise InputError("the task is empty", remedy='scrimp run "What is 17 * 23?"')
    return text.strip("\n")


def choose_system(name: str | None, changes: dict[str, Any]) -> System:
    """The System that was named, with what the options exchange; its methods are known to exist.

    Raises:
        InputError: a System or method that nobody knows, or one whose parameters are wrong.
    """
    from scrimp.core.registry import create
    from scrimp.core.system import PARTS
    from scrimp.evaluate.systems import baseline, named

    system = baseline() if name is None else named(name)
    if any(key in PARTS for key in changes):
        changes = {**changes, "name": ""}
    system = system.with_(**changes)
    for family in PARTS:
        part = system.part(family)
        if part is not None:
            create(family, part.name, part.parameters)
    return system


def _within(system: System, limits: Budget | None) -> Budget | None:
    """The System's own budget, with the limits of the command line over it."""
    from scrimp.core.budget import Budget

    return None if limits is None else Budget({**Budget.of(system.budget).limits, **limits.limits})


def _watched(agent: Agent, task: Task, labels: Any) -> Result:
    from scrimp.cli.progress import Progress

    with Progress(f"running on {agent.system.model}"):
        return agent.run(task, labels=labels)


def finish(result: Result, as_json: bool) -> None:
    """Print a result and leave with its exit code."""
    from scrimp.cli.output import complain, emit
    from scrimp.cli.results import EXIT_CODES, print_run

    document = result.to_json()
    if as_json:
        emit(document)
    else:
        print_run(document)
    if result.error:
        complain(result.error)
    raise typer.Exit(EXIT_CODES[result.status])
