"""A task's world behind MCP: the same steps, the same score, over a real connection."""

from __future__ import annotations

import sys

import pytest

from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.environments.served import main
from scrimp.tools.sources.mcp import MCPServer

pytest.importorskip("mcp", reason="needs the extra mcp")
BENCH = "blocksworld?data=sample"
MODULE = "scrimp.evaluate.environments.served"


@pytest.mark.anyio
async def test_blocksworld_is_solved_over_mcp() -> None:
    bench = open_benchmark(BENCH)
    task = next(task for task in bench.tasks(bench.default_split) if bench.gold(task.id).steps)
    server = MCPServer((sys.executable, "-m", MODULE, BENCH, task.id), name="blocks")
    tools = {tool.name: tool for tool in await server.tools()}
    assert {"pick_up", "put_down", "stack", "unstack", "task", "score"} <= set(tools)

    async def call(name: str, **arguments: object) -> str:
        result = await tools[name].call(arguments)  # type: ignore[misc]
        return str(result.text)

    assert task.text in await call("task")
    assert (await call("score")).endswith("not solved")
    assert (await call("pick_up", block="no such block")).startswith("error:")
    for step in bench.gold(task.id).steps:
        await call(step.tool, **step.arguments)
    assert (await call("score")).endswith(", solved")
    await server.aclose()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [(["toolworld"], "have no world to serve"), ([BENCH, "nobody"], "has no task 'nobody'"), (["nothing"], "nothing")],
)
def test_wrong_words(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert line in capsys.readouterr().err
