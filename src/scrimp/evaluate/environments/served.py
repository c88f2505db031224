"""A task's world as an MCP server: `python -m scrimp.evaluate.environments.served BENCH TASK [--http PORT]`.

Blocksworld, say, for any MCP client: `scrimp run "..." --mcp "python -m scrimp.evaluate.environments.served blocksworld
ID"`. The tools of the task that act are the server's, and two more: `task` says what is wanted, `score` by the
benchmark's own rule how the world stands now. Gold stays in the server.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, MissingExtra, ScrimpError
from scrimp.core.task import Answer, Task
from scrimp.evaluate.benchmarks.catalog import open_benchmark

NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


def main(arguments: list[str] | None = None) -> int:
    """Serve until the client leaves."""
    parser = argparse.ArgumentParser(prog="python -m scrimp.evaluate.environments.served", description=__doc__)
    parser.add_argument("bench", help="a benchmark whose tasks have a world, as `scrimp bench list` names it")
    parser.add_argument("task", nargs="?", default="", help="the id of a task; the first one where it is left out")
    parser.add_argument("--data", type=Path, help="folder of the official files")
    parser.add_argument("--http", type=int, metavar="PORT", help="over streamable HTTP on the loopback address")
    given = parser.parse_args(arguments)
    try:
        bench = open_benchmark(given.bench, given.data)
        server = _server(bench, _chosen(bench, given.task))
    except ScrimpError as error:
        sys.stderr.write(f"scrimp: {error}\n")
        return error.exit_code
    if given.http is None:
        import anyio

        anyio.run(_over_stdio, server)
    else:
        import uvicorn

        uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=given.http, log_level="warning")
    return 0


def _chosen(bench: Any, wanted: str) -> Task:
    """The task of an id, or the first.

    Raises:
        InputError: there is no such task, or it has no world.
    """
    tasks = (task for split in bench.splits for task in bench.tasks(split))
    task: Task | None = next((one for one in tasks if wanted in ("", one.id)), None)
    if task is None:
        raise InputError(f"{bench.name} has no task {wanted!r}", remedy="leave it out for the first one")
    if not task.environment:
        raise InputError(f"the tasks of {bench.name} have no world to serve", remedy="blocksworld, for one")
    return task


def _server(bench: Any, task: Task) -> Any:
    """The world of a task behind the SDK's server."""
    try:
        from mcp import types
        from mcp.server import Server
    except ImportError:
        raise MissingExtra("MCP servers need the package mcp", remedy="pip install 'scrimp[mcp]'") from None
    world = bench.environment(task)
    begun: list[str] = []
    acting = {tool.name: tool.spec for tool in task.tools if tool.acts}

    def result(text: str, *, error: bool = False) -> Any:
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=error)

    async def told() -> str:
        """What is wanted, and the world as it is at the start; the world begins when it is first looked at."""
        if not begun:
            begun.append(await world.reset(task))
        return f"{task.text}\n\n{begun[0]}"

    async def listed(context: Any, params: Any) -> Any:
        tools = [types.Tool(name=spec.name, description=spec.description, input_schema=dict(spec.parameters))
                 for spec in acting.values()]  # fmt: skip
        tools.append(types.Tool(name="task", description="What is wanted, and how it stands.", input_schema=NOTHING))
        tools.append(types.Tool(name="score", description="How well the world stands now.", input_schema=NOTHING))
        return types.ListToolsResult(tools=tools)

    async def called(context: Any, params: Any) -> Any:
        text = await told()
        if params.name == "task":
            return result(text)
        if params.name == "score":
            score = await bench.score(task, Answer("done", state=dict(world.state())), None)
            return result(f"{score.value:.3f}, {'solved' if score.success else 'not solved'}")
        if params.name not in acting:
            return result(f"error: no tool is called {params.name!r}", error=True)
        seen = await world.step({"name": params.name, "arguments": dict(params.arguments or {})}, None)
        return result(seen.text, error=not seen.ok)

    return Server(f"scrimp {bench.name}", on_list_tools=listed, on_call_tool=called)


async def _over_stdio(server: Any) -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    sys.exit(main())
