"""LLMCompiler: a plan that runs while it is written, as a graph of calls, and a joiner (arXiv 2312.04511, section 3).

Saves seconds, since calls that need nothing of each other run at once and the first begin before the plan is whole;
and model turns, with the tokens that are sent again at each of them.

The planner writes a call a line; a line that is complete goes to the graph (`tools/parts/dag_run.py`), which begins it
when the results it refers to as `$n` are there; the code's scheduler polls, this one does not. The joiner answers or
asks for more; then numbers go on counting, and calls made are not made again. Constants after the code: one replanning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scrimp.core.context import Context
from scrimp.core.messages import Message, ToolCall, assistant, user
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool, signature
from scrimp.planning.parts.conversation import opening, question
from scrimp.tools.parts.dag import MOST_CALLS, PlanError, Step, made
from scrimp.tools.parts.dag_run import AT_ONCE, Schedule
from scrimp.tools.parts.dag_text import Lines, arguments

CARD = Card(
    name="llmcompiler",
    family="planner",
    title="LLMCompiler",
    paper="2312.04511",
    saves="seconds and model turns, and the tokens sent again with them",
    against="react",
    claim="1.8x to 3.7x less time and 3.37x to 6.73x lower cost than ReAct (GPT); our targets: makespan within 5 % of "
    "the critical path, 3.7x on its kind of work",
    claimed_ratio=0.297,
    workload="compound",
    n=100,
    margin=10.0,
    unit="usd",
    verdicts={"oracle": "structure only"},
    notes="An oracle takes no time, so its check measures the cost; time is measured on a virtual clock.",
)

_CALL = re.compile(r"^\W*(\d{1,6})[.)]\s*([\w.-]+)\((.*)\)\W*$")
_NUMBERED = re.compile(r"^\W*\d+[.)]")
_END = re.compile(r"^\W*(?:\d+[.)]\s*)?join\b|END_OF_PLAN")
_SAID = re.compile(r"^\W*(Finish|Replan)\((.*)\)\W*$", re.DOTALL | re.MULTILINE)

PLAN = Prompt(
    "llmcompiler-plan",
    1,
    "Write a plan of tool calls that solves the task. It is run while you write it, calls that need nothing of each "
    "other at once; so let a call refer only to the results it needs. The tools are:\n$tools\n\nOne call a line: its "
    "number, from 1 upwards, the tool, and its arguments as a JSON object; where one is the result of an earlier call, "
    'write "$$n" with the number of that call. Other lines are thoughts, best left out. End with a line that says '
    'join(). For example, for "Let A be the sister of Ann. Add 5 to the age of A.":\n'
    '1. sister_of({"name": "Ann"})\n2. age_of({"name": "$$1"})\n3. add({"a": "$$2", "b": 5})\n4. join()',
)
GO_ON = Prompt(
    "llmcompiler-go-on",
    1,
    "Results so far:\n$evidence\n\n$why\nWrite the calls that are still missing, numbered from $number on, and join(). "
    "Calls that are made are not made again; their results keep their numbers.",
)
JOIN = Prompt(
    "llmcompiler-join",
    1,
    'Here are the results of the tool calls made for this task:\n$evidence\n\nReply with a line "Thought: ..." and one '
    "more line: Finish(ANSWER) where the results answer the task, with the answer in the form the task asks for and "
    "nothing else; Replan(WHAT IS MISSING) where more calls are needed.",
)
LAST = Prompt(
    "llmcompiler-last",
    1,
    "Here are the results of the tool calls made for this task:\n$evidence\n\nReply with the answer to the task "
    "itself, in the form the task asks for, and nothing else.",
)


@method(CARD)
class LLMCompiler:
    """Planner, graph of calls, joiner.

    Args:
        max_replans: how often the joiner may ask for more calls.
        at_once: most calls under way.
    """

    prompts = (PLAN, GO_ON, JOIN, LAST)

    def __init__(self, max_replans: int = 1, at_once: int = AT_ONCE) -> None:
        self.max_replans, self.at_once = max_replans, at_once

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Rounds of planning, with the calls under way meanwhile, and of joining; a fault is mended once."""
        tools = await ctx.tools(task.text)
        work = _Work(task, ctx, tools, Schedule(ctx, tools, at_once=self.at_once))
        why, retry, repairs, replans = "", "", 1, self.max_replans
        while tools:
            fault = await work.plan(why, retry)
            if fault and repairs:
                why, retry, repairs = f"{fault}.", "repair", repairs - 1
            elif task.answer_with == "calls":
                return Answer(calls=work.calls())
            elif replans and work.steps:
                answer, why = await work.join()
                if answer is not None:
                    return Answer(answer)
                retry, replans = "replan", replans - 1
            else:
                break
        response = await ctx.complete(work.below(LAST), prompt=LAST, component="answer")
        return Answer(response.text)


