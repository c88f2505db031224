"""Programs that call tools: every call metered, only what they print is seen, nothing they say hurts the host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.agent import Agent
from scrimp.core.context import Settings
from scrimp.core.errors import InputError, UnknownPrice
from scrimp.core.messages import ToolCall
from scrimp.core.system import System
from scrimp.core.tool import Tool, ToolResult
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.outfit import Parts
from scrimp.testing import Bench
from scrimp.testing.escapes.scene import left_after
from scrimp.tools import programs
from scrimp.tools.programs import functions, program_tool
from scrimp.tools.sandbox.limits import Limits
from scrimp.tools.sandbox.trial import open_sandbox

ITEM = {"type": "object", "properties": {"item": {"type": "string"}}}


@pytest.fixture(scope="module", autouse=True)
def _confined() -> None:
    if sys.platform != "linux":
        pytest.skip("sandboxes are Linux's")
    try:
        anyio.run(open_sandbox)
    except InputError as missing:
        pytest.skip(str(missing))


asked: list[Any] = []


def _price(given: Mapping[str, Any]) -> Any:
    asked.append(given)
    if given["item"] == "ghost":
        return ToolResult("error: nobody sells a ghost", "error")
    return {"item": given["item"], "usd": len(given["item"])}


PRICE = Tool("shop.price", "The price of an item.", ITEM, _price, inline=True)
ECHO = Tool("echo", "The same words.", ITEM, lambda given: given["item"], inline=True)


def bench(*tools: Tool, limits: Limits | None = None, **options: Any) -> Bench:
    return Bench(tools=[*tools, program_tool(tools, limits)], **options)


def run(held: Bench, code: str) -> ToolResult:
    return anyio.run(held.ctx.call_tool, ToolCall("c", "run_program", {"code": code}))


def test_only_what_it_prints_is_seen_and_every_call_is_an_event_inside_its_own() -> None:
    held = bench(PRICE)
    asked.clear()
    result = run(held, "total = 0\nfor item in ('tea', 'bread'):\n    total += shop_price(item=item)['usd']\ntotal")
    assert (result.text, result.status) == ("8", "ok")
    outer = next(event for event in held.events if event.name == "run_program")
    inner = [event for event in held.events if event.name == "shop.price"]
    assert [event.parent for event in inner] == [outer.id, outer.id]
    assert asked == [{"item": "tea"}, {"item": "bread"}]
    assert len({event.key for event in held.events}) == 3
    assert {event.component for event in held.events} == {"tools"}


def test_values_errors_and_positions() -> None:
    code = (
        "print(shop_price('tea')['usd'] + 1, echo('a, b'), echo('[1, 2]')[1], sep=' / ')\n"
        "try:\n    shop_price('ghost')\nexcept ToolError as error:\n    print('so:', error)\n"
        "shop_price(item='ghost')"
    )
    result = run(bench(PRICE, ECHO), code)
    assert result.status == "error"
    assert result.text.splitlines()[:2] == ["4 / a, b / 2", "so: error: nobody sells a ghost"]
    assert result.text.splitlines()[-2].startswith("ToolError: error: nobody sells a ghost")
    assert "the same call failed like this once before" in result.text


def test_calls_that_need_not_wait_are_made_at_once() -> None:
    going, most = 0, 0

    async def slow(given: Mapping[str, Any]) -> str:
        nonlocal going, most
        going, most = going + 1, max(most, going + 1)
        await anyio.sleep(0.05)
        going -= 1
        return str(given["item"])

    held = bench(Tool("slow", "Takes its time.", ITEM, slow))
    assert run(held, "together(*[(slow, {'item': n}) for n in 'abc'])").text == '["a", "b", "c"]'
    assert most == 3


def test_a_refusal_of_the_budget_is_an_exception_and_nothing_is_spent_beyond_it() -> None:
    held = bench(PRICE, budget={"tool_calls": 3})
    result = run(
        held,
        "done = []\ntry:\n    while True: done.append(shop_price('tea')['usd'])\n"
        "except BudgetError as error: print(len(done), error)",
    )
    assert result.ok
    assert result.text.startswith("2 budget tool_calls=3 would be passed: spent 2, reserved 1")
    assert sum(event.name == "shop.price" and event.status == "ok" for event in held.events) == 2
    assert not held.witness.faults
    assert not held.open_calls()


def test_a_price_nobody_stated_ends_the_run_and_not_the_program() -> None:
    held = bench(Tool("far", "From outside.", ITEM, lambda given: "x", price=None), budget={"usd": 1})
    with pytest.raises(UnknownPrice):
        run(held, "far(item='x')")


def test_results_are_whole_in_a_program_however_long() -> None:
    long = Tool("book", "A book.", {"type": "object"}, lambda given: "x" * 50_000, inline=True)
    held = bench(long, settings=Settings(offload=300))
    assert run(held, "len(book())").text == "50000"
    assert "left out" in anyio.run(held.ctx.call_tool, ToolCall("c", "book", {})).text


def _say(text: str) -> str:
    """A program that speaks to the host past its functions."""
    return (
        f"import os, time\nfor number in (3, 4):\n    try: os.write(number, {text!r}.encode() + b'\\n')\n"
        "    except OSError: pass\ntime.sleep(1)"
    )


@pytest.mark.parametrize(
    "message",
    [
        '{"calls": [["echo", {"item": "x"}], ["echo"]]}', '{"calls": 7}', '{"calls": [[["echo"], {}]]}', "7", "{}",
        "null", '{"ready": true}', '{"end": null, "ready": true}', "\x00\x01", "[" * 3000, '{"calls": [], "x": 1}',
    ],
)  # fmt: skip
def test_a_forged_message_ends_the_program_and_hurts_nobody(message: str) -> None:
    held = bench(ECHO)
    result = run(held, _say(message))
    assert result.status == "error"
    assert result.text == "[the program was stopped: a message to the host is not one of its protocol]"
    assert [event.name for event in held.events] == ["run_program"]


def test_forged_calls_reach_what_functions_reach_and_no_more() -> None:
    held = bench(ECHO)
    text = (
        '{"calls": [["run_program", {"code": "1"}]]}\n{"calls": [["echo", {"item": 1e999}]]}\n{"calls": []}\n'
        '{"calls": [["echo", {"item": "\\ud800"}]]}\n{"end": null}'
    )
    assert run(held, _say(text)).ok
    assert sorted(event.name for event in held.events) == ["echo", "echo", "run_program"]
    flood = run(bench(ECHO), "echo(item='x' * 300_000)")
    assert flood.text == "[the program was stopped: a message to the host is longer than 262,144 bytes]"


def test_calls_have_a_limit() -> None:
    held = bench(ECHO, limits=Limits(calls=5))
    assert run(held, "while True: echo('x')").text.endswith("ToolError: a program may make 5 calls")
    assert sum(event.name == "echo" for event in held.events) == 5


def test_what_tools_take_is_not_the_program_s_time() -> None:
    async def slow(given: Mapping[str, Any]) -> str:
        await anyio.sleep(1.2)
        return "done"

    held = bench(Tool("slow", "Takes its time.", ITEM, slow), limits=Limits(seconds=1.0))
    assert run(held, "slow(item='x')").text == "done"


def test_a_run_that_is_cancelled_leaves_no_program(tmp_path: Path) -> None:
    held = bench(ECHO)

    async def cut() -> None:
        with anyio.move_on_after(0.5):
            await held.ctx.call_tool(ToolCall("c", "run_program", {"code": "while True: echo('x')"}))

    anyio.run(cut)
    assert not left_after(2.0)


ENDLESS = """
import anyio
from scrimp.tools.sandbox.limits import Limits
from scrimp.tools.sandbox.runner import mark, run
from scrimp.tools.sandbox.trial import open_sandbox
async def main():
    sandbox = await open_sandbox()
    print(mark(), flush=True)
    await run(sandbox, "import time; time.sleep(600)", Limits(seconds=600))
