"""ReAct: think, call a tool, observe, again, until the answer is clear (arXiv 2210.03629).

The baseline of everything: it saves nothing itself, since the whole conversation is sent again at every step.
Native tool calls where the model has them; models without are given schema-constrained text by their adapter.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.planning.parts.conversation import in_turns, opening

CARD = Card(
    name="react",
    family="planner",
    title="ReAct",
    paper="2210.03629",
    saves="",
    against="",
    notes="The baseline planner. One or more tool calls a turn, as the System's parallel_calls says.",
)

PROMPT = Prompt(
    "react",
    1,
    "You solve tasks with the help of tools. Think about what is still missing, call a tool when you need it, read "
    "its result, and go on. Never guess what a tool can tell you. As soon as you know the answer, reply with the "
    "answer itself, in the form the task asks for, and nothing else.",
)
CONCLUDE = Prompt("react-conclude", 1, "No more tool calls are possible. Reply with your best answer to the task now.")


@method(CARD)
class ReAct:
    """Reason and act in turns.

    Args:
        max_steps: turns after which an answer is asked for; as many as the task allows where None, else TURNS.
    """

    prompts = (PROMPT, CONCLUDE)

    def __init__(self, max_steps: int | None = None) -> None:
        self.max_steps = max_steps

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Turns of one model call and its tool calls, until a turn calls nothing."""
        tools = await ctx.tools(task.text)
        messages = opening(PROMPT.text, task)
        response = await in_turns(ctx, messages, PROMPT, CONCLUDE, tools, task, self.max_steps)
        return Answer(response.text, response.tool_calls)
