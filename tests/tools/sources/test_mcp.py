"""MCP servers over stdio and HTTP: kept alive, followed, and survived."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.agent import Agent, Parts
from scrimp.core.budget import Budget
from scrimp.core.errors import InputError, OutsideError, UnknownPrice
from scrimp.core.system import System
from scrimp.core.tool import Tool, ToolResult
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.tools.parts.foreign import checker, described, legal
from scrimp.tools.sources.mcp import MCPServer

pytest.importorskip("mcp", reason="needs the extra mcp")
pytestmark = pytest.mark.anyio
PROGRAM = Path(__file__).parents[2] / "support" / "mcp_server.py"
SECRET = "s3cr3t-value-of-a-token"


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> Iterator[MCPServer]:
    if request.param == "stdio":
        made = stdio(timeout=20.0)
        yield made
        made.close()
        return
    with served() as url:
        made = MCPServer(url=url, name="odd", headers={"Authorization": f"Bearer {SECRET}"}, timeout=20.0)
        yield made
        made.close()


def stdio(*extra: str, **options: Any) -> MCPServer:
    return MCPServer((sys.executable, str(PROGRAM), *extra), name="odd", **options)


class served:
    """The server over HTTP, in a process of its own."""

    def __enter__(self) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.port, self.process = port, self.start(port)
        return f"http://127.0.0.1:{port}/mcp"

    def start(self, port: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, str(PROGRAM), "--http", str(port)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return process
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()


async def offered(server: MCPServer) -> Mapping[str, Tool]:
    return {tool.name: tool for tool in await server.tools()}


async def ask(tool: Tool, **arguments: Any) -> ToolResult:
    assert tool.call is not None
    result = await tool.call(arguments)  # type: ignore[misc]
    assert isinstance(result, ToolResult)
    return result


async def test_its_tools_are_tools_of_unknown_price_and_its_answers_results(server: MCPServer) -> None:
    tools = await offered(server)
    assert {"add", "fail", "die", "hang", "huge", "grow"} <= set(tools)
    add = tools["add"]
    assert (add.price, add.description, add.source, add.pure) == (None, "Add two numbers.", "mcp:odd", False)
    assert (await ask(add, a=2, b=3)).text == "5"
    misfit = await ask(add, a="two", b=3)
    assert misfit.status == "error"
    assert "the arguments of add do not fit, at a: 'two' is not of type 'integer'" in misfit.text
    failed = await ask(tools["fail"])
    assert (failed.status, "fail" in failed.text) == ("error", True)
    assert "\x07" not in tools["fail"].description, "what a stranger says is data, without control characters"
    assert len((await ask(tools["huge"], megabytes=10)).text) == (10 << 20) + 3


async def test_a_server_that_dies_in_a_call_is_an_observation_and_comes_back(server: MCPServer) -> None:
    tools = await offered(server)
    with anyio.fail_after(20):
        if server.url:
            return  # over HTTP nothing of ours can start it again; see below
        died = await ask(tools["die"])
        assert died.status == "unknown"
        assert "nobody knows whether it took effect" in died.text
        assert (await ask(tools["add"], a=1, b=1)).text == "2"


async def test_a_server_that_is_killed_from_outside_comes_back() -> None:
    server = stdio()
    tools = await offered(server)
    (child,) = children()
    os.kill(child, signal.SIGKILL)
    with anyio.fail_after(20):
        first = await ask(tools["add"], a=1, b=1)
        assert first.text == "2" or first.status == "unknown"
        assert (await ask(tools["add"], a=1, b=1)).text == "2"
    await server.aclose()


def children() -> list[int]:
    """Processes of ours that run the program."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            if parent == os.getpid() and str(PROGRAM) in (folder / "cmdline").read_text(encoding="utf-8"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


async def test_an_http_server_that_went_away_is_an_observation_and_comes_back() -> None:
    place = served()
    url = place.__enter__()
    server = MCPServer(url=url, name="odd", timeout=5.0)
    try:
        tools = await offered(server)
        place.process.kill()
        place.process.wait()
        with anyio.fail_after(40):
            gone = await ask(tools["add"], a=1, b=1)
            assert gone.status in ("error", "unknown")
            place.process = place.start(place.port)
            results = [await ask(tools["add"], a=1, b=1) for _ in range(2)]
            assert results[-1].text == "2"
    finally:
        await server.aclose()
        place.__exit__()


async def test_a_hung_tool_ends_with_its_timeout_and_the_next_call_works() -> None:
    from scrimp.core.messages import ToolCall
    from scrimp.testing import Bench

    server = stdio(timeout=1.0)
    tools = await server.tools()
    bench = Bench(tools=tools)
    with anyio.fail_after(20):
        late = await bench.ctx.call_tool(ToolCall("1", "hang", {"seconds": 30}))
        assert (late.status, "no answer within 1 s" in late.text) == ("unknown", True)
        again = await bench.ctx.call_tool(ToolCall("2", "add", {"a": 1, "b": 1}))
        assert again.text == "2"
    await server.aclose()