anyio.run(main)
"""


def test_a_host_that_is_killed_leaves_no_program(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # nobody is left to remove its folder
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as host:
        assert host.stdout is not None
        mark = host.stdout.readline().strip()
        for _ in range(1000):
            if left_after(0.0, mark):
                break
            time.sleep(0.01)
        assert left_after(0.0, mark), "it had begun"
        host.kill()
    assert not left_after(3.0, mark)


@pytest.mark.parametrize("odd", [{}, {"code": 7}, {"code": None}])
def test_what_is_no_program_is_an_observation(odd: dict[str, Any]) -> None:
    result = anyio.run(bench(ECHO).ctx.call_tool, ToolCall("c", "run_program", odd))
    assert result.status == "error"


def test_programs_that_cannot_be_read_or_fail_are_told_where() -> None:
    held = bench(ECHO)
    assert "SyntaxError: invalid syntax" in run(held, "1 +").text
    assert 'File "<program>", line 2, in f' in run(held, "def f():\n    return 1 / 0\nf()").text
    assert "null bytes" in run(held, "\0").text


def test_names_of_functions() -> None:
    tools = [Tool(name, "", ITEM) for name in ("a.b", "a_b", "class", "2nd", "together", "größe")]
    assert list(functions(tools)) == ["a_b", "a_b_", "class_", "_2nd", "together_", "größe"]


# -- in a System --------------------------------------------------------------------------------------


PROGRAM = {"tool": "run_program", "arguments": {"code": "sum(shop_price(item)['usd'] for item in ('tea', 'bread'))"}}


def agent(journal: Journal, *answers: Any, **system: Any) -> tuple[Agent, ScriptedModel]:
    model = ScriptedModel(list(answers))
    chosen = System(model="scripted", programs=True, **system)
    return Agent(chosen, tools=[PRICE], parts=Parts(models={"main": model}), journal=journal), model


def test_a_system_offers_it_beside_its_tools_and_a_replay_runs_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.db")
    mine, model = agent(journal, PROGRAM, "It is 8.", budget={"tool_calls": 5})
    result = mine.run("What do tea and bread cost?")
    assert result.answer == "It is 8."
    assert [spec.name for spec in model.requests[0].tools] == ["shop.price", "run_program"]
    assert "8" in model.requests[1].messages[-1].text
    assert sorted(event.name for event in journal.events(result.run) if event.kind == "tool") == [
        "run_program", "shop.price", "shop.price",
    ]  # fmt: skip
    assert result.budget["tool_calls"]["spent"] == 3

    async def never(*_: Any) -> Any:
        raise AssertionError("a replay runs nothing")

    monkeypatch.setattr(programs, "run", never)
    monkeypatch.setattr(programs, "open_sandbox", never)
    again = anyio.run(mine.replay, result.run)
    assert (again.answer, again.ledger.to_json()["total"]) == ("It is 8.", result.ledger.to_json()["total"])


def test_a_run_that_goes_on_does_not_run_a_finished_program_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.db")

    def stop(_: Any) -> Any:
        raise RuntimeError("the process ends here")

    answers = iter([lambda request: PROGRAM, stop])
    first = Agent(
        System(model="scripted", programs=True), tools=[PRICE], journal=journal,
        parts=Parts(models={"main": ScriptedModel(lambda request: next(answers)(request))}),
    )  # fmt: skip
    with pytest.raises(RuntimeError):
        first.run("What do tea and bread cost?")
    run_id = next(iter(journal.runs())).id

    async def never(*_: Any) -> Any:
        raise AssertionError("it was committed")

    monkeypatch.setattr(programs, "run", never)
    second, _ = agent(journal, "It is 8.")
    assert anyio.run(second.resume, run_id).answer == "It is 8."


KILLED = """
import os, sys
from pathlib import Path
from scrimp.agent import Agent
from scrimp.core.system import System
from scrimp.core.tool import Tool
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.outfit import Parts

