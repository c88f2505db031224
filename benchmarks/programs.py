"""What calling tools from a program saves, in tokens: the same calls one a turn, at once where possible, as a program.

    python benchmarks/programs.py [--tools 16] [--n 40] [--json FILE]

The tool world's dev tasks (or `--tools 96`), and sums of a table's figures over 2 to 32 cities. The model is a script
that makes the right calls, in each of three ways, so this is structure only (EVIDENCE rule 6): no success is shown, and
whether a model writes such programs is another question. Tokens are scrimp's own estimate, the same for all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.task import Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.gold import Gold, Ref, Step, resolve, run_steps
from scrimp.evaluate.benchmarks.toolworld import ToolWorld
from scrimp.evaluate.benchmarks.world.invented import world
from scrimp.models.scripted import ScriptedModel
from scrimp.planning.methods.react import ReAct
from scrimp.testing import Bench
from scrimp.tools.programs import program_tool

KINDS = ("single", "parallel", "chained", "mixed")
CITIES = (2, 4, 8, 16, 32)
WAYS = ("one a turn", "at once", "program")


@dataclass(frozen=True)
class Case:
    """A task, what its last prompt must show, and what the model says in each way."""

    task: Task
    wanted: list[str]
    ways: Mapping[str, list[Any]]
    calls: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=int, default=16)
    parser.add_argument("--n", type=int, default=40, help="tasks of each kind")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    bench, rows = ToolWorld(asked.tools), []
    tools = {tool.name: tool for tool in bench.tools}
    for kind in KINDS:
        tasks = [task for task in bench.tasks("dev") if task.labels["kind"] == kind][: asked.n]
        rows.append(compared(kind, [of_gold(task, bench.gold(task.id), tools) for task in tasks], bench.tools))
    for count in CITIES:
        rows.append(compared(f"the sum of {count} cities", [of_cities(count, tools)], bench.tools))
    print("| tasks | n | calls | one a turn | at once | program | program / one a turn | program / at once |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        turn, once, program = (row[way] for way in WAYS)
        print(f"| {row['tasks']} | {row['n']} | {row['calls']:.1f} | {turn:,.0f} | {once:,.0f} | {program:,.0f} "
              f"| {program / turn:.2f} | {program / once:.2f} |")  # fmt: skip
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))
    return 0


def compared(name: str, cases: list[Case], tools: Sequence[Tool]) -> dict[str, Any]:
    """Mean tokens of a run, each way."""
    row: dict[str, Any] = {"tasks": name, "n": len(cases), "calls": statistics.fmean(case.calls for case in cases)}
    for way in WAYS:
        row[way] = statistics.fmean(anyio.run(tokens, case, way, tools) for case in cases)
    return row


async def tokens(case: Case, way: str, tools: Sequence[Tool]) -> int:
    """Tokens of one run in which the script is played; every way must have shown the same results at its end."""
    model = ScriptedModel([*case.ways[way], ", ".join(case.wanted)])
    bench = Bench(model, tools=[*tools, program_tool(tools)] if way == "program" else tools)
    await ReAct(max_steps=100).solve(case.task, bench.ctx)
    seen = "".join(message.text for message in model.requests[-1].messages).replace(" ", "")
    if missing := [text for text in case.wanted if text.replace(" ", "") not in seen]:
        raise SystemExit(f"{case.task.id}, {way}: the last prompt does not show {missing}")
    return bench.ledger.total.tokens.total


# -- the same calls, said in three ways ----------------------------------------------------------------


def of_gold(task: Task, gold: Gold, tools: Mapping[str, Tool]) -> Case:
    """A task of the tool world: its gold calls one by one, in waves of those that can be at once, and as lines."""
    results = run_steps(gold.steps, tools)
    values, depth, waves, lines = [result.value for result in results], [], {}, []  # type: ignore[var-annotated]
    for number, step in enumerate(gold.steps):
        before = [value.step for value in step.arguments.values() if isinstance(value, Ref)]
        depth.append(1 + max((depth[one] for one in before), default=0))
        waves.setdefault(depth[-1], []).append(_call(step.tool, resolve(step.arguments, values)))
        given = (f"{name}={f'r{x.step}' if isinstance(x, Ref) else repr(x)}" for name, x in step.arguments.items())
        lines.append(f"r{number} = {step.tool}({', '.join(given)})")
    lines.append(f"print({', '.join(f'r{step}' for step in gold.read)})")
    at_once = [waves[key] for key in sorted(waves)]
    singly = [_call(step.tool, resolve(step.arguments, values)) for step in gold.steps]
    wanted = [results[step].text for step in gold.read]
    return _case(task, wanted, singly, at_once, lines)


def of_cities(count: int, tools: Mapping[str, Tool]) -> Case:
    """The populations of some cities added up: a loop in a program, a call for each city otherwise."""
    cities = list(world().cities)[:count]
    looks = [_call("city_population", {"city": city}) for city in cities]
    figures = [
        result.value for result in run_steps([Step(one["tool"], one["arguments"], ("", "")) for one in looks], tools)
    ]
    total = _call("list_sum", {"values": figures})
    text = run_steps([Step("list_sum", {"values": figures}, ("", ""))], tools)[0].text
    task = Task(f"{count}-cities", f"Add up the populations of these cities within their limits: {', '.join(cities)}.")
    lines = [f"list_sum(values=[city_population(city=city) for city in {json.dumps(cities)}])"]
    return _case(task, [text], [*looks, total], [looks, total], lines)


def _case(task: Task, wanted: list[str], singly: list[Any], at_once: list[Any], lines: list[str]) -> Case:
    program = [_call("run_program", {"code": "\n".join(lines)})]
    return Case(task, wanted, dict(zip(WAYS, (singly, at_once, program), strict=True)), len(singly))


def _call(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"tool": tool, "arguments": dict(arguments)}


if __name__ == "__main__":
    sys.exit(main())
