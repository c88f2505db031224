"""Programmatic tool calling: the model writes a program that calls the tools, and sees only what it prints.

Many calls whose results only matter together cost one turn instead of one each, and their results no tokens at all
(Code Mode and programmatic tool calling as model providers describe them; CodeAct, arXiv 2402.01030, section 2, is the
same thought as a whole strategy). The program runs in the sandbox, its calls come out of it as JSON and go through
`ctx.call_tools`: each is reserved, metered and journaled as any other, inside of the call that runs the program. A
replay has that call's result, and runs no program.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import ToolCall
from scrimp.core.tool import Tool, ToolResult
from scrimp.tools.sandbox.limits import Limits
from scrimp.tools.sandbox.runner import Call, run
from scrimp.tools.sandbox.trial import open_sandbox

RUN = Tool(
    "run_program",
    "Run a Python program in which your other tools are functions: same names (with _ for any other sign), arguments "
    "by name, results as values (JSON is parsed, the rest is text). You see only what it prints and the value of its "
    "last line. Use it when an answer takes several calls, or a small part of large results. A failed call raises "
    "ToolError; together((f, {arguments}), (g, {arguments})) calls at once. Standard library; no network, no files.",
    {
        "type": "object",
        "properties": {"code": {"type": "string", "description": "The whole program."}},
        "required": ["code"],
        "additionalProperties": False,
    },
    timeout=3600.0,
    source="scrimp",
)
"""What it offers; `program_tool` gives it the tools that programs call. Its time is limited by the sandbox."""

OWN = ("together", "ToolError", "BudgetError")
Functions = Mapping[str, Tool]


def program_tool(tools: Sequence[Tool], limits: Limits | None = None) -> Tool:
    """The tool that runs programs which call `tools`."""
    return replace(RUN, call_in=partial(_run, functions(tools), limits or Limits()))


def functions(tools: Sequence[Tool]) -> Functions:
    """Tools by the names that they have in a program."""
    named: dict[str, Tool] = {}
    for tool in tools:
        name = re.sub(r"\W", "_", tool.name)
        while not name.isidentifier() or keyword.iskeyword(name) or name in named or name in OWN:
            name = f"_{name}" if name[:1].isdigit() else f"{name}_"
        named[name] = tool
    return named


async def _run(known: Functions, limits: Limits, given: Mapping[str, Any], ctx: Context) -> ToolResult:
    code = given.get("code")
    if not isinstance(code, str):
        return ToolResult("error: `code` has to be the text of a program", "error")
    sandbox, place = await open_sandbox(), ctx.unabridged()
    signatures = [(name, tool.name, list(tool.parameters.get("properties", {}))) for name, tool in known.items()]
    outcome = await run(sandbox, code, limits, signatures, partial(_answer, known, place))
    return ToolResult(outcome.text or "(the program printed nothing)", "ok" if outcome.ok else "error")


async def _answer(known: Functions, ctx: Context, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """Make the calls of one message at once; what each came to, as the program is told it."""
    names = {tool.name for tool in known.values()}
    for name, _ in calls:
        if name not in names:  # the program spoke past its functions
            return [{"error": f"no function calls a tool {name!r}", "kind": "tool"} for _ in calls]
    asked = [ToolCall(f"program-{number}", name, arguments) for number, (name, arguments) in enumerate(calls)]
    try:
        return [_told(result) for result in await ctx.call_tools(asked)]
    except BudgetExceeded as refusal:
        return [{"error": str(refusal), "kind": "budget"} for _ in calls]


def _told(result: ToolResult) -> dict[str, Any]:
    """A result as a value; read off its text, which is what the journal keeps, so that it is the same on a resume."""
    if not result.ok:
        return {"error": result.text, "kind": "tool"}
    try:
        return {"value": json.loads(result.text)}
    except (ValueError, RecursionError):
        return {"value": result.text}