def agent(folder, *answers):
    def book(given):
        with open(folder / "booked", "a") as log:
            log.write(given["item"])
        if given["item"] == "b" and not (folder / "again").exists():
            os.kill(os.getpid(), 9)
        return given["item"].upper()
    item = {"type": "object", "properties": {"item": {"type": "string"}}}
    tool = Tool("book", "Books an item.", item, book, inline=True)
    return Agent(System(model="scripted", programs=True), tools=[tool], journal=Journal(folder / "journal.db"),
                 parts=Parts(models={"main": ScriptedModel(list(answers))}))

CODE = '''
for item in "abc":
    try:
        print(book(item))
    except ToolError as error:
        print(error)
'''
if __name__ == "__main__":
    agent(Path(sys.argv[1]), {"tool": "run_program", "arguments": {"code": CODE}}).run("Book a, b and c.")
"""


@pytest.mark.parametrize(
    ("unknown", "booked", "seen"),
    [
        pytest.param({}, "ab", "nobody knows whether it took effect", marks=pytest.mark.slow),
        pytest.param(
            {"run_program": "failed"},
            "abc",
            "A\nthe process ended while this call was under way",
            marks=pytest.mark.slow,
        ),
        ({"run_program": "failed", "book": "failed"}, "abbc", "A\nB\nC"),
    ],
)
def test_a_program_that_was_killed_is_not_run_again_unasked_and_its_finished_calls_never(
    tmp_path: Path, unknown: dict[str, Any], booked: str, seen: str
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, script, tmp_path], env=environment, check=False).returncode == -9
    (tmp_path / "again").touch()
    names: dict[str, Any] = {}
    exec(compile(KILLED, str(script), "exec"), names)
    mine = names["agent"](tmp_path, "Booked.")
    record = next(iter(mine.journal.runs()))
    keys = {event.name: str(event.key) for event in mine.journal.in_flight(record.id)}
    assert sorted(keys) == ["book", "run_program"]
    result = anyio.run(lambda: mine.resume(record.id, unknown={keys[name]: how for name, how in unknown.items()}))
    assert result.answer == "Booked."
    assert (tmp_path / "booked").read_text() == booked
    assert seen in mine.outfit._models["main"].requests[-1].messages[-1].text


def test_it_is_offered_whatever_a_selector_chooses(tmp_path: Path) -> None:
    mine, model = agent(Journal(tmp_path / "journal.db"), "none", selector={"name": "all-tools"})
    mine.run("nothing")
    assert model.requests[0].tools[-1].name == "run_program"


def test_a_machine_that_cannot_confine_refuses_before_anything_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: Any) -> Any:
        raise InputError("programs cannot be confined on this machine")

    monkeypatch.setattr("scrimp.outfit.open_sandbox", none)
    mine, model = agent(Journal(tmp_path / "journal.db"), "never")
    with pytest.raises(InputError, match="cannot be confined"):
        mine.run("What?")
    assert not model.requests


def test_a_system_without_it_is_the_one_it_was() -> None:
    plain = System(model="scripted")
    assert plain.hash({}) == System.from_data(json.loads(json.dumps(plain.to_json()))).hash({})
    assert plain.hash({}) != plain.with_(programs=True).hash({})
    assert System.from_data({"model": "scripted", "programs": True}).programs
    with pytest.raises(InputError, match="programs is 1"):
        System.from_data({"programs": 1})
