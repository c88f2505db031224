"""ReWOO: a whole plan with evidence variables, workers without a model, one call that solves (arXiv 2305.18323).

Saves the prompt that ReAct sends again at every step: two calls of a model, however many steps there are. A plan
cannot look at a result before it is made, so it does worse where a step hangs on what an earlier one says.

Read after the paper's section 2 and its code, with any number of variables (the code takes nine) and with workers that
need nothing of each other at once (the code's wait for each other). A variable inside other words becomes its evidence
without the code's brackets, since arguments are typed; a failed call is `No evidence found`, and the run goes on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import ToolCall, user
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool, signature
from scrimp.planning.parts.conversation import opening, question
from scrimp.tools.parts.dag import MOST_CALLS, PlanError, Step, made
from scrimp.tools.parts.dag_run import AT_ONCE, Schedule
from scrimp.tools.parts.dag_text import arguments

CARD = Card(
    name="rewoo",
    family="planner",
    title="ReWOO",
    paper="2305.18323",
    saves="the prompt that ReAct sends again at every step",
    against="react",
    claim="5x fewer tokens than ReAct at 4 points more accuracy (HotpotQA, GPT-3.5); our targets: 3x fewer prompt "
    "tokens, 5x on the longest chains",
    claimed_ratio=0.2,
    workload="toolworld",
    n=250,
    margin=5.0,
    unit="tokens",
    verdicts={"oracle": "structure only"},
)

NO_EVIDENCE = "No evidence found"
EVIDENCE = re.compile(r"#E(\d{1,6})(?!\d)")
_LINE = re.compile(r"^\W*#E(\d{1,6})\s*=\s*([\w.-]+)\s*[\[(](.*)[\])]\s*$")
_PLAN = re.compile(r"^\W*Plan\s*\d*\s*:\s*(.*)$", re.IGNORECASE)

PLAN = Prompt(
    "rewoo-plan",
    1,
    'Make a plan that solves the task step by step. For each step write a line that begins with "Plan:" and says what '
    "it does, and below it the tool call that gives the evidence for it, kept in a variable that later steps can use: "
    "#E1 = tool[arguments], then #E2 and so on. Arguments are a JSON object; one that is the evidence of an earlier "
    "step is its variable. No call is made before the whole plan is written. The tools are:\n$tools\n\nFor example, "
    'for "Let A be the sister of Ann. Add 5 to the age of A.":\n'
    'Plan: Find the sister of Ann.\n#E1 = sister_of[{"name": "Ann"}]\n'
    'Plan: Find her age.\n#E2 = age_of[{"name": "#E1"}]\n'
    'Plan: Add 5 to it.\n#E3 = add[{"a": "#E2", "b": 5}]\n'
    'A task that needs no tool has one line "Plan:" and no call.',
)
SOLVE = Prompt(
    "rewoo-solve",
    1,
    "To solve the task, a plan was made and evidence was gathered for each of its steps. Use it with care, since it "
    "may hold what is irrelevant or wrong.\n\n$evidence\n\nNow solve the task with the evidence above: $task\nReply "
    "with the answer itself, in the form the task asks for, and nothing else.",
)


@dataclass
class Plan:
    """What could be read: sentences with the step below each, and what was wrong."""

    steps: list[tuple[str, Step]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@method(CARD)
class ReWOO:
    """Planner, workers, solver.

    Args:
        repairs: how often a plan with faults is asked for again; after that its good steps are taken.
        at_once: most workers under way.
    """

    prompts = (PLAN, SOLVE)

    def __init__(self, repairs: int = 1, at_once: int = AT_ONCE) -> None:
        self.repairs, self.at_once = repairs, at_once

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Plan, gather evidence, solve."""
        tools = await ctx.tools(task.text)
        plan = await self._plan(task, tools, ctx) if tools else Plan()
        if task.answer_with == "calls" and plan.steps:
            return Answer(calls=tuple(ToolCall(f"{one.number}", one.tool, one.arguments) for _, one in plan.steps))
        workers = Schedule(ctx, tools, at_once=self.at_once, instead=NO_EVIDENCE, pattern=EVIDENCE)

        async def feed() -> None:
            for _, step in plan.steps:
                await workers.add(step)

        try:
            await workers.run(feed)
        except BudgetExceeded:
            ctx.keep([*question(task), user(_evidence(plan, workers))])
            raise
        solving = SOLVE.render(evidence=_evidence(plan, workers) or NO_EVIDENCE, task=task.text)
        messages = [*question(task), user(solving)]
        ctx.keep(messages)
        response = await ctx.complete(messages, prompt=SOLVE, component="answer")
        return Answer(response.text)

    async def _plan(self, task: Task, tools: Sequence[Tool], ctx: Context) -> Plan:
        messages = opening(PLAN.render(tools="\n".join(signature(tool.spec) for tool in tools)), task)
        for attempt in range(1, self.repairs + 2):
            ctx.keep(messages)
            await ctx.step()
            again: dict[str, Any] = {} if attempt == 1 else {"attempt": attempt, "retry": "repair"}
            response = await ctx.complete(messages, prompt=PLAN, **again)
            plan = read(response.text, tools)
            if not plan.faults:
                break
            wrong = "\n".join(plan.faults[:MOST_CALLS])
            messages += [response.message, user(f"{wrong}\nWrite the whole plan again.")]
        return plan


def read(text: str, tools: Sequence[Tool]) -> Plan:
    """The steps of a plan that can be taken, and the faults of all others."""
    known = {tool.name: tool for tool in tools}
    plan, sentence, seen = Plan(), "", set[int]()
    for line in text.splitlines():
        if told := _PLAN.match(line):
            sentence = told[1].strip()
        elif found := _LINE.match(line):
            number, name = int(found[1]), found[2]
            try:
                if len(seen) == MOST_CALLS:
                    raise PlanError(f"a plan has {MOST_CALLS} calls at most")
                plan.steps.append((sentence, _step(number, name, found[3], known, seen)))
                seen.add(number)
            except PlanError as error:
                plan.faults.append(f"#E{number}: {error}")
            sentence = ""
        elif line.lstrip(" *->").startswith("#E"):
            plan.faults.append(f"that is no call: {line[:100]}")
    if not plan.steps and not plan.faults and not any(map(_PLAN.match, text.splitlines())):
        plan.faults.append('there is no plan: it has lines "Plan: ..." and "#E1 = tool[arguments]"')
    return plan


def _step(number: int, name: str, written: str, known: dict[str, Tool], seen: set[int]) -> Step:
    if name not in known:
        raise PlanError(f"no tool is called {name}")
    if number in seen:
        raise PlanError("this variable has its evidence already")
    return made(number, name, arguments(written, known[name]), seen, EVIDENCE)


def _evidence(plan: Plan, workers: Schedule) -> str:
    """For each step its sentence, and the call with its evidence."""
    lines = []
    for sentence, step in plan.steps:
        call, result = workers.calls.get(step.number), workers.results.get(step.number)
        given = json.dumps((call or step).arguments, ensure_ascii=False)
        text = result.text if result is not None and result.ok else NO_EVIDENCE
        lines += [f"Plan: {sentence}"] if sentence else []
        lines.append(f"{step.tool}({given}) = {text}")
    return "\n".join(lines)
