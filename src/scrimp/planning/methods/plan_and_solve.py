"""Plan-and-solve: first devise a plan in words, then carry it out step by step (arXiv 2305.04091, section 2).

A baseline: ReAct whose first turn writes the plan, so it saves nothing itself. The paper's prompt is one call without
tools, which it stays where no tool is offered; with tools each step of the plan may call one.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.planning.parts.conversation import in_turns, opening
from scrimp.planning.parts.thought import ENDING, conclusion

CARD = Card(
    name="plan-and-solve",
    family="planner",
    title="Plan-and-solve",
    paper="2305.04091",
    saves="",
    against="",
    notes="A baseline: ReAct whose first turn writes the plan.",
)

PROMPT = Prompt(
    "plan-and-solve",
    1,
    "First understand the task: note what is given and what is asked, and devise a plan, numbered step by step. Then "
    "carry the plan out, step by step; where a step needs a tool, call it, and never guess what a tool can tell you. "
    f"Mind the figures and the units on the way. {ENDING}",
)
CONCLUDE = Prompt("plan-and-solve-conclude", 1, f"No more tool calls are possible. {ENDING}")


@method(CARD)
class PlanAndSolve:
    """A plan in words, carried out in turns.

    Args:
        max_steps: turns after which an answer is asked for; as many as the task allows where None, else TURNS.
    """

    prompts = (PROMPT, CONCLUDE)

    def __init__(self, max_steps: int | None = None) -> None:
        self.max_steps = max_steps

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """The plan and its steps in one conversation, until a turn calls nothing."""
        tools = await ctx.tools(task.text)
        messages = opening(PROMPT.text, task)
        response = await in_turns(ctx, messages, PROMPT, CONCLUDE, tools, task, self.max_steps)
        return Answer(conclusion(response.text), response.tool_calls)
