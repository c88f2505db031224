"""Plan-then-execute: one call writes the whole plan, the tools run, one call reads the results (arXiv 2305.04091).

Saves the model calls between tool calls, and with them the conversation that ReAct sends again at every step;
a plan cannot look at a result before it is made, so a failed step is planned anew at most once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.core.context import Context
from scrimp.core.messages import ToolCall, assistant, user
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.core.tool import ToolResult, signature
from scrimp.planning.parts.conversation import opening, question
from scrimp.tools.parts import dag
from scrimp.tools.parts.dag_run import line, same
from scrimp.tools.parts.schema import OUTLINE, plan_schema

CARD = Card(
    name="plan-then-execute",
    family="planner",
    title="Plan-then-execute",
    paper="2305.04091",
    saves="model calls and re-sent prompt tokens",
    against="react",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "structure only"},
    notes="A baseline of ours after Plan-and-Solve; references between steps as in ReWOO and LLMCompiler.",
)

PLAN = Prompt(
    "plan",
    1,
    "You plan the tool calls that a task needs, all at once, before any is made. The tools are:\n$tools\n\n"
    'Reply with one JSON object {"steps": [{"tool": NAME, "arguments": {...}}, ...]}. What a tool has to find out '
    "first is a step of its own, before the steps that use it; where an argument is the result of an earlier step, "
    'write "$$n" with the number of that step, counted from 1; what the task states is written out. For example, for '
    '"Let A be the sister of Ann. Add 5 to the age of A.": '
    '{"steps": [{"tool": "sister_of", "arguments": {"name": "Ann"}}, {"tool": "age_of", "arguments": {"name": "$$1"}}, '
    '{"tool": "add", "arguments": {"a": "$$2", "b": 5}}]}. Several questions need the steps of each of them; a task '
    'that needs no tool has the plan {"steps": []}.',
)
ANSWER = Prompt(
    "answer",
    1,
    "Here are the results of the tool calls made for this task:\n$evidence\n\nReply with the answer to the task "
    "itself, in the form the task asks for, and nothing else.",
)


@method(CARD)
class PlanThenExecute:
    """Plan once, run the calls as their references allow, answer once.

    Args:
        max_replans: how often a plan that cannot be read or that fails is planned anew.
    """

    prompts = (PLAN, ANSWER)

    def __init__(self, max_replans: int = 1) -> None:
        self.max_replans = max_replans

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Plan, execute, answer."""
        tools = await ctx.tools(task.text)
        if not tools:  # there is nothing to plan
            return await self._answer(task, "", ctx)
        messages = opening(PLAN.render(tools="\n".join(signature(tool.spec) for tool in tools)), task)
        # A grammar costs no tokens, a schema sent along does: then only the outline is sent.
        tight = ctx.capabilities().schema == "grammar"
        schema = plan_schema([tool.spec for tool in tools]) if tight else OUTLINE
        evidence, known, kind = "", dict[str, ToolResult](), "replan"
        for attempt in range(1, self.max_replans + 2):
            ctx.keep(messages)
            await ctx.step()
            again: dict[str, Any] = {} if attempt == 1 else {"attempt": attempt, "retry": kind}
            response = await ctx.complete(messages, prompt=PLAN, schema=schema, **again)
            try:
                plan = dag.read(_steps(response.text))
            except dag.PlanError as error:
                evidence, kind = f"the plan could not be read: {error}", "repair"
                messages += [response.message, user(f"{error}. Write the whole plan again.")]
                continue
            if task.answer_with == "calls":
                return Answer(calls=tuple(ToolCall(f"{step.number}", step.tool, step.arguments) for step in plan))
            evidence, failed = await _execute(plan, known, frozenset(tool.name for tool in tools if tool.acts), ctx)
            if not failed:
                break
            kind = "replan"
            messages += [assistant(response.text), user(f"{evidence}\nSome calls failed. Write the whole plan again.")]
        return await self._answer(task, evidence, ctx)

    async def _answer(self, task: Task, evidence: str, ctx: Context) -> Answer:
        messages = [*question(task), user(ANSWER.render(evidence=evidence or "none were needed"))]
        ctx.keep(messages)
        response = await ctx.complete(messages, prompt=ANSWER, component="answer")
        return Answer(response.text)


def _steps(text: str) -> Sequence[Mapping[str, Any]]:
    try:
        plan = json.loads(text)
    except (ValueError, RecursionError):
        raise dag.PlanError("that is not a JSON object") from None
    steps = plan.get("steps") if isinstance(plan, Mapping) else None
    if not isinstance(steps, list) or not all(isinstance(step, Mapping) for step in steps):
        raise dag.PlanError('the object needs "steps", a list of calls')
    return steps


async def _execute(
    plan: Sequence[dag.Step], known: dict[str, ToolResult], acting: frozenset[str], ctx: Context
) -> tuple[str, bool]:
    """Run the plan; evidence lines `$n: tool(arguments) = result`, and whether any call failed.

    `known` holds the good results of an earlier plan of this task: the same call is not made twice, unless it is a
    step in an environment, as those of `acting` are.
    """
    results: dict[int, ToolResult] = {}
    made: dict[int, ToolCall] = {}
    for wave in dag.waves(plan):
        texts = {number: result.text for number, result in results.items()}
        # What depends on a failed call is not made: its result would mean nothing.
        runnable = [step for step in wave if all(need in results and results[need].ok for need in step.needs)]
        for step in runnable:
            made[step.number] = ToolCall(f"{step.number}", step.tool, dag.fill(step.arguments, texts))
        fresh = [step.number for step in runnable if same(made[step.number]) not in known]
        calls = [made[number] for number in fresh]
        results.update(zip(fresh, await ctx.call_tools(calls) if calls else [], strict=True))
        results.update({step.number: known[same(made[step.number])] for step in runnable if step.number not in fresh})
        good = [number for number in fresh if results[number].ok and made[number].name not in acting]
        known.update({same(made[number]): results[number] for number in good})
    lines = [line(step, made.get(step.number), results.get(step.number)) for step in plan]
    return "\n".join(lines), any(not result.ok for result in results.values())