async def test_a_changed_list_is_followed(server: MCPServer) -> None:
    tools = await offered(server)
    await ask(tools["grow"])
    with anyio.fail_after(10):
        while "fresh_tool" not in (now := await offered(server)):  # noqa: ASYNC110 - another process is waited for
            await anyio.sleep(0.05)
    assert (await ask(now["fresh_tool"])).text == "new"


async def test_secrets_reach_the_server_and_nothing_else(tmp_path: Path) -> None:
    server = stdio(env={"TOKEN": SECRET})
    tools = await offered(server)
    assert (await ask(tools["environment"], name="TOKEN")).text == "***", "even where the server says it"
    assert (await ask(tools["environment"], name="SCRIMP_HOME")).text == "not set", "our own environment is not its"
    assert SECRET not in repr(server)
    await server.aclose()
    with pytest.raises(OutsideError, match="no such database") as error:
        await stdio("--broken", env={"TOKEN": SECRET}).tools()
    assert SECRET not in str(error.value)


async def test_what_cannot_be_started_is_one_line_and_given_up() -> None:
    server = MCPServer(("no-such-program-of-mine",))
    with pytest.raises(OutsideError, match="could not be started"):
        await server.tools()
    for _ in range(9):
        with pytest.raises(OutsideError) as error:
            await server.tools()
    assert "was started 5 times" in str(error.value)


def test_an_agent_keeps_its_servers_between_runs_and_closes_them(tmp_path: Path) -> None:
    call = {"tool": "add", "arguments": {"a": 2, "b": 2}}
    server = stdio()
    journal = Journal(tmp_path / "journal.db")
    parts = Parts(models={"main": ScriptedModel([call, "4", call, "4"])})
    with Agent(System(), tools=[server], parts=parts, journal=journal) as agent:
        first = agent.run("What is 2 + 2?")
        line = server._line
        second = agent.run("Again?")
        assert (first.answer, second.answer) == ("4", "4")
        assert server._line is line, "one process served both"
        replay = anyio.run(agent.replay, first.run)
        assert replay.answer == "4"
    assert server._line is None
    parts = Parts(models={"main": ScriptedModel(["4"])})
    priced = Agent(System(), tools=[server], budget=Budget({"usd": "1"}), parts=parts, journal=journal)
    with priced, pytest.raises(UnknownPrice, match="tool 'add'"):
        priced.run("What is 2 + 2?")
    journal.close()


@pytest.mark.parametrize(
    ("text", "name", "command", "url"),
    [
        ("python server.py --x 'a b'", "python", ["python", "server.py", "--x", "a b"], ""),
        ("time=uvx mcp-server-time", "time", ["uvx", "mcp-server-time"], ""),
        ("http://localhost:8000/mcp", "localhost", [], "http://localhost:8000/mcp"),
        ("docs=https://x.org/mcp?a=b", "docs", [], "https://x.org/mcp?a=b"),
    ],
)
def test_a_server_in_words(text: str, name: str, command: list[str], url: str) -> None:
    server = MCPServer.of(text)
    assert (server.name, list(server.command), server.url) == (name, command, url)


@pytest.mark.parametrize("text", ["", "  ", "python 'open"])
def test_wrong_words(text: str) -> None:
    with pytest.raises(InputError, match="--mcp"):
        MCPServer.of(text)


@pytest.mark.parametrize("options", [{}, {"url": "ftp://x"}, {"url": "http://x", "command": ("y",)}])
def test_a_server_is_a_program_or_an_address(options: Mapping[str, Any]) -> None:
    with pytest.raises(InputError, match=r"command or a URL|begins with http"):
        MCPServer(**options)


def test_names_are_legal_unique_and_the_same_each_time() -> None:
    taken: list[str] = []
    for name in ("a.b", "a/b", "a_b", "é", "x" * 90, "x" * 91):
        taken.append(legal(name, taken, "srv"))
    assert taken[:4] == ["a_b", "srv_a_b", "srv_a_b_2", "tool"]
    assert all(len(name) <= 64 and name.replace("_", "a").replace("-", "a").isalnum() for name in taken)
    assert len(set(taken)) == 6


def test_schemas_that_are_none_or_lead_outside_check_nothing() -> None:
    assert checker("t", {"type": 7})({"a": 1}) is None
    assert checker("t", {"properties": {"a": {"$ref": "http://127.0.0.1:1/x.json"}}})({"a": 1}) is None
    assert described("a\x00b" + "y" * 5000).endswith("[...]")