@dataclass
class _Work:
    """What was planned and done of one task; `steps` by number, in the order of their lines."""

    task: Task
    ctx: Context
    tools: Sequence[Tool]
    running: Schedule
    steps: dict[int, Step] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    attempt: int = 0

    async def plan(self, why: str, retry: str) -> str:
        """One plan, or the rest of one; its calls begin as its lines end. The first fault in it, empty where none."""
        prompt, again = PLAN, dict[str, Any]()
        if not self.messages:
            offered = "\n".join(signature(tool.spec) for tool in self.tools)
            self.messages = opening(PLAN.render(tools=offered), self.task)
        else:
            prompt, again = GO_ON, {"attempt": self.attempt + 1, "retry": retry}
            number = f"{max(self.steps, default=0) + 1}"
            self.messages.append(user(GO_ON.render(evidence=self._report(), why=why, number=number)))
        self.attempt += 1
        self.ctx.keep(self.messages)
        await self.ctx.step()
        lines, reader = Lines(), Reader(self.tools, self.steps)

        async def take(written: Sequence[str]) -> None:
            for step in filter(None, map(reader.read, written)):
                if self.task.answer_with != "calls":
                    await self.running.add(step)

        async def feed() -> None:
            async for delta in self.ctx.stream(self.messages, prompt=prompt, **again):
                await take(lines.add(delta.text))
            await take(lines.rest())

        try:
            await self.running.run(feed)
        finally:
            if self.running.steps:  # for when the budget ends: what is known by now
                self.ctx.keep(self.below(LAST))
        self.messages.append(assistant(lines.text))
        return reader.fault or ("" if self.steps or reader.ended else "there is no plan: no call, and no join()")

    async def join(self) -> tuple[str | None, str]:
        """The answer, or None and what the joiner says is missing. Words without a decision are the answer."""
        response = await self.ctx.complete(self.below(JOIN), prompt=JOIN, component="answer")
        said = _SAID.search(response.text)
        if said is None:
            return response.text, ""
        return (said[2].strip(), "") if said[1] == "Finish" else (None, response.text)

    def below(self, prompt: Prompt) -> list[Message]:
        """The question and, below it, a prompt with the results."""
        return [*question(self.task), user(prompt.render(evidence=self._report()))]

    def calls(self) -> tuple[ToolCall, ...]:
        """The planned calls, references as they stand."""
        return tuple(ToolCall(f"{number}", step.tool, step.arguments) for number, step in self.steps.items())

    def _report(self) -> str:
        return self.running.report() or "none were made"


class Reader:
    """Steps out of the lines of a plan, up to its end or its first fault.

    Args:
        tools: what may be called.
        steps: those planned before, by number; what is read is added.
    """

    def __init__(self, tools: Sequence[Tool], steps: dict[int, Step]) -> None:
        self._tools, self._steps = {tool.name: tool for tool in tools}, steps
        self.fault, self.ended = "", False

    def read(self, line: str) -> Step | None:
        """The step of a line, None where it holds none."""
        if self.ended or self.fault:
            return None
        found = _CALL.match(line)
        if _END.search(line) and (found is None or found[2] not in self._tools):
            self.ended = True
        elif found is not None:
            try:
                return self._step(int(found[1]), found[2], found[3])
            except PlanError as error:
                self.fault = f"call {found[1]}: {error}"
        elif _NUMBERED.match(line):
            self.fault = f"that is no call: {line[:100]}"
        return None

    def _step(self, number: int, name: str, written: str) -> Step:
        if name not in self._tools:
            raise PlanError(f"no tool is called {name}")
        if len(self._steps) == MOST_CALLS:
            raise PlanError(f"a plan has {MOST_CALLS} calls at most")
        if number <= max(self._steps, default=0):
            raise PlanError(f"numbers go up, and {max(self._steps)} is taken")
        step = self._steps[number] = made(number, name, arguments(written, self._tools[name]), self._steps)
        return step
